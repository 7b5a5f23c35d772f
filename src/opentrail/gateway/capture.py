"""A bounded copy of a body that streams past."""

from __future__ import annotations

import hashlib

CAPTURE_LIMIT_BYTES = 1024 * 1024
"""Parameters above 100 KB are left out of a record anyway (spec: record contents, size rules)."""


class Capture:
    """Keeps the first bytes and counts, or even hashes, all."""

    __slots__ = ("_hash", "_limit", "_parts", "kept", "length")

    def __init__(self, *, hashing: bool = False, limit_bytes: int = CAPTURE_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._hash = hashlib.sha256() if hashing else None
        self._parts: list[bytes] = []
        self.kept = 0
        self.length = 0

    def add(self, data: bytes) -> None:
        """Take note of `data`."""
        self.length += len(data)
        if self._hash is not None:
            self._hash.update(data)
        room = self._limit - self.kept
        if room > 0:
            piece = data if len(data) <= room else data[:room]
            self._parts.append(piece)
            self.kept += len(piece)

    @property
    def sha256(self) -> str:
        """Of all bytes so far, in hex; "" if they are not hashed."""
        return "" if self._hash is None else self._hash.hexdigest()

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.kept == self.length

    def content(self) -> bytes:
        """The bytes kept."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
