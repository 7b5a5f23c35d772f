"""All alarms as the API last left them, by what they watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opentrail.alarms.alarm import (
    ALARM_KIND,
    STATE_KIND,
    Alarm,
    AlarmState,
    CompositeAlarm,
    MetricAlarm,
    State,
    alarm_key,
    first_state,
    read_alarm,
    read_state,
)
from opentrail.alarms.composite import Rule, children, parse_rule
from opentrail.ports.metrics import Series
from opentrail.ports.state import Document, StateStore


@dataclass(slots=True)
class Entry:
    """An alarm with what the worker knows of it.

    Attributes:
        version: Of the state's document; 0 if there is none.
        looked: When it was evaluated last, epoch seconds; 0 before the first time.
        rule: Of a composite alarm.
    """

    alarm: Alarm
    state: AlarmState
    version: int
    looked: float = 0.0
    rule: Rule | None = None


@dataclass(slots=True)
class AlarmBook:
    """Alarms by key, and who depends on what."""

    state: StateStore
    entries: dict[str, Entry] = field(default_factory=dict)
    _by_series: dict[Series, set[str]] = field(default_factory=dict)
    _parents: dict[str, set[str]] = field(default_factory=dict)

    def read_all(self) -> None:
        """Read every alarm anew."""
        states = {one.key: one for one in self.state.list(STATE_KIND)}
        documents = {one.key: one for one in self.state.list(ALARM_KIND)}
        for key in self.entries.keys() - documents.keys():
            self._forget(key)
        for key, document in documents.items():
            self._take(document, states.get(key))

    def read(self, key: str) -> Entry | None:
        """Read one alarm anew; None if it is gone."""
        document = self.state.get(ALARM_KIND, key)
        if document is None:
            self._forget(key)
            return None
        return self._take(document, self.state.get(STATE_KIND, key))

    def watching(self, series: Series) -> frozenset[str]:
        """The keys of the alarms that a metric's datapoints tell something to."""
        return frozenset(self._by_series.get(series, ()))

    def parents(self, key: str) -> frozenset[str]:
        """The keys of the composite alarms whose rules or suppressors name an alarm."""
        return frozenset(self._parents.get(key, ()))

    def state_of(self, reference: str, parent: Alarm) -> State | None:
        """The state of an alarm in a rule, by name or ARN; None if there is none."""
        entry = self.entry_of(reference, parent)
        return None if entry is None else entry.state.value

    def entry_of(self, reference: str, parent: Alarm) -> Entry | None:
        """The alarm that a rule names."""
        return self.entries.get(_key(reference, parent))

    def _take(self, document: Document, kept: Document | None) -> Entry:
        alarm = read_alarm(document.body)
        state = first_state(alarm.created) if kept is None else read_state(kept.body)
        version = 0 if kept is None else kept.version
        known = self.entries.get(document.key)
        if known is not None and known.alarm == alarm:
            known.state, known.version = state, version
            return known
        self._forget(document.key)
        entry = Entry(alarm, state, version)
        if isinstance(alarm, CompositeAlarm):
            entry.rule = parse_rule(alarm.rule)
        self.entries[document.key] = entry
        for index, one in self._watched(entry):
            index.setdefault(one, set()).add(document.key)
        return entry

    def _forget(self, key: str) -> None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        for index, one in self._watched(entry):
            keys = index.get(one)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del index[one]

    def _watched(self, entry: Entry) -> Iterator[tuple[dict[object, set[str]], object]]:
        """(index, key in it) of all that tells the alarm something."""
        by_series: dict[object, set[str]] = self._by_series  # type: ignore[assignment]  # the same keys
        parents: dict[object, set[str]] = self._parents  # type: ignore[assignment]  # the same keys
        match entry.alarm:
            case MetricAlarm() as alarm:
                for series in _series(alarm):
                    yield by_series, series
            case CompositeAlarm() as alarm:
                names = () if entry.rule is None else children(entry.rule)
                for name in (*names, *([alarm.suppressor] if alarm.suppressor else [])):
                    yield parents, _key(name, alarm)


def _series(alarm: MetricAlarm) -> set[Series]:
    stats = [alarm.metric, *(query.stat for query in alarm.queries)]
    return {one.series(alarm.account_id, alarm.region) for one in stats if one is not None}


def _key(reference: str, alarm: Alarm) -> str:
    own = alarm.arn[: -len(alarm.name)]
    return alarm_key(alarm.account_id, alarm.region, reference.removeprefix(own))
