"""Records that wait on another disk while the journal can't be written: a journal of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from opentrail.adapters.journal.segments import SegmentJournalReader, SegmentJournalWriter
from opentrail.errors import Unavailable
from opentrail.ports.journal import Entry, JournalDamaged

SEGMENT_BYTES = 8 * 1024 * 1024
_READ_BYTES = 1024 * 1024

_log = structlog.get_logger()


class SecondDiskJournal:
    """A queue in a directory that is emptied when nothing waits any more."""

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        self._directory = directory
        self._limit = limit_bytes
        self._writer: SegmentJournalWriter | None = None
        self._reader = SegmentJournalReader(directory)
        self._taken = 0
        self._upcoming: list[int] = []

    def put(self, raws: Sequence[bytes], number: int) -> bool:
        """Durable on return; False if there is no room or the disk fails too."""
        try:
            if self._writer is None:
                self._writer = SegmentJournalWriter(self._directory, segment_bytes=SEGMENT_BYTES)
            if self._writer.end() - self._taken + sum(map(len, raws)) > self._limit:
                return False
            self._writer.append(raws, [number] * len(raws))
        except (OSError, Unavailable):
            return False
        return True

    def take(self, limit: int) -> list[tuple[bytes, int]]:
        """The oldest records with their numbers, about `limit` of them, all of a call together.

        They stay until `taken`.
        """
        found: list[tuple[bytes, int]] = []
        self._upcoming = []
        for entry in self._entries():
            if len(found) >= limit and entry.number != found[-1][1]:
                break
            found.append((entry.raw, entry.number))
            self._upcoming.append(entry.next_offset)
        return found

    def _entries(self) -> Iterator[Entry]:
        offset = self._taken
        while True:
            try:
                entries = self._reader.read(offset, _READ_BYTES)
            except JournalDamaged as damage:
                _log.error("second_disk_damaged", offset=offset, until=damage.resume_offset)
                offset = damage.resume_offset
                continue
            if not entries:
                return
            yield from entries
            offset = entries[-1].next_offset

    def taken(self, count: int) -> None:
        """The oldest `count` records are elsewhere now; the last one's leave empties the disk."""
        if count:
            self._taken = self._upcoming[count - 1]
        if self._taken >= self._reader.end():
            self.close()
            shutil.rmtree(self._directory, ignore_errors=True)
            self._reader = SegmentJournalReader(self._directory)
            self._taken = 0

    def close(self) -> None:
        """Close the files; what waits is found at the next start."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
