"""A past without its anomalies, so that what was unusual is not learnt as ordinary.

The minutes of an alert are replaced by what the same hour had on other days of its type; those of
an unusually high rate are never raised, those of a drop never lowered. Of an alert at most six
hours are replaced: what lasts longer is the new ordinary.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from opentrail.insights.alert import Alert, Kind
from opentrail.insights.baseline import DAY
from opentrail.insights.season import HOURS, WORKING_DAYS, weekday_of
from opentrail.insights.tail import Floats, Ints

LEARNT_MINUTES = 360


def cleaned(counts: Ints, first_day: int, alerts: Iterable[Alert]) -> Ints:
    """The past to learn from.

    Args:
        counts: By minute, whole days, oldest first; not changed.
        first_day: Of `counts`, since the epoch.
        alerts: Of the series.
    """
    start = first_day * DAY
    spans = [
        (max(0, alert.since - start), min(len(counts), _end(alert) - start), alert.kind)
        for alert in alerts
        if alert.since < start + len(counts) and _end(alert) > start
    ]
    if not spans:
        return counts
    usual = np.ones(len(counts), bool)
    for first, end, _ in spans:
        usual[first:end] = False
    rates = _rates(counts, usual, first_day)
    found = counts.copy()
    for first, end, kind in spans:
        minutes = np.arange(first, end)
        rate, minute = rates[minutes // 60], minutes % 60
        ordinary = (np.floor(rate * (minute + 1)) - np.floor(rate * minute)).astype(np.int64)
        choose = np.maximum if kind is Kind.DROP else np.minimum
        found[first:end] = choose(found[first:end], ordinary)
    return found


def _end(alert: Alert) -> int:
    latest = alert.since + LEARNT_MINUTES
    return latest if alert.ended is None else min(alert.ended, latest)


def _rates(counts: Ints, usual: np.typing.NDArray[np.bool_], first_day: int) -> Floats:
    """Calls a minute by hour of the past: of usual minutes, of that hour on days of its type."""
    days = len(counts) // DAY
    sums = np.where(usual, counts, 0).reshape(days, HOURS, 60).sum(2)
    minutes = usual.reshape(days, HOURS, 60).sum(2)
    working = np.array([weekday_of(first_day + day) < WORKING_DAYS for day in range(days)])
    found = np.zeros((days, HOURS))
    for kind in (True, False):
        same = working == kind
        found[same] = sums[same].sum(0) / np.maximum(minutes[same].sum(0), 1)
    return found.reshape(-1)
