"""What PutLogEvents brought goes when its group keeps it no longer, or is gone itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.ports.log_events import LogEventStore, log_group, log_groups
from opentrail.ports.state import StateStore

EXPIRE_EVERY = timedelta(hours=1)

_log = structlog.get_logger()


class LogEventsKeeper:
    """Forgets events that are too old; a trail's records are the store of events' own."""

    def __init__(self, state: StateStore, log_events: LogEventStore, clock: Clock) -> None:
        self._state = state
        self._log_events = log_events
        self._clock = clock
        self._expired: datetime | None = None
        self._absent: frozenset[int] = frozenset()

    def step(self) -> int:
        """Forget what is due; how many events that were."""
        now = self._clock.now()
        if self._expired is not None and now - self._expired < EXPIRE_EVERY:
            return 0
        self._expired = now
        gone = 0
        for group in log_groups(self._state):
            if group.retention_days is not None:
                before = group.kept_from(epoch_milliseconds(now))
                gone += self._log_events.expire(group.key, before)
        if gone:
            _log.info("log_events_expired", events=gone)
        self._forget_groups()
        return gone

    def _forget_groups(self) -> None:
        """Groups that were gone at the step before, too: one that is being made is not among them.

        A group that is made leaves what another of its name held under another number.
        """
        absent = frozenset(
            number
            for number, key in self._log_events.groups().items()
            if log_group(self._state, key) is None
        )
        for number in absent & self._absent:
            self._log_events.forget_group(number)
        self._absent = absent
