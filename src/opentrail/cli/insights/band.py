"""What was counted of a series around an alert, and what was expected: the figures of a plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, MOST_DAYS, NORMAL, learn, slots_of
from opentrail.insights.cleaning import cleaned
from opentrail.insights.season import weekday_of
from opentrail.ports.insights.call_counts import CallCounts

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
    first_day = alert.since // DAY - MOST_DAYS
    past = np.zeros(MOST_DAYS * DAY, np.int64)
    for minute, count in counts.counts(
        alert.series, first_day * DAY, (first_day + MOST_DAYS) * DAY
    ):
        past[minute - first_day * DAY] = count
    others = counts.alerts(since=(first_day - 1) * DAY, key=alert.series)
    baseline = learn(cleaned(past, first_day, others), weekday_of(first_day), NORMAL)
    slots = slots_of(baseline.calls.week.astype(float))
    middles = start + width * np.arange(len(found)) + width // 2
    weekdays = np.array([weekday_of(int(one) // DAY) for one in middles])
    means = slots[(weekdays * DAY + middles % DAY) // 15] * width
    excess = float(baseline.calls.own[0]) + float(baseline.calls.swinging[0]) * means
    upper = means + 2 * np.sqrt(means * (1 + excess))
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
