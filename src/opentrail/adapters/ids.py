"""Fresh ids from the operating system's randomness, and counted ones for tests."""

from __future__ import annotations

import itertools
import secrets
import string
import uuid

_LETTERS = string.ascii_letters + string.digits


class SystemIds:
    """See ports.ids."""

    def event_id(self) -> str:
        return str(uuid.uuid4())

    def request_id(self) -> str:
        return str(uuid.uuid4())

    def unique16(self) -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(16))


class CountingIds:
    """The same ids in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def event_id(self) -> str:
        return f"{next(self._numbers):08x}-0000-4000-8000-000000000000"

    def request_id(self) -> str:
        return f"{next(self._numbers):08x}-0000-4000-9000-000000000000"

    def unique16(self) -> str:
        return f"{next(self._numbers):016d}"
