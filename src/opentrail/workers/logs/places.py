"""Where the follower of a stream of events is, when two stores keep what it makes.

Each keeps the place with what it is given, in one step. After a crash one of them may be further
than the other: the follower goes on from the lower place, and leaves out what the other has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from opentrail.alarms.datapoint import Datapoint
from opentrail.errors import Unavailable
from opentrail.ports.metrics import MetricStore
from opentrail.ports.targets.outbox import Delivery, Outbox

KEEP_EVERY = timedelta(seconds=5)
"""A place behind events that made nothing is kept so often: they can be read again."""


class Places:
    """How far the store of metrics and the outbox are with one stream of events.

    Attributes:
        metrics: Datapoints of events before this place are put.
        outbox: As `metrics`, for deliveries.
        cursor: Events before this place are dealt with.
    """

    def __init__(self, metrics: MetricStore, outbox: Outbox, follower: str) -> None:
        """Go on where the stores are; at the beginning, if they are nowhere."""
        self._metrics = metrics
        self._outbox = outbox
        self._follower = follower
        self.metrics = metrics.place(follower) or 0
        self.outbox = outbox.place(follower) or 0
        self.cursor = min(self.metrics, self.outbox)
        self._kept_at: datetime | None = None

    def keep(
        self, place: int, points: Sequence[Datapoint], made: Sequence[Delivery], now: datetime
    ) -> None:
        """Put what was made of the events before `place`, each store's part in one step."""
        due = self._kept_at is None or not timedelta(0) <= now - self._kept_at < KEEP_EVERY
        try:
            if points or (due and self.metrics < place):
                self._metrics.put(points, follower=self._follower, place=place)
                self.metrics = place
            if made or (due and self.outbox < place):
                self._outbox.put(made, follower=self._follower, place=place)
                self.outbox = place
        except Unavailable:
            # It may be kept all the same: what comes now must not be counted twice.
            self.metrics = self._metrics.place(self._follower) or 0
            self.outbox = self._outbox.place(self._follower) or 0
            raise
        if due:
            self._kept_at = now
        self.cursor = place
