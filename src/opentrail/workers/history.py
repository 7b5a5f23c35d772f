"""Management events to event history, a moment after they are recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.history.lookup import KEPT
from opentrail.history.row import HistoryRow, history_row
from opentrail.ports.history import HistoryIndex
from opentrail.ports.journal import Entry, JournalReader
from opentrail.record import read_record
from opentrail.workers.following import read_until

BATCH_BYTES = 4 * 1024 * 1024
EXPIRE_EVERY = timedelta(hours=1)

_log = structlog.get_logger()


class HistoryWorker:
    """Follows the journal at its own pace."""

    def __init__(self, journal: JournalReader, index: HistoryIndex, clock: Clock) -> None:
        self._journal = journal
        self._index = index
        self._clock = clock
        place = index.place()
        self._place = journal.first() if place is None else place
        self._expired: datetime | None = None
        self.unreadable = 0

    def step(self) -> int:
        """Index what is new; the number of entries read."""
        self._expire()
        end = self._journal.end()
        entries, damage = read_until(self._journal, self._place, end, BATCH_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._place = damage.resume_offset
            return 1
        if not entries:
            return 0
        rows = [row for entry in entries if (row := self._row(entry)) is not None]
        self._index.append(rows, entries[-1].next_offset)
        self._place = entries[-1].next_offset
        return len(entries)

    def _row(self, entry: Entry) -> HistoryRow | None:
        try:
            return history_row(read_record(entry.raw), entry.offset)
        except (InvalidInput, ValueError) as problem:
            self.unreadable += 1
            _log.error("record_unreadable", offset=entry.offset, problem=str(problem))
            return None

    def _expire(self) -> None:
        now = self._clock.now()
        if self._expired is not None and now - self._expired < EXPIRE_EVERY:
            return
        self._expired = now
        gone = self._index.expire(int((now - KEPT).timestamp()))
        if gone:
            _log.info("history_expired", events=gone)
