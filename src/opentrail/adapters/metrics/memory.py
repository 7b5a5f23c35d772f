"""Metrics in dicts; the reference for the port's suite and for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentrail.adapters.metrics.rows import (
    Place,
    by_period,
    cut,
    gathered,
    has_dimensions,
    order,
    wider,
)
from opentrail.alarms.datapoint import joined
from opentrail.ports.metrics import STEPS, Bucket, Changed, Datapoint, Series, SeriesQuery


class MemoryMetricStore:
    """See ports.metrics."""

    def __init__(self) -> None:
        self._buckets: dict[Place, Bucket] = {}
        self._changed: dict[Series, int] = {}
        self._end = 0
        self._places: dict[str, int] = {}
        self._lock = threading.Lock()

    def put(
        self, points: Sequence[Datapoint], *, follower: str = "", place: int | None = None
    ) -> None:
        with self._lock:
            if follower and place is not None:
                if self._places.get(follower, -1) >= place:
                    return
                self._places[follower] = place
            if points:
                self._end += 1
            for where, bucket in gathered(points).items():
                self._keep(where, bucket)
                self._changed[where.series] = self._end

    def place(self, follower: str) -> int | None:
        with self._lock:
            return self._places.get(follower)

    def read(
        self, series: Series, start: int, end: int, period: int, *, unit: str | None = None
    ) -> tuple[Bucket, ...]:
        with self._lock:
            rows = [
                bucket
                for place, bucket in self._buckets.items()
                if place.series == series
                and start <= place.time < end
                and unit in (None, place.unit)
            ]
        return by_period(sorted(rows, key=lambda row: row.time), start, period)

    def series(self, query: SeriesQuery) -> tuple[Series, ...]:
        with self._lock:
            last: dict[Series, int] = {}
            for place in self._buckets:
                last[place.series] = max(last.get(place.series, 0), place.time)
        after = None if query.after is None else order(query.after)
        found = [
            one
            for one in sorted(last, key=order)
            if (one.account_id, one.region) == (query.account_id, query.region)
            and query.namespace in (None, one.namespace)
            and query.name in (None, one.name)
            and has_dimensions(query, one.dimensions)
            and (query.active_since is None or last[one] >= query.active_since)
            and (after is None or order(one) > after)
        ]
        return tuple(found[: query.limit])

    def changed(self, after: int) -> Changed:
        with self._lock:
            series = (one for one, number in self._changed.items() if number > after)
            return Changed(tuple(series), self._end)

    def expire(self, now: int) -> int:
        gone = 0
        with self._lock:
            for width, age in STEPS:
                before, to = cut(width, age, now), wider(width)
                old = [one for one in self._buckets if one.width == width and one.time < before]
                for place in old:
                    bucket = self._buckets.pop(place)
                    if to is not None:
                        self._keep(place._replace(time=place.time // to * to, width=to), bucket)
                gone += len(old)
            known = {place.series for place in self._buckets}
            self._changed = {one: at for one, at in self._changed.items() if one in known}
        return gone

    def _keep(self, place: Place, bucket: Bucket) -> None:
        there = self._buckets.get(place)
        parts = (bucket,) if there is None else (there, bucket)
        self._buckets[place] = joined(parts, time=place.time, unit=place.unit)
