"""The journal in local files: append, one fdatasync, acknowledged.

Segments of a fixed size lie in one directory, each named by the offset of its first byte. The
next segment is written full of zeros ahead of time, because a data sync of a file that keeps its
length and extents is faster (docs/explanation/performance.md). After a failed write or sync the
segment is never written again (what is on the disk is unknown then): the next append opens a new
one behind it, so that an offset never means two things.

The durable end stands in the file `end` (eight bytes, mapped by writer and readers): a reader in
another process never sees what is not yet synced.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from opentrail.adapters.directories import sync_directory
from opentrail.adapters.journal import frames
from opentrail.errors import Unavailable
from opentrail.ports.journal import Entry, JournalDamaged

SEGMENT_BYTES = 32 * 1024 * 1024
"""Large enough that rolling is rare, small enough that start-up scans one in well under 1 s."""

KEPT_SEGMENTS = 4
"""Never trimmed: after a loss of power a follower's place may be a little older than it was."""

_END = struct.Struct("<Q")
_READ_AHEAD_BYTES = 16 * 1024


class SegmentJournalWriter:
    """The one writer; holding two on one directory is the caller's fault (see app: the lock)."""

    def __init__(self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._fd = -1
        self._base = 0
        self._spare: threading.Thread | None = None
        self._end_map = _map_end(directory, writable=True)
        self._end = _recover(directory)
        _END.pack_into(self._end_map, 0, self._end)
        self._open_last()

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        with self._lock:
            encoded = list(map(frames.encode, raws, numbers or [0] * len(raws)))
            block = b"".join(encoded)
            self._make_room(len(block))
            start = self._end
            try:
                _write_all(self._fd, block, start - self._base)
                os.fdatasync(self._fd)
            except OSError as cause:
                self._abandon(len(block))
                raise Unavailable(f"the journal can't be written: {cause.strerror}") from cause
            offsets = [start]
            for frame in encoded:
                offsets.append(offsets[-1] + len(frame))
            self._end = offsets[-1]
            _END.pack_into(self._end_map, 0, self._end)
            return tuple(offsets)

    def trim(self, before: int) -> int:
        """Removes whole segments; the last few stay, whatever `before` says."""
        freed = 0
        with self._lock:
            bases = _bases(self._directory)
            for base, following in pairwise(bases[: 1 - KEPT_SEGMENTS]):
                if following > before:
                    break
                path = _path(self._directory, base)
                freed += path.stat().st_size
                path.unlink()
        return freed

    def end(self) -> int:
        return self._end

    def close(self) -> None:
        """Nothing may be appended afterwards."""
        with self._lock:
            if self._spare is not None:
                self._spare.join()
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            self._end_map.close()

    def _make_room(self, length: int) -> None:
        if self._fd >= 0 and self._end - self._base + length <= self._segment_bytes:
            return
        try:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            self._open_new(length)
        except OSError as cause:
            raise Unavailable(f"no new journal segment: {cause.strerror}") from cause

    def _open_last(self) -> None:
        bases = _bases(self._directory)
        if bases and self._end - bases[-1] < self._segment_bytes:
            self._base = bases[-1]
            self._fd = os.open(_path(self._directory, self._base), os.O_RDWR)
            # A block whose sync was never acknowledged may lie behind the end: it must not show.
            _zero(self._fd, self._end - self._base)

    def _open_new(self, length: int) -> None:
        if self._spare is not None:
            self._spare.join()
        spare = self._directory / "spare"
        if length > self._segment_bytes or not spare.exists():
            _make_spare(spare, max(length, self._segment_bytes))
        target = _path(self._directory, self._end)
        spare.rename(target)
        sync_directory(self._directory)
        self._fd = os.open(target, os.O_RDWR)
        self._base = self._end
        self._spare = threading.Thread(
            target=_try_spare, args=(spare, self._segment_bytes), name="journal-spare", daemon=True
        )
        self._spare.start()

    def _abandon(self, length: int) -> None:
        """Leave the segment; the offsets of the block that failed are never given again.

        Its records will be appended anew, so what may be left of it is wiped as far as the disk
        lets it be. If not even that can be done they may stand in the journal twice.
        """
        with suppress(OSError):
            _write_all(self._fd, bytes(length), self._end - self._base)
        with suppress(OSError):
            os.close(self._fd)
        self._fd = -1
        self._end += length


class SegmentJournalReader:
    """Reads what is durable, in this or another process; safe from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._end_map: mmap.mmap | None = None

    def first(self) -> int:
        """The offset of the oldest entry kept; 0 for an empty journal."""
        bases = _bases(self._directory)
        return bases[0] if bases else 0

    def end(self) -> int:
        if self._end_map is None:
            if not (self._directory / "end").exists():
                return 0
            self._end_map = _map_end(self._directory, writable=False)
        end: int = _END.unpack_from(self._end_map, 0)[0]
        return end

    def read(self, offset: int, limit_bytes: int) -> tuple[Entry, ...]:
        end = self.end()
        while offset < end:
            base, limit = self._segment_of(offset, end)
            buffer = self._read_ahead(base, offset, limit, limit_bytes)
            entries = _entries(buffer, offset, limit_bytes)
            if entries:
                return entries
            if self._pread(base, offset, limit - offset).strip(b"\0"):
                raise JournalDamaged(offset, self._resume(base, offset, limit))
            offset = limit
        return ()

    def _segment_of(self, offset: int, end: int) -> tuple[int, int]:
        """The base of the segment that holds `offset`, and where its content ends at the most."""
        bases = _bases(self._directory)
        if not bases or offset < bases[0]:
            raise JournalDamaged(offset, bases[0] if bases else end)
        later = [base for base in bases if base > offset]
        base = max(base for base in bases if base <= offset)
        return base, min(later[0] if later else end, end)

    def _read_ahead(self, base: int, offset: int, limit: int, limit_bytes: int) -> bytes:
        """At least one whole frame, if one starts at `offset`."""
        ahead = max(limit_bytes, _READ_AHEAD_BYTES)
        buffer = self._pread(base, offset, min(limit - offset, ahead))
        needed = min(limit - offset, frames.needed(buffer, 0))
        return buffer if needed <= len(buffer) else self._pread(base, offset, needed)

    def _pread(self, base: int, offset: int, length: int) -> bytes:
        with _path(self._directory, base).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, offset - base)

    def _resume(self, base: int, offset: int, limit: int) -> int:
        buffer = self._pread(base, offset, limit - offset)
        found = frames.next_frame(buffer, 1)
        return limit if found is None else offset + found


def _entries(buffer: bytes, offset: int, limit_bytes: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    position = taken = 0
    while taken < limit_bytes and (frame := frames.decode(buffer, position)) is not None:
        entries.append(
            Entry(offset + position, offset + frame.next_position, frame.payload, frame.number)
        )
        taken += len(frame.payload)
        position = frame.next_position
    return tuple(entries)


def _recover(directory: Path) -> int:
    """The offset behind the last whole entry.

    Damage in the middle of the last segment does not end it: whole entries behind are kept.
    """
    bases = _bases(directory)
    if not bases:
        return 0
    buffer = _path(directory, bases[-1]).read_bytes()
    position = 0
    while True:
        frame = frames.decode(buffer, position)
        if frame is not None:
            position = frame.next_position
            continue
        found = frames.next_frame(buffer, position + 1)
        if found is None:
            return bases[-1] + position
        position = found


def _bases(directory: Path) -> list[int]:
    return sorted(
        int(name[:-4])
        for name in os.listdir(directory)  # noqa: PTH208 - names alone, on the read path
        if name.endswith(".seg")
    )


def _path(directory: Path, base: int) -> Path:
    return directory / f"{base:020d}.seg"


def _try_spare(path: Path, length: int) -> None:
    """Ahead of time; if there is no room, it is tried again when the segment is needed."""
    with suppress(OSError):
        _make_spare(path, length)


def _make_spare(path: Path, length: int) -> None:
    temporary = path.with_suffix(".tmp")
    fd = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        zeros = bytes(1024 * 1024)
        for start in range(0, length, len(zeros)):
            _write_all(fd, zeros[: length - start], start)
        os.fsync(fd)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    temporary.rename(path)


def _zero(fd: int, position: int) -> None:
    """Make everything from `position` on zeros again."""
    length = os.fstat(fd).st_size
    chunk = 1024 * 1024
    for start in range(position, length, chunk):
        piece = min(chunk, length - start)
        if os.pread(fd, piece, start).strip(b"\0"):
            _write_all(fd, bytes(piece), start)
    os.fsync(fd)


def _write_all(fd: int, data: bytes, position: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(fd, data[written:] if written else data, position + written)


def _map_end(directory: Path, *, writable: bool) -> mmap.mmap:
    path = directory / "end"
    flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
    fd = os.open(path, flags, 0o600)
    try:
        if writable:
            os.ftruncate(fd, _END.size)
        return mmap.mmap(fd, _END.size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
    finally:
        os.close(fd)
