"""Counts in memory: the reference, and the store of trials."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from opentrail.insights.alert import Alert
from opentrail.insights.attributions import Attribute, Values
from opentrail.insights.counts import SeriesKey
from opentrail.ports.insights.call_counts import (
    ALERTS_KEPT_DAYS,
    BLOCK,
    VALUES_KEPT_DAYS,
    Changes,
    CountPlace,
    KnownSeries,
    ValueKey,
    width_at,
)

_DAY = 1440


class MemoryCallCounts:
    """See ports.insights.call_counts."""

    def __init__(self, most_series: int = 100_000) -> None:
        self._most = most_series
        self._counts: dict[SeriesKey, Counter[int]] = {}
        self._first: dict[SeriesKey, int] = {}
        self._values: Counter[ValueKey] = Counter()
        self._alerts: dict[str, Alert] = {}
        self._records: dict[int, bytes] = {}
        self._number = 0
        self._place: CountPlace | None = None

    def series(self) -> Iterator[KnownSeries]:
        return iter([KnownSeries(key, first) for key, first in self._first.items()])

    def counts(
        self, key: SeriesKey, start: int, end: int, width: int = 1
    ) -> tuple[tuple[int, int], ...]:
        found: Counter[int] = Counter()
        for minute, count in self._counts.get(key, {}).items():
            if start <= minute < end:
                found[minute // width * width] += count
        return tuple(sorted(found.items()))

    def values(self, key: SeriesKey, start: int, end: int) -> Values:
        found: dict[Attribute, Counter[str]] = defaultdict(Counter)
        for one, count in self._values.items():
            if one.series == key and start // BLOCK * BLOCK <= one.block < end:
                found[one.attribute][one.value] += count
        return found

    def alerts(
        self, *, since: int, account_id: str = "", key: SeriesKey | None = None, limit: int = 1000
    ) -> tuple[Alert, ...]:
        found = [
            one
            for one in self._alerts.values()
            if (one.seen >= since or not one.is_over)
            and account_id in ("", one.series.account_id)
            and key in (None, one.series)
        ]
        return tuple(sorted(found, key=lambda one: (-one.seen, one.id))[:limit])

    def place(self) -> CountPlace | None:
        return self._place

    def commit(self, changes: Changes, place: CountPlace) -> Mapping[SeriesKey, int]:
        refused: Counter[SeriesKey] = Counter()
        for (key, minute), count in changes.counts.items():
            if key not in self._counts and not self._has_room(key.account_id):
                refused[key] += count
                continue
            self._counts.setdefault(key, Counter())[minute] += count
            self._first[key] = min(minute, self._first.get(key, minute))
        for value, count in changes.values.items():
            if value.series in self._counts:
                self._values[value] += count
        self._alerts |= {one.id: one for one in changes.alerts}
        for raw in changes.records:
            self._number += 1
            self._records[self._number] = raw
        self._place = place
        return refused

    def _has_room(self, account_id: str) -> bool:
        own = sum(key.account_id == account_id for key in self._counts)
        return own < self._most - len(self._counts)

    def at(self, minute: int) -> Mapping[SeriesKey, int]:
        return {key: counts[minute] for key, counts in self._counts.items() if counts.get(minute)}

    def fold(self, today: int) -> int:
        for key, counts in self._counts.items():
            kept: Counter[int] = Counter()
            for minute, count in counts.items():
                width = width_at(today - minute // _DAY)
                if width:
                    kept[minute // width * width] += count
            self._counts[key] = kept
        oldest = (today - VALUES_KEPT_DAYS) * _DAY
        for value in [one for one in self._values if one.block < oldest]:
            del self._values[value]
        oldest = (today - ALERTS_KEPT_DAYS) * _DAY
        self._alerts = {
            name: one for name, one in self._alerts.items() if one.seen >= oldest or not one.is_over
        }
        return 0

    def forget(self) -> tuple[SeriesKey, ...]:
        lasting = {one.series for one in self._alerts.values() if not one.is_over}
        found = tuple(
            key for key, counts in self._counts.items() if not counts and key not in lasting
        )
        for key in found:
            del self._counts[key], self._first[key]
        return found

    def waiting(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        return tuple(sorted(self._records.items())[:limit])

    def appended(self, number: int) -> None:
        for one in [one for one in self._records if one <= number]:
            del self._records[one]
