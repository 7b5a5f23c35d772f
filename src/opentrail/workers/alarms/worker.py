"""Every alarm is evaluated when its metrics were put to, and at every end of a period.

The walk: (1) bring away what followed from changes, and read those alarms anew, (2) see which
metrics were put to, (3) evaluate their alarms and those that are due, (4) keep a new state and what
follows from it in one step, (5) evaluate the composite alarms above, (6) bring away what followed.
A crash after (4) is made up for by (1); a state that somebody else changed meanwhile is read anew.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
import structlog

from opentrail.alarms.alarm import (
    CHANGE_KIND,
    STATE_KIND,
    AlarmState,
    CompositeAlarm,
    MetricAlarm,
)
from opentrail.alarms.telling.changes import AlarmChange, state_change
from opentrail.alarms.telling.reasons import reason, reason_data
from opentrail.arn import Arn
from opentrail.clock import Clock
from opentrail.errors import StateConflict, Unavailable
from opentrail.ports.metrics import MetricStore
from opentrail.ports.metrics.alarm_history import AlarmHistory
from opentrail.ports.metrics.queries import MetricReader
from opentrail.ports.state import Change, StateStore
from opentrail.ports.targets.outbox import Outbox
from opentrail.workers.alarms.book import AlarmBook, Entry
from opentrail.workers.alarms.bringing import Bringer, Publish
from opentrail.workers.alarms.composing import composed
from opentrail.workers.alarms.looking import SETTLE_SECONDS, last_end, look, step_of

READ_EVERY = 60.0
"""Seconds after which all alarms are read anew, whatever was told."""
AGAIN_AFTER = 0.5
"""Seconds between two evaluations of an alarm that new datapoints ask for."""
LONG_AGAIN_AFTER = 60.0
"""The same for alarms that look back more than a day."""
HELD_SECONDS = 10.0
"""A state that was set by hand stays so long at the least."""
KEPT_AT_ONCE = 200
"""Alarms whose new states are kept in one step, with one sync."""
MOST_FLOORS = 100
"""Composite alarms above one another that one change is followed through at once."""
_DAY = 86_400
_HOUR = 3600

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Decision:
    """What an alarm's state is to become, and what follows from it."""

    key: str
    entry: Entry
    after: AlarmState
    change: AlarmChange

    def changes(self) -> Iterator[Change]:
        """Of the documents."""
        body = msgspec.json.encode(self.after)
        yield Change(STATE_KIND, self.key, body, expected=self.entry.version)
        if self.change.history or self.change.notices:
            yield Change(CHANGE_KIND, self.change.key, msgspec.json.encode(self.change))


