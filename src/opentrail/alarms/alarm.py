"""Alarms as they are stored: what is watched, what is done, and in which state each one is.

Configuration and state are documents of their own: an evaluation changes no configuration.
Source: CloudWatch API reference, PutMetricAlarm and PutCompositeAlarm.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from opentrail.alarms.datapoint import Dimensions, Series
from opentrail.arn import partition_of

ALARM_KIND = "alarm"
"""Documents of alarms, keyed by `alarm_key`."""
STATE_KIND = "alarm-state"
"""Documents of their states, with the same keys."""
CHANGE_KIND = "alarm-change"
"""What is not in the history and the outbox yet."""


class State(StrEnum):
    """What an alarm says."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Treatment(StrEnum):
    """What periods without datapoints count as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Comparison(StrEnum):
    """When a datapoint is breaching; the last three compare with a band."""

    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    GREATER = "GreaterThanThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"
    OUTSIDE = "LessThanLowerOrGreaterThanUpperThreshold"
    BELOW = "LessThanLowerThreshold"
    ABOVE = "GreaterThanUpperThreshold"

    @property
    def has_band(self) -> bool:
        """Whether it compares with a band instead of a number."""
        return self in (Comparison.OUTSIDE, Comparison.BELOW, Comparison.ABOVE)


class MetricStat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A statistic of a metric, period by period.

    Attributes:
        period: Seconds.
        stat: `Sum`, `p99`, …
        unit: None for whatever unit.
    """

    namespace: str
    name: str
    dimensions: Dimensions = ()
    period: int
    stat: str
    unit: str | None = None

    def series(self, account_id: str, region: str) -> Series:
        """The metric's series in an account."""
        return Series(account_id, region, self.namespace, self.name, self.dimensions)


class MetricQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric or an expression over others, by its id.

    Attributes:
        period: Of an expression; None where its metrics tell.
        account_id: Whose metric; None for the asker's own.
        return_data: None where it was not said: as true.
    """

    id: str
    label: str | None = None
    expression: str | None = None
    stat: MetricStat | None = None
    period: int | None = None
    account_id: str | None = None
    return_data: bool | None = None


class _Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every alarm has.

    Attributes:
        updated: When its configuration was put, epoch seconds.
        created: When it was first put under this name; tells it from a deleted one of that name.
    """

    account_id: str
    region: str
    name: str
    description: str | None = None
    actions_enabled: bool = True
    ok_actions: tuple[str, ...] = ()
    alarm_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    updated: float
    created: float

    @property
    def arn(self) -> str:
        return alarm_arn(self.account_id, self.region, self.name)

    @property
    def key(self) -> str:
        return alarm_key(self.account_id, self.region, self.name)

    def tag(self, key: str) -> str:
        """The value of a tag, "" if there is none."""
        return dict(self.tags).get(key, "")

    def actions(self, state: State) -> tuple[str, ...]:
        """What is to be told when the alarm comes into a state."""
        match state:
            case State.OK:
                return self.ok_actions
            case State.ALARM:
                return self.alarm_actions
            case State.INSUFFICIENT_DATA:
                return self.insufficient_data_actions


class MetricAlarm(_Alarm, frozen=True, kw_only=True, omit_defaults=True, tag="metric"):
    """An alarm on a metric, or on an expression over several.

    Attributes:
        metric: None if `queries` are watched.
        periods: How many of the newest periods are looked at.
        datapoints: How many of them must breach; None where it was not said: all.
        threshold: None if `threshold_id` names the band.
        low_samples: `evaluate` or `ignore`; None where it was not said.
    """

    metric: MetricStat | None = None
    queries: tuple[MetricQuery, ...] = ()
    periods: int
    datapoints: int | None = None
    threshold: float | None = None
    threshold_id: str | None = None
    comparison: Comparison
    treatment: Treatment | None = None
    low_samples: str | None = None

    @property
    def period(self) -> int:
        """Seconds of one datapoint."""
        if self.metric is not None:
            return self.metric.period
        watched = self.watched
        own = watched.period if watched.stat is None else watched.stat.period
        periods = [query.stat.period for query in self.queries if query.stat is not None]
        return own or max(periods, default=60)

    @property
    def watched(self) -> MetricQuery:
        """The query that is compared with the threshold."""
        for query in self.queries:
            if query.return_data is not False and query.id != self.threshold_id:
                return query
        return self.queries[0]

    @property
    def needed(self) -> int:
        """How many datapoints must breach."""
        return self.periods if self.datapoints is None else self.datapoints

    @property
    def treats(self) -> Treatment:
        return self.treatment or Treatment.MISSING


class CompositeAlarm(_Alarm, frozen=True, kw_only=True, omit_defaults=True, tag="composite"):
    """An alarm on the states of others.

    Attributes:
        suppressor: Name or ARN of the alarm that holds actions back; None for none.
        wait: Seconds that actions wait for the suppressor to come into ALARM.
        extension: Seconds that actions are held back after it has left ALARM.
    """

    rule: str
    suppressor: str | None = None
    wait: int | None = None
    extension: int | None = None


Alarm = MetricAlarm | CompositeAlarm


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """Why the actions of a composite alarm do not run now.

    Attributes:
        by: `WaitPeriod`, `ExtensionPeriod` or `Alarm`.
        until: Epoch seconds at which the period ends; None while the suppressor is in ALARM.
        told: The state that actions told of last: nothing waits if it comes again.
    """

    by: str
    until: float | None = None
    told: State


class AlarmState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an alarm says now, and since when.

    Attributes:
        reason_data: JSON, "" for none.
        updated: When value or evaluation changed last, epoch seconds.
        transitioned: When the value changed last.
        number: How many changes there were: names the next one for good.
        was_set: By SetAlarmState; the next evaluation tells what is so.
        suppressed: Of composite alarms.
    """

    value: State
    reason: str
    reason_data: str = ""
    updated: float
    transitioned: float
    number: int = 0
    was_set: bool = False
    suppressed: Suppressed | None = None


FIRST_REASON = "Unchecked: Initial alarm creation"


def first_state(when: float) -> AlarmState:
    """The state of an alarm that was just made."""
    return AlarmState(
        value=State.INSUFFICIENT_DATA, reason=FIRST_REASON, updated=when, transitioned=when
    )


def alarm_arn(account_id: str, region: str, name: str) -> str:
    """The ARN of an alarm."""
    return f"arn:{partition_of(region)}:cloudwatch:{region}:{account_id}:alarm:{name}"


def bus_arn(account_id: str, region: str) -> str:
    """The ARN of an account's default event bus, which is told of every change."""
    return f"arn:{partition_of(region)}:events:{region}:{account_id}:event-bus/default"


def alarm_key(account_id: str, region: str, name: str) -> str:
    """The key of an alarm's documents."""
    return f"{account_id}/{region}/{name}"


_ALARM: msgspec.json.Decoder[Alarm] = msgspec.json.Decoder(Alarm)
_STATE = msgspec.json.Decoder(AlarmState)


def read_alarm(body: bytes) -> Alarm:
    """An alarm from its document."""
    return _ALARM.decode(body)


def read_state(body: bytes) -> AlarmState:
    """A state from its document."""
    return _STATE.decode(body)
