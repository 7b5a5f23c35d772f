"""Scheduled rules: each is fired once for each time at which it is due, over restarts, too.

What was due while OpenTrail did not run is fired afterwards, as far as a day back: what is older
would be given up at once (EventBridge keeps an event for a day at the most).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from opentrail.clock import Clock, iso_seconds
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.rules.book import ActiveRule
from opentrail.rules.envelope import of_schedule
from opentrail.rules.rule import MOST_SECONDS
from opentrail.workers.rules.firing import deliveries
from opentrail.workers.rules.reading import RuleReader

FOLLOWER = "schedules"
"""Its place in the outbox: epoch seconds up to which (inclusive) all that was due is put."""

AT_ONCE_SECONDS = 600
"""Of times past that are dealt with in one step."""

KEEP_EVERY_SECONDS = 30
"""A place behind which nothing was due is kept so often: the times can be looked at again."""


class ScheduleWorker:
    """Looks at the clock."""

    def __init__(self, *, state: StateStore, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._rules = RuleReader(state)
        self._place = self._kept = outbox.place(FOLLOWER)

    def step(self) -> int:
        """Put what is due; how many deliveries that were."""
        now = self._clock.now()
        seconds = int(now.timestamp())
        if self._place is None:
            self._keep([], seconds)
            return 0
        start = max(self._place, seconds - MOST_SECONDS)
        end = min(seconds, start + AT_ONCE_SECONDS)
        if end <= self._place:
            # Also where the clock was set back: no time is due twice.
            return 0
        made = [
            delivery
            for taker in self._rules.book().now().scheduled()
            for due in _due_times(taker, start, end)
            for delivery in _deliveries(taker, due, now)
        ]
        if made or self._kept is None or end - self._kept >= KEEP_EVERY_SECONDS:
            self._keep(made, end)
        self._place = end
        return len(made) if end == seconds else max(1, len(made))

    def _keep(self, made: list[Delivery], place: int) -> None:
        self._outbox.put(made, follower=FOLLOWER, place=place)
        self._place = self._kept = place


def _due_times(taker: ActiveRule, start: int, end: int) -> Iterator[int]:
    """Times from `start` (exclusive) to `end` (inclusive)."""
    assert taker.schedule is not None
    since = taker.rule.since
    due = taker.schedule.next_after(max(start, since), since)
    while due is not None and due <= end:
        yield due
        due = taker.schedule.next_after(due, since)


def _deliveries(taker: ActiveRule, due: int, now: datetime) -> Iterator[Delivery]:
    rule = taker.rule
    time = iso_seconds(datetime.fromtimestamp(due, UTC))
    event = of_schedule(rule.arn, rule.account_id, rule.region, time)
    return deliveries(taker, event, now=now)
