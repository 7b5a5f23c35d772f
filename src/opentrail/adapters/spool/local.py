"""A spool in a directory: written aside, synced, renamed, the directory synced."""

from __future__ import annotations

import os
from pathlib import Path

from opentrail.adapters.directories import sync_directory
from opentrail.errors import IntegrityError, Unavailable

_UNFINISHED = ".part"
_NEW_FILE = os.O_CREAT | os.O_TRUNC | os.O_WRONLY


class LocalSpool:
    """See ports.spool."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        for left in directory.glob(f"*{_UNFINISHED}"):
            left.unlink()

    def write(self, name: str, content: bytes) -> None:
        path = self._directory / name
        aside = path.with_name(name + _UNFINISHED)
        try:
            with os.fdopen(os.open(aside, _NEW_FILE, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
            sync_directory(self._directory)
        except OSError as cause:
            raise Unavailable(f"the spool does not take {name}: {cause.strerror}") from cause

    def read(self, name: str) -> bytes:
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError as cause:
            raise IntegrityError(f"spooled file {name} is gone") from cause
        except OSError as cause:
            raise Unavailable(f"spooled file {name}: {cause.strerror}") from cause

    def remove(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)

    def names(self) -> tuple[str, ...]:
        return tuple(path.name for path in self._directory.iterdir() if path.suffix != _UNFINISHED)
