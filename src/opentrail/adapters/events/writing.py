"""What belongs to one writer of the store: its turn, and the files it has not yet handed over."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from opentrail.adapters.events.segments.segment import PARQUET_FOLDER

_MARK = ".writer"


class Writer:
    """One writer; its mark is locked while it lives: its files are not swept away."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.prefix = secrets.token_hex(6)
        self._mark = directory / f"{self.prefix}{_MARK}"
        self._fd = _locked(self._mark)

    def new_name(self) -> str:
        """A name for a segment that no other has."""
        return f"{self.prefix}-{secrets.token_hex(6)}"

    def close(self) -> None:
        """Give up the mark."""
        if self._fd >= 0:
            self._mark.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1


def _locked(mark: Path) -> int:
    """The open mark, locked; one that was swept away before it was locked is made again."""
    while True:
        fd = os.open(mark, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)


@contextmanager
def turn(directory: Path, name: str = "turn") -> Iterator[None]:
    """Alone among writers, in any process, until the end of the block."""
    fd = os.open(directory / f"{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def remove_files(directory: Path, names: list[str]) -> None:
    """The files of segments that no catalog names any more."""
    for name in names:
        for path in (
            directory / PARQUET_FOLDER / f"{name}.parquet",
            directory / f"{name}.parquet",
            directory / f"{name}.columns",
            directory / f"{name}.records",
        ):
            path.unlink(missing_ok=True)


def sweep(directory: Path, known: Callable[[], frozenset[str]]) -> int:
    """Remove what dead writers left behind; how many segments that were.

    Args:
        known: Names in the catalog. Asked once it is clear which writers are dead: those may
            have handed over segments until then.
    """
    found = {path.stem for path in directory.glob("*-*.*")}
    found |= {path.stem for path in (directory / PARQUET_FOLDER).glob("*.parquet")}
    orphans = {name for name in found if _is_dead(directory, name.partition("-")[0])}
    dead = sorted(orphans - known())
    remove_files(directory, dead)
    for mark in directory.glob(f"*{_MARK}"):
        # Gone before it is let go: a writer that waits for it, to begin, then makes a new one.
        with _claimed(mark) as is_dead:
            if is_dead:
                mark.unlink(missing_ok=True)
    return len(dead)


def _is_dead(directory: Path, prefix: str) -> bool:
    with _claimed(directory / f"{prefix}{_MARK}") as dead:
        return dead


@contextmanager
def _claimed(mark: Path) -> Iterator[bool]:
    """Whether no writer has the mark; if so, none gets it until the end of the block."""
    with ExitStack() as opened:
        dead = True
        with suppress(FileNotFoundError):
            fd = os.open(mark, os.O_RDWR)
            opened.callback(os.close, fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                dead = False
        yield dead
