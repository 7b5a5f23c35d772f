"""Fresh ids from the operating system's randomness, and counted ones for tests."""

from __future__ import annotations

import itertools
import os
import secrets
import string
from collections import deque

IDS_AT_ONCE = 256
_LETTERS = string.ascii_letters + string.digits


class SystemIds:
    """See ports.ids. Ids are random UUIDs (version 4)."""

    def __init__(self) -> None:
        self._random: deque[bytes] = deque()

    def event_id(self) -> str:
        return self._uuid()

    def request_id(self) -> str:
        return self._uuid()

    def _uuid(self) -> str:
        while True:
            try:
                digits = self._random.popleft().hex()  # threads never get the same one
            except IndexError:
                # Asking the operating system for each id costs more than all the rest of it.
                block = os.urandom(16 * IDS_AT_ONCE)
                self._random.extend(block[at : at + 16] for at in range(0, len(block), 16))
                continue
            variant = "89ab"[int(digits[16], 16) & 3]
            return (
                f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-"
                f"{variant}{digits[17:20]}-{digits[20:]}"
            )

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
