"""A directory that is one engine's own: all of the file system that DuckDB may reach.

Open files are linked into it, so none is lost while a query runs: the store removes files that it
has joined. Left-over directories of programs that died are swept away.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Scratch:
    """A new directory below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / f"{os.getpid()}-{secrets.token_hex(4)}"
        self.spill = self.path / "spill"
        self.spill.mkdir(mode=0o700, parents=True)
        self._linked: dict[str, Path] = {}

    def link(self, files: Sequence[Path]) -> list[Path]:
        """Names for the files within the directory, in the same order; others go.

        Raises:
            FileNotFoundError: one of them is no more.
        """
        wanted = {file.name for file in files}
        for name in self._linked.keys() - wanted:
            self._linked.pop(name).unlink(missing_ok=True)
        for file in files:
            if file.name not in self._linked:
                self._linked[file.name] = _linked(file, self.path / file.name)
        return [self._linked[file.name] for file in files]

    def close(self) -> None:
        """The directory is gone."""
        shutil.rmtree(self.path, ignore_errors=True)


def _linked(file: Path, name: Path) -> Path:
    try:
        os.link(file, name)
    except FileNotFoundError:
        raise
    except OSError:
        # A file system without links.
        shutil.copyfile(file, name)
    return name


def sweep(directory: Path) -> None:
    """Remove what programs that are no more have left."""
    with suppress(FileNotFoundError):
        for path in directory.iterdir():
            number = path.name.partition("-")[0]
            if not number.isdigit() or not Path("/proc", number).exists():
                shutil.rmtree(path, ignore_errors=True)
