"""Metrics and expressions over them, read from a store: what GetMetricData and alarms ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opentrail.alarms.alarm import MetricQuery, MetricStat
from opentrail.alarms.datapoint import Bucket, Series, joined
from opentrail.alarms.metric_math import Environment, Line
from opentrail.alarms.metric_math.usual import PAST_SECONDS, Usual, band, usual
from opentrail.alarms.statistics import statistic
from opentrail.ports.metrics.store import MetricStore

_PAST_EVERY = 3600
"""Seconds after which the past is read anew."""
MOST_PASTS = 1000
"""Metrics whose past is remembered."""


def buckets_of(
    store: MetricStore, series: Series, stat: MetricStat, times: range
) -> tuple[Bucket, ...]:
    """The periods of a metric that hold datapoints, of all units together unless one is named.

    Args:
        times: When the periods begin, epoch seconds; its step is the period.
    """
    found = store.read(series, times.start, times.stop, times.step, unit=stat.unit)
    units: dict[int, list[Bucket]] = {}
    for one in found:
        units.setdefault(one.time, []).append(one)
    return tuple(
        same[0] if len(same) == 1 else joined(same, time=time, unit="None")
        for time, same in units.items()
    )


def line_of(buckets: Sequence[Bucket], stat: MetricStat, period: int) -> Line:
    """The statistic of each bucket; none where it can't be told."""
    act = statistic(stat.stat)
    told = ((one.time, act(one)) for one in buckets)
    points = {time: value for time, value in told if value is not None}
    return Line(points, period, stat.name)


@dataclass(slots=True)
class MetricReader:
    """Reads lines of one account and region after another; remembers what is usual."""

    store: MetricStore
    _pasts: dict[tuple[Series, MetricStat], tuple[int, Usual]] = field(default_factory=dict)

    def environment(
        self, account_id: str, region: str, queries: Sequence[MetricQuery], times: range
    ) -> Environment:
        """What the queries refer to.

        Args:
            times: When the periods asked for begin; metrics with a period of their own have theirs.
        """
        stats = {query.id: query.stat for query in queries if query.stat is not None}
        metrics: dict[str, Line] = {}
        for name, stat in stats.items():
            series = stat.series(account_id, region)
            own = range(times.start, times.stop, stat.period)
            metrics[name] = line_of(buckets_of(self.store, series, stat, own), stat, stat.period)

        def banded(name: str, width: float) -> tuple[Line, Line]:
            stat = stats[name]
            own = range(times.start, times.stop, stat.period)
            known = self._usual(stat.series(account_id, region), stat, times.start)
            return band(known, own, width)

        expressions = {
            query.id: query.expression for query in queries if query.expression is not None
        }
        return Environment(metrics, expressions, times, banded)

    def _usual(self, series: Series, stat: MetricStat, start: int) -> Usual:
        key = (series, stat)
        end = start // _PAST_EVERY * _PAST_EVERY
        known = self._pasts.get(key)
        if known is not None and known[0] == end:
            return known[1]
        past = range(end - PAST_SECONDS, end, stat.period)
        line = line_of(buckets_of(self.store, series, stat, past), stat, stat.period)
        found = usual(line.points.items())
        if len(self._pasts) >= MOST_PASTS:
            self._pasts.clear()
        self._pasts[key] = (end, found)
        return found
