"""The state that datapoints put a metric alarm in: M of the newest N, and what counts for none.

More periods are looked at than the N that are judged (EXTRA_PERIODS): datapoints that came late
or not at all are made up for by older ones.
Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"; its tables
are the vectors alarms/missing_data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentrail.alarms.alarm import Comparison, MetricAlarm, State, Treatment
from opentrail.alarms.statistics import percentile_of

EXTRA_PERIODS = 2
"""For 3 periods AWS's tables look at 5; an hour's alarm was seen to look 3 hours back."""
_RUNS_UP = frozenset({"Sum", "SampleCount", "Maximum"})
_RUNS_DOWN = frozenset({"Minimum"})


@dataclass(frozen=True, slots=True)
class Band:
    """What a datapoint is compared with; both ends are the threshold where that is a number."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """A datapoint of an alarm.

    Attributes:
        time: Epoch seconds at which its period begins.
        samples: How many values it is made of; None for an expression's.
        band: What it is compared with.
    """

    time: int
    value: float
    band: Band
    samples: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of an evaluation.

    Attributes:
        state: None: the alarm stays as it is.
        points: The newest points that were judged, at most N, oldest first.
        breaching: Those of them that breach, oldest first.
        filled: How many missing ones were taken for breaching or not breaching.
    """

    state: State | None
    points: tuple[Point, ...]
    breaching: tuple[Point, ...]
    filled: int = 0


_TESTS: dict[Comparison, Callable[[float, Band], bool]] = {
    Comparison.GREATER: lambda value, band: value > band.high,
    Comparison.GREATER_OR_EQUAL: lambda value, band: value >= band.high,
    Comparison.LESS: lambda value, band: value < band.low,
    Comparison.LESS_OR_EQUAL: lambda value, band: value <= band.low,
    Comparison.OUTSIDE: lambda value, band: value < band.low or value > band.high,
    Comparison.BELOW: lambda value, band: value < band.low,
    Comparison.ABOVE: lambda value, band: value > band.high,
}


def breaches(comparison: Comparison, point: Point) -> bool:
    """Whether a datapoint is beyond its threshold."""
    return _TESTS[comparison](point.value, point.band)


def evaluate(alarm: MetricAlarm, points: Sequence[Point | None]) -> Evaluation:
    """What the alarm's datapoints say.

    Args:
        points: One a period, oldest first, None where there is none; N + EXTRA_PERIODS of them.
    """
    newest = [one for one in points if one is not None][-alarm.periods :]
    real = tuple(newest)
    breaching = tuple(one for one in real if breaches(alarm.comparison, one))
    if _has_too_few_samples(alarm, real):
        return Evaluation(None, real, breaching)
    missing = alarm.periods - len(real)
    if missing == 0:
        state = State.ALARM if len(breaching) >= alarm.needed else State.OK
        return Evaluation(state, real, breaching)
    match alarm.treats:
        case Treatment.BREACHING:
            state = State.ALARM if len(breaching) + missing >= alarm.needed else State.OK
            return Evaluation(state, real, breaching, missing)
        case Treatment.NOT_BREACHING:
            state = State.ALARM if len(breaching) >= alarm.needed else State.OK
            return Evaluation(state, real, breaching, missing)
        case Treatment.MISSING | Treatment.IGNORE:
            return Evaluation(_of_few(alarm, points, real, breaching), real, breaching)


def _of_few(
    alarm: MetricAlarm,
    points: Sequence[Point | None],
    real: tuple[Point, ...],
    breaching: tuple[Point, ...],
) -> State | None:
    """The state where fewer than N datapoints are there and no others are made up."""
    ignores = alarm.treats is Treatment.IGNORE
    if not real:
        return None if ignores else State.INSUFFICIENT_DATA
    if len(breaching) >= alarm.needed:
        return State.ALARM
    if len(breaching) < len(real):
        return State.OK
    # Nothing but breaching ones, and too few. Old ones that none has followed are enough.
    if ignores:
        return None
    age = len(points) - list(points).index(real[0])
    return State.ALARM if age >= alarm.needed else State.INSUFFICIENT_DATA


def _has_too_few_samples(alarm: MetricAlarm, real: Sequence[Point]) -> bool:
    """Whether percentiles are asked of so few values that they tell nothing."""
    if alarm.low_samples != "ignore" or alarm.metric is None or not real:
        return False
    percent = percentile_of(alarm.metric.stat)
    if percent is None or percent in (0.0, 100.0):
        return False
    share = percent / 100
    wanted = 10 / (1 - share) if share >= 0.5 else 10 / share
    return any(point.samples is not None and point.samples < wanted for point in real)


def breaks_early(alarm: MetricAlarm, point: Point, minimum: float) -> bool:
    """Whether a point of a period that still runs breaches, whatever else comes in it.

    Args:
        minimum: The lowest value in the period: a sum of none below 0 never sinks.
    """
    if alarm.metric is None or not breaches(alarm.comparison, point):
        return False
    stat = alarm.metric.stat
    match alarm.comparison:
        case Comparison.GREATER | Comparison.GREATER_OR_EQUAL:
            return stat in _RUNS_UP and (stat != "Sum" or minimum >= 0)
        case Comparison.LESS | Comparison.LESS_OR_EQUAL:
            return stat in _RUNS_DOWN
        case _:
            return False


def range_of(alarm: MetricAlarm) -> int:
    """How many periods an evaluation looks at."""
    return alarm.periods + EXTRA_PERIODS
