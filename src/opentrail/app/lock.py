"""One process a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from opentrail.errors import InvalidInput


class DirectoryLock:
    """Held while the process lives; the kernel lets go of it however the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def take(self) -> None:
        """Hold the lock.

        Raises:
            InvalidInput: another process holds it.
        """
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip("\0\n ")
            os.close(fd)
            raise InvalidInput(
                f"{self._path.parent} is in use by process {holder or 'unknown'}; "
                "stop it, or name another directory with OPENTRAIL_DATA"
            ) from cause
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def wait(self) -> None:
        """Hold the lock, waiting for whoever has it to end."""
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        self._fd = fd
