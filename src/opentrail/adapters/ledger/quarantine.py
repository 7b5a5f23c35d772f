"""What could not be read, as JSON Lines: one file an object, named by a hash of its name.

A line tells where the bytes stood and why they are here, and holds them in base64, as long as the
directory is below its limit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from opentrail.adapters.directories import sync_directory
from opentrail.errors import Unavailable
from opentrail.imports.found import Quarantined

MAX_BYTES = 1024 * 1024 * 1024
"""Behind this the lines go on, without the bytes: those are still in the source."""


class DirectoryQuarantine:
    """See ports.ledger."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._used: int | None = None

    def keep(
        self, source: str, key: str, found: Sequence[Quarantined], when: datetime, *, fresh: bool
    ) -> None:
        path = self.path(source, key)
        if not found and not path.exists():
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lines = [self._line(source, key, one, when) for one in found]
            flags = os.O_CREAT | os.O_WRONLY | (os.O_TRUNC if fresh else os.O_APPEND)
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            sync_directory(self._directory)
        except OSError as cause:
            raise Unavailable(f"{path} can't be written: {cause.strerror}") from cause

    def path(self, source: str, key: str) -> Path:
        """The file that holds what was kept of an object."""
        name = f"{source}\n{key}".encode("utf-8", "surrogateescape")
        return self._directory / f"{hashlib.sha256(name).hexdigest()[:32]}.jsonl"

    def _line(self, source: str, key: str, one: Quarantined, when: datetime) -> bytes:
        members: dict[str, object] = {
            "source": source,
            "key": key,
            "offset": one.offset,
            "length": one.length,
            "reason": one.reason,
            "kept": when.isoformat(),
        }
        if self._has_room(len(one.content)):
            members["content"] = base64.b64encode(one.content).decode()
        return json.dumps(members).encode() + b"\n"

    def _has_room(self, length: int) -> bool:
        if self._used is None:
            self._used = sum(path.stat().st_size for path in self._directory.glob("*.jsonl"))
        self._used += length * 4 // 3
        return self._used <= self._max_bytes
