"""A spool in a dict; for tests."""

from __future__ import annotations

from opentrail.errors import IntegrityError


class MemorySpool:
    """See ports.spool."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def write(self, name: str, content: bytes) -> None:
        self._files[name] = content

    def read(self, name: str) -> bytes:
        try:
            return self._files[name]
        except KeyError as cause:
            raise IntegrityError(f"spooled file {name} is gone") from cause

    def remove(self, name: str) -> None:
        self._files.pop(name, None)

    def names(self) -> tuple[str, ...]:
        return tuple(self._files)
