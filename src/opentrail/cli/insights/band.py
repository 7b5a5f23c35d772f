"""What was counted of a series around an alert, and what was expected: the figures of a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, NORMAL, slots_of
from opentrail.insights.learning import Learning
from opentrail.insights.season import weekday_of
from opentrail.ports.insights.call_counts import CallCounts

Array = NDArray[Any]

_BEFORE, _AFTER = 120, 60


@dataclass(frozen=True, slots=True)
class Band:
    """By span of `width` minutes from `start` (minute since the epoch).

    Attributes:
        counts: What was counted.
        expected: The mean of that time of the week.
        upper: Two deviations above.
        first: The alert's first span; `end` is the first behind it.
    """

    start: int
    width: int
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    upper: tuple[float, ...]
    first: int
    end: int


def band_around(alert: Alert, counts: CallCounts, now: int, spans: int = 60) -> Band:
    """Two hours before an alert to one behind it, in about so many spans."""
    end = min(now, (now if alert.ended is None else alert.ended) + _AFTER)
    start = alert.since - _BEFORE
    width = max(1, -(-(end - start) // spans))
    found = np.zeros(-(-(end - start) // width), np.int64)
    for minute, count in counts.counts(alert.series, start, end):
        found[(minute - start) // width] += count
    means, upper = _expected(alert, counts, start + width * np.arange(len(found)), width)
    ended = now if alert.ended is None else alert.ended
    return Band(
        start,
        width,
        tuple(int(one) for one in found),
        tuple(float(one) for one in means),
        tuple(float(one) for one in upper),
        (alert.since - start) // width,
        max((alert.since - start) // width + 1, -(-(ended - start) // width)),
    )


def _expected(alert: Alert, counts: CallCounts, minutes: Array, width: int) -> tuple[Array, Array]:
    """The means of spans that begin at these minutes, and two deviations above them.

    Nothing is expected of a series that had no past when the alert came.
    """
    first = {one.key: one.first for one in counts.series()}
    learning = Learning(counts, NORMAL)
    learning.start(first)
    baseline = learning.baseline(alert.series, first.get(alert.series, alert.since), alert.since)
    if baseline is None:
        return np.zeros(len(minutes)), np.zeros(len(minutes))
    slots = slots_of(baseline.calls.week.astype(float))
    middles = minutes + width // 2
    weekdays = np.array([weekday_of(int(one) // DAY) for one in middles])
    means = slots[(weekdays * DAY + middles % DAY) // 15] * width
    excess = float(baseline.calls.own[0]) + float(baseline.calls.swinging[0]) * means
    return means, means + 2 * np.sqrt(means * (1 + excess))
