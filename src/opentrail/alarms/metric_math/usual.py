"""What is usual for a metric: the band of ANOMALY_DETECTION_BAND.

Not AWS's model, which nobody has described: the mean of the past two weeks at the same hour of the
day, and so many standard deviations around it; of all hours where one has too few datapoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, pstdev

from opentrail.alarms.metric_math.values import Line

PAST_SECONDS = 14 * 86_400
"""How far back it looks, as AWS's training does."""
LEAST = 10
"""Datapoints without which nothing is usual."""


@dataclass(frozen=True, slots=True)
class Usual:
    """(mean, standard deviation) by hour of the day in UTC; hours that tell too little have none.

    Attributes:
        whole: Of all hours; None where the past tells too little.
    """

    hours: tuple[tuple[float, float] | None, ...]
    whole: tuple[float, float] | None


def usual(past: Iterable[tuple[int, float]]) -> Usual:
    """What is usual after a past.

    Args:
        past: (epoch seconds, value).
    """
    hours: list[list[float]] = [[] for _ in range(24)]
    for time, value in past:
        hours[time // 3600 % 24].append(value)
    whole = [value for values in hours for value in values]
    return Usual(tuple(_spread(values) for values in hours), _spread(whole))


def _spread(values: list[float]) -> tuple[float, float] | None:
    return (fmean(values), pstdev(values)) if len(values) >= LEAST else None


def band(known: Usual, times: range, width: float) -> tuple[Line, Line]:
    """The upper and the lower end at each time; none where nothing is usual.

    Args:
        width: Standard deviations.
    """
    high: dict[int, float] = {}
    low: dict[int, float] = {}
    for time in times:
        spread = known.hours[time // 3600 % 24] or known.whole
        if spread is not None:
            mean, deviation = spread
            high[time], low[time] = mean + width * deviation, mean - width * deviation
    return Line(high, times.step), Line(low, times.step)
