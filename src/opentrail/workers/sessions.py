"""Every event to the index of sessions, recorded or imported, a moment after it is in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from opentrail.clock import Clock, iso_seconds
from opentrail.ports.events import EventReader, Search
from opentrail.ports.sessions import SessionIndex

BATCH_EVENTS = 10_000
"""About 15 MB of records at once, and the index written once."""

PAUSE = timedelta(seconds=0.5)
EXPIRE_EVERY = timedelta(hours=1)

_log = structlog.get_logger()


class SessionsWorker:
    """Follows the store of events by sequence; a new index begins with the oldest event kept.

    The store, not the journal: imported events come by no other way, and the journal is trimmed.
    """

    def __init__(self, events: EventReader, index: SessionIndex, clock: Clock) -> None:
        self._events = events
        self._index = index
        self._clock = clock
        self._last: datetime | None = None
        self._expired: datetime | None = None

    def step(self) -> int:
        """Take in what is new; how many sequence numbers that was."""
        now = self._clock.now()
        if self._last is not None and now - self._last < PAUSE:
            return 0
        place, end = self._index.place(), self._events.sequence_end()
        if place > end:  # another store, since
            place = 0
        upto = min(end, place + BATCH_EVENTS)
        if upto > place:
            batch = Search(limit=None, sequence_from=place, sequence_before=upto)
            self._index.observe([one.raw for one in self._events.stream(batch)], place=upto)
        # A backlog is worked off without pause.
        self._last = None if upto < end else now
        self._expire(now)
        return max(0, upto - place)

    def _expire(self, now: datetime) -> None:
        """What the store has forgotten, the index forgets."""
        if self._expired is not None and now - self._expired < EXPIRE_EVERY:
            return
        self._expired = now
        oldest = self._events.figures().oldest
        if oldest is None:
            return
        gone = self._index.expire(iso_seconds(datetime.fromtimestamp(oldest, UTC)))
        if gone:
            _log.info("sessions_expired", entries=gone)
