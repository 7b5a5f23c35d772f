"""Files that only their owner may read, for databases that set no mode themselves."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def create_private(path: Path) -> None:
    """An empty file, unless there is one.

    An existing file is never opened: closing it would drop the locks that this process's other
    connections hold on it (POSIX), and another process would take the database for unused.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
