"""What would have been told of counted days, with any sensitivity.

The days are gone through as the worker goes through them live (`watching`). It begins a day before,
so that what lasted at the start is known; of the alerts told live, those before that day count as
found: they are not learnt. Two things are not the same as live: here every call is known in its
minute, however late it came, and an import is known from the first day on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, Sensitivity
from opentrail.insights.counts import SeriesKey
from opentrail.insights.learning import Past
from opentrail.insights.watching import Watching

Behind = Callable[[float], None]
"""Told how much is behind, 0 to 1."""


def replay(
    past: Past,
    first: Mapping[SeriesKey, int],
    *,
    start: int,
    end: int,
    sensitivity: Sensitivity,
    behind: Behind = lambda _: None,
) -> list[Alert]:
    """The alerts that begin in [start, end), as they are at the end; oldest first.

    Args:
        first: The first call (minute since the epoch) of each series of the accounts in question.
    """
    begin = (start // DAY - 1) * DAY
    told = _Told(past, begin)
    watching = Watching(told, sensitivity, begin - 1)
    for key, minute in first.items():
        watching.known(key, minute)
    for key in [one for one, minute in first.items() if minute < begin]:
        watching.add(key)
    for midnight in range(begin, end, DAY):
        minutes = range(midnight, min(end, midnight + DAY))
        counts = _by_minute(past, first, minutes)
        for minute in minutes:
            told.add(watching.judge(counts.get(minute, {})))
        behind((minutes[-1] + 1 - begin) / (end - begin))
    told.add(watching.detection.alerts)
    found = [one for one in told.found() if one.seen >= start]
    return sorted(found, key=lambda one: (one.seen, one.id))


class _Told:
    """The past, with what is found now in the place of what was told then."""

    def __init__(self, past: Past, begin: int) -> None:
        self._past = past
        self._begin = begin
        self._found: dict[SeriesKey, dict[str, Alert]] = defaultdict(dict)

    def add(self, alerts: Iterable[Alert]) -> None:
        for one in alerts:
            self._found[one.series][one.id] = one

    def found(self) -> list[Alert]:
        return [one for those in self._found.values() for one in those.values()]

    def counts(self, key: SeriesKey, start: int, end: int) -> Sequence[tuple[int, int]]:
        return self._past.counts(key, start, end)

    def alerts(self, *, since: int, key: SeriesKey, limit: int = 1000) -> Sequence[Alert]:
        before = self._past.alerts(since=since, key=key)
        found = [one for one in before if one.seen < self._begin]
        found += [
            one for one in self._found.get(key, {}).values() if one.seen >= since or not one.is_over
        ]
        return sorted(found, key=lambda one: (-one.seen, one.id))[:limit]


def _by_minute(
    past: Past, keys: Iterable[SeriesKey], minutes: range
) -> dict[int, dict[SeriesKey, int]]:
    found: dict[int, dict[SeriesKey, int]] = defaultdict(dict)
    for key in keys:
        for minute, count in past.counts(key, minutes.start, minutes.stop):
            found[minute][key] = count
    return found
