"""Every record to the store of events, a moment after it is recorded; what is too old goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from opentrail.clock import Clock
from opentrail.ports.events import EventStore
from opentrail.ports.journal import Entry, JournalReader
from opentrail.workers.following import read_until
from opentrail.workers.logs.feeds import FeedKeeper

BATCH_BYTES = 16 * 1024 * 1024
PAUSE = timedelta(seconds=0.4)
"""Between two batches: far below the 2 s in which events are to be found, and few small pieces."""

EXPIRE_EVERY = timedelta(hours=1)

_log = structlog.get_logger()


class EventsWorker:
    """Follows the journal at its own pace."""

    def __init__(
        self,
        journal: JournalReader,
        store: EventStore,
        clock: Clock,
        feeds: FeedKeeper | None = None,
    ) -> None:
        """Go on where the store is.

        Args:
            feeds: Notes which log groups show what is taken in; None if none do.
        """
        self._feeds = feeds
        self._journal = journal
        self._store = store
        self._clock = clock
        place = store.place()
        self._place = journal.first() if place is None else place
        self._last: datetime | None = None

    def step(self) -> int:
        """Take in what is new; the number of entries read."""
        now = self._clock.now()
        if self._last is not None and now - self._last < PAUSE:
            return 0
        end = self._journal.end()
        stop = end if self._feeds is None else min(end, self._feeds.turn(self._place))
        entries, damage = read_until(self._journal, self._place, stop, BATCH_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._place = min(damage.resume_offset, stop)
            return 1
        if not entries:
            return 0
        self._take(entries)
        # A backlog is worked off without pause.
        self._last = None if entries[-1].next_offset < end else now
        return len(entries)

    def _take(self, entries: tuple[Entry, ...]) -> None:
        raws = tuple(entry.raw for entry in entries)
        became = self._store.append(raws, place=entries[-1].next_offset)
        self._place = entries[-1].next_offset
        if became.conflicts or became.unreadable:
            _log.error("events_at_odds", conflicts=became.conflicts, unreadable=became.unreadable)


class EventsKeeper:
    """Joins small segments, and forgets events that are kept no longer."""

    def __init__(self, store: EventStore, clock: Clock, kept: dict[str, timedelta | None]) -> None:
        """`kept`: by account, "" for all others; None keeps events for good."""
        self._store = store
        self._clock = clock
        self._kept = kept
        self._expired: datetime | None = None

    def step(self) -> int:
        """Do a piece of the work; how much that was."""
        self._expire()
        return self._store.compact()

    def _expire(self) -> None:
        now = self._clock.now()
        if self._expired is not None and now - self._expired < EXPIRE_EVERY:
            return
        self._expired = now
        before = {
            account: 0 if span is None else int((now - span).timestamp())
            for account, span in self._kept.items()
        }
        # Before 1970 there was nothing to keep: 0 keeps all.
        gone = self._store.expire(
            {account: bound for account, bound in before.items() if account},
            default_before=before.get("", 0) or None,
        )
        if gone:
            _log.info("events_expired", events=gone)
