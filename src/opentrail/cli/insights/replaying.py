"""What Insights would have told of counted days, with another sensitivity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, MOST_DAYS, Sensitivity, learn
from opentrail.insights.cleaning import cleaned
from opentrail.insights.counts import SeriesKey
from opentrail.insights.detect import Detection
from opentrail.insights.limits import weekday_of
from opentrail.insights.tail import Ints
from opentrail.ports.insights.call_counts import CallCounts

_BEFORE = 480

Behind = Callable[[float], None]
"""Told how much is behind, 0 to 1."""


def replay(
    counts: CallCounts,
    *,
    account_id: str,
    start: int,
    end: int,
    sensitivity: Sensitivity,
    behind: Behind,
) -> list[Alert]:
    """The alerts of [start, end) (minutes since the epoch), oldest first; nothing is kept.

    Args:
        account_id: "" for all.
    """
    first_day = start // DAY - MOST_DAYS
    pasts: dict[SeriesKey, Ints] = {}
    known_since: dict[tuple[str, str], int] = {}
    for one in counts.series():
        place = (one.key.account_id, one.key.region)
        known_since[place] = min(one.first, known_since.get(place, one.first))
        if account_id in ("", one.key.account_id):
            past = np.zeros(end - first_day * DAY, np.int64)
            for minute, count in counts.counts(one.key, first_day * DAY, end):
                past[minute - first_day * DAY] += count
            pasts[one.key] = past
    found: dict[str, Alert] = {}
    by_series: dict[SeriesKey, dict[str, Alert]] = defaultdict(dict)
    detection = Detection(start - _BEFORE - 1)
    for key in pasts:
        detection.add(key)
    for minute in range(start - _BEFORE, end):
        if minute == start or (minute > start and minute % DAY == 0):
            for alert in detection.alerts:
                by_series[alert.series][alert.id] = alert
            for key, past in pasts.items():
                _learn(detection, key, past, first_day, minute, known_since, by_series, sensitivity)
            behind((minute - start) / max(1, end - start))
        at = minute - first_day * DAY
        now = {key: int(past[at]) for key, past in pasts.items() if past[at]}
        for alert in detection.tick(now):
            by_series[alert.series][alert.id] = alert
            found[alert.id] = alert
    behind(1.0)
    return sorted(found.values(), key=lambda one: (one.seen, one.id))


def _learn(  # noqa: PLR0913, PLR0917 - one use
    detection: Detection,
    key: SeriesKey,
    past: Ints,
    first_day: int,
    minute: int,
    known_since: dict[tuple[str, str], int],
    alerts: dict[SeriesKey, dict[str, Alert]],
    sensitivity: Sensitivity,
) -> None:
    day = minute // DAY
    since = -(-known_since[key.account_id, key.region] // DAY)
    first = max(day - MOST_DAYS, since)
    if day - first < 1:
        return
    counts = past[(first - first_day) * DAY : (day - first_day) * DAY]
    if counts.any():
        ordinary = cleaned(counts, first, alerts[key].values())
        detection.learn(key, learn(ordinary, weekday_of(first), sensitivity))