class AlarmsWorker:
    """Evaluates all alarms of all accounts; one at a time."""

    def __init__(
        self,
        *,
        state: StateStore,
        metrics: MetricStore,
        history: AlarmHistory,
        outbox: Outbox,
        publish: Publish,
        clock: Clock,
    ) -> None:
        """Start with all alarms unread.

        Args:
            publish: Gives the events of alarms to the rules of their buses.
        """
        self._state = state
        self._metrics = metrics
        self._clock = clock
        self._book = AlarmBook(state)
        self._bringer = Bringer(state=state, history=history, outbox=outbox, publish=publish)
        self._reader = MetricReader(metrics)
        self._end = 0
        self._read_at: float | None = None
        self._due: list[tuple[float, str]] = []
        self._due_at: dict[str, float] = {}
        self._asked: set[str] = set()

    def step(self) -> int:
        """Evaluate what there is to evaluate; how many alarms that were."""
        now = self._clock.now().timestamp()
        self._read(now)  # (1, 2)
        done, changed = self._evaluate_all(self._wanted(now), now)  # (3, 4)
        for _ in range(MOST_FLOORS):  # (5)
            if not changed:
                break
            above, changed = self._evaluate_all(sorted(self._parents(changed)), now)
            done += above
        self._bring(now)  # (6)
        return done

    def _evaluate_all(self, keys: list[str], now: float) -> tuple[int, set[str]]:
        """How many that were, and the keys of those that came into another state."""
        changed: set[str] = set()
        left = deque(keys)
        try:
            while left:
                some = list(islice(left, KEPT_AT_ONCE))
                decided = [one for one in (self._decide(key, now) for key in some) if one]
                changed |= self._keep(decided)
                for _ in some:
                    left.popleft()
        finally:
            # What a store that is away kept from being evaluated is asked for again.
            self._asked.update(left)
        return len(keys), changed

    def _read(self, now: float) -> None:
        first = self._read_at is None
        if self._read_at is None or now - self._read_at >= READ_EVERY:
            self._read_at = now
            self._book.read_all()
            for key in self._book.entries.keys() - self._due_at.keys():
                self._plan(key, now)
        self._bring(now)
        told = self._metrics.changed(self._end)
        self._end = told.end
        if not first:
            for series in told.series:
                self._asked |= self._book.watching(series)

    def _bring(self, now: float) -> None:
        """Bring away what followed from changes; alarms that somebody changed are read anew."""
        for arn in self._bringer.bring():
            key = _key_of(arn)
            if self._book.read(key) is not None:
                self._plan(key, now)
                self._asked |= self._book.parents(key)

    def _wanted(self, now: float) -> list[str]:
        """The alarms to evaluate now."""
        found = {key for key in self._asked if self._may_again(key, now)}
        self._asked -= found
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            if self._due_at.get(key) == at:
                del self._due_at[key]
                found.add(key)
        return sorted(key for key in found if key in self._book.entries)

    def _may_again(self, key: str, now: float) -> bool:
        entry = self._book.entries.get(key)
        if entry is None:
            return True
        return now - entry.looked >= (LONG_AGAIN_AFTER if _is_long(entry) else AGAIN_AFTER)

    def _plan(self, key: str, at: float) -> None:
        """Evaluate it at that time instead of the one said before."""
        if self._due_at.get(key) != at:
            self._due_at[key] = at
            heapq.heappush(self._due, (at, key))

    def _decide(self, key: str, now: float) -> Decision | None:
        """What is to become of an alarm; None if nothing changes."""
        entry = self._book.entries[key]
        entry.looked = now
        self._plan(key, _next_time(entry, now))
        if entry.state.was_set and now < entry.state.updated + HELD_SECONDS:
            self._plan(key, entry.state.updated + HELD_SECONDS)
            return None
        try:
            decided = self._decided(entry, now)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - a worker's loop: one alarm must not stop the others
            _log.exception("alarm_failed", alarm=entry.alarm.arn)
            return None
        return None if decided is None else Decision(key, entry, *decided)

    def _decided(self, entry: Entry, now: float) -> tuple[AlarmState, AlarmChange] | None:
        """The next state and what follows from it; None if nothing changes."""
        match entry.alarm:
            case MetricAlarm() as alarm:
                return self._looked(entry, alarm, now)
            case CompositeAlarm():
                return composed(entry, self._book, now)

    def _looked(
        self, entry: Entry, alarm: MetricAlarm, now: float
    ) -> tuple[AlarmState, AlarmChange] | None:
        seen = look(alarm, self._reader, now)
        value, before = seen.evaluation.state, entry.state
        if value is None or value is before.value:
            return None
        when = round(now, 3)
        after = AlarmState(
            value=value,
            reason=reason(alarm, seen.evaluation),
            reason_data=reason_data(alarm, seen.evaluation, seen.times, when),
            updated=when,
            transitioned=when,
            number=before.number + 1,
        )
        return after, state_change(alarm, before, after)

    def _keep(self, decisions: Sequence[Decision]) -> set[str]:
        """Keep what was decided; the keys of those that came into another state."""
        if not decisions:
            return set()
        try:
            self._state.apply([change for one in decisions for change in one.changes()])
        except StateConflict:
            if len(decisions) > 1:
                return {key for one in decisions for key in self._keep([one])}
            # Somebody set or deleted it: it is read anew and evaluated then.
            (one,) = decisions
            if self._book.read(one.key) is not None:
                self._asked.add(one.key)
            return set()
        return {one.key for one in decisions if self._take(one)}

    def _take(self, decision: Decision) -> bool:
        """Whether the alarm is in another state now."""
        entry, after = decision.entry, decision.after
        moved = after.value is not entry.state.value
        entry.state, entry.version = after, entry.version + 1
        self._plan(decision.key, _next_time(entry, self._clock.now().timestamp()))
        return moved

    def _parents(self, keys: Iterable[str]) -> set[str]:
        return {
            parent
            for key in keys
            for parent in self._book.parents(key)
            if parent in self._book.entries
        }


def _key_of(arn: str) -> str:
    parsed = Arn.parse(arn)
    return f"{parsed.account}/{parsed.region}/{parsed.resource.removeprefix('alarm:')}"


def _is_long(entry: Entry) -> bool:
    alarm = entry.alarm
    return isinstance(alarm, MetricAlarm) and alarm.period * alarm.periods > _DAY


def _next_time(entry: Entry, now: float) -> float:
    """When an alarm is evaluated again, whatever happens."""
    alarm = entry.alarm
    if isinstance(alarm, CompositeAlarm):
        held = entry.state.suppressed
        until = None if held is None else held.until
        return now + READ_EVERY if until is None else min(max(until, now), now + READ_EVERY)
    step = _HOUR if _is_long(entry) else step_of(alarm)
    return last_end(alarm, now) + step + SETTLE_SECONDS
