"""The journal is kept as long as somebody may have to read it, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.errors import Unavailable
from opentrail.ports.intents import IntentLog
from opentrail.ports.journal import JournalWriter
from opentrail.ports.state import StateStore
from opentrail.trail.timeline import PENDING_KIND, PendingCall
from opentrail.workers.delivery import FOLLOWER
from opentrail.workers.following import read_place

EVERY = timedelta(minutes=1)

_log = structlog.get_logger()


class JournalTrimmer:
    """Gives up what every follower has dealt with and no settling needs."""

    def __init__(
        self,
        journal: JournalWriter,
        intents: IntentLog,
        state: StateStore,
        places: Sequence[Callable[[], int | None]],
        clock: Clock,
    ) -> None:
        """`places`: of the followers besides delivery; None before a follower's first."""
        self._journal = journal
        self._intents = intents
        self._state = state
        self._places = tuple(places)
        self._clock = clock
        self._last: datetime | None = None

    def step(self) -> None:
        """Trim if it is time."""
        now = self._clock.now()
        if self._last is not None and now - self._last < EVERY:
            return
        self._last = now
        try:
            freed = self._journal.trim(self.needed_from())
        except (OSError, Unavailable) as problem:
            _log.warning("journal_not_trimmed", problem=str(problem))
            return
        if freed:
            _log.info("journal_trimmed", bytes=freed)

    def needed_from(self) -> int:
        """The lowest offset that somebody may still read."""
        # Pending calls first: one that begins after this look lies behind every place.
        pending = [
            msgspec.json.decode(document.body, type=PendingCall).not_before
            for document in self._state.list(PENDING_KIND)
        ]
        places = (
            read_place(self._state, FOLLOWER) or 0,
            *(place() or 0 for place in self._places),
            self._intents.progress().journal_offset,
        )
        return min(*places, *pending)
