"""Old datapoints are joined and forgotten, and old lines of alarm histories go."""

from __future__ import annotations

from datetime import datetime, timedelta

from opentrail.clock import Clock
from opentrail.ports.metrics import MetricStore
from opentrail.ports.metrics.alarm_history import KEPT_SECONDS, AlarmHistory

EVERY = timedelta(minutes=10)


class MetricsKeeper:
    """Keeps metrics and histories as long as AWS does."""

    def __init__(self, metrics: MetricStore, history: AlarmHistory, clock: Clock) -> None:
        self._metrics = metrics
        self._history = history
        self._clock = clock
        self._last: datetime | None = None

    def step(self) -> int:
        """Now and then; how much went."""
        now = self._clock.now()
        if self._last is not None and now - self._last < EVERY:
            return 0
        self._last = now
        seconds = int(now.timestamp())
        return self._metrics.expire(seconds) + self._history.expire(seconds - KEPT_SECONDS)
