"""Intents in two files that take turns, and the progress in a third one that is mapped.

A file is written from its start until it is full; then the other one's turn comes, which begins
with the intents that are still open. What an earlier turn left behind the last frame is read too:
numbers that are settled tell that it is of no account. Files keep their length, because a data
sync is faster then (see adapters.journal.segments).
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from opentrail.adapters.journal import frames
from opentrail.errors import Unavailable
from opentrail.ports.intents import Intent, Progress

FILE_BYTES = 4 * 1024 * 1024
NAMES = ("intents-0", "intents-1")
_PROGRESS = struct.Struct("<QQQQQ")


class FileIntents:
    """See ports.intents; holding two writers on one directory is the caller's fault."""

    def __init__(self, directory: Path, *, file_bytes: int = FILE_BYTES) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._file_bytes = self._full = file_bytes
        self._lock = threading.Lock()
        self._map = _map(directory / "progress")
        self._open: dict[int, bytes] = {}
        self._turn = 0
        self._fd = -1
        self._position = 0
        self._make_files()

    def append(self, intents: Sequence[Intent]) -> None:
        with self._lock:
            block = b"".join(frames.encode(one.raw, one.number) for one in intents)
            try:
                if self._fd < 0 or self._position + len(block) > self._full:
                    self._next_file(len(block))
                _write_all(self._fd, block, self._position)
                os.fdatasync(self._fd)
            except OSError as cause:
                # What the failed sync left on the disk is unknown: that file is not written again
                # before its next turn.
                self._close()
                raise Unavailable(f"intents can't be written: {cause.strerror}") from cause
            self._position += len(block)
            self._open |= {one.number: one.raw for one in intents}

    def forget(self, number: int) -> None:
        with self._lock:
            self._open.pop(number, None)

    def note(self, progress: Progress) -> None:
        _PROGRESS.pack_into(self._map, 0, *progress)

    def progress(self) -> Progress:
        found = Progress(*_PROGRESS.unpack_from(self._map, 0))
        return found if found.settled else Progress()  # a new file is full of zeros

    def read(self) -> Iterator[Intent]:
        for name in NAMES:
            path = self._directory / name
            if path.exists():
                yield from _intents(path.read_bytes())

    def close(self) -> None:
        """Nothing may be appended afterwards."""
        with self._lock:
            self._close()
            self._map.close()

    def _next_file(self, length: int) -> None:
        """Begin the other file, with the intents that are still open."""
        self._close()
        block = b"".join(frames.encode(raw, number) for number, raw in self._open.items())
        # The file whose turn it was stays as it is until all that is open stands in the other.
        turn = 1 - self._turn
        fd = os.open(self._directory / NAMES[turn], os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # With many open intents it must not be full again at once.
            self._full = max(self._file_bytes, 2 * len(block) + length)
            _lengthen(fd, self._full)
            _write_all(fd, block, 0)
            os.fdatasync(fd)
        except OSError:
            os.close(fd)
            raise
        self._map.flush()
        self._fd, self._position, self._turn = fd, len(block), turn

    def _make_files(self) -> None:
        """Both, at their full length: a disk that fills up later takes no turn away."""
        for name in NAMES:
            fd = os.open(self._directory / name, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _lengthen(fd, self._file_bytes)
                os.fsync(fd)
            finally:
                os.close(fd)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _intents(buffer: bytes) -> Iterator[Intent]:
    position: int | None = frames.next_frame(buffer, 0)
    while position is not None:
        frame = frames.decode(buffer, position)
        if frame is None:
            position = frames.next_frame(buffer, position + 1)
            continue
        if frame.number:
            yield Intent(frame.number, frame.payload)
        position = frame.next_position


def _lengthen(fd: int, length: int) -> None:
    # Written, not just truncated to length: blocks that exist need no metadata at a sync.
    size = os.fstat(fd).st_size
    if size < length:
        _write_all(fd, bytes(length - size), size)


def _write_all(fd: int, data: bytes, position: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(fd, data[written:], position + written)


def _map(path: Path) -> mmap.mmap:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(fd, _PROGRESS.size)
        return mmap.mmap(fd, _PROGRESS.size)
    finally:
        os.close(fd)
