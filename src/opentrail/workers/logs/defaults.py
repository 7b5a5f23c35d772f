"""Default values: a datapoint for a minute in which a group had events and a filter took none.

What was noted of a minute is lost with the process; but a minute that has a datapoint never gets a
default beside it, since the store is asked first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opentrail.alarms.datapoint import Datapoint
from opentrail.alarms.metric_filter import CompiledMetricFilter, MetricFilter
from opentrail.ports.metrics import MetricStore
from opentrail.workers.logs.samples import datapoint, series_of

_MINUTE = 60


class Defaults:
    """Minutes in which filters with a default value were asked."""

    def __init__(self, metrics: MetricStore) -> None:
        self._metrics = metrics
        self._asked: dict[tuple[int, str], MetricFilter] = {}
        self._minute = 0

    def asked(self, filters: Iterable[CompiledMetricFilter], now: int) -> None:
        """A group had an event; these are its filters; `now` in epoch seconds."""
        minute = now // _MINUTE * _MINUTE
        for compiled in filters:
            one = compiled.filter
            if one.default is not None:
                self._asked[minute, one.state_key] = one

    def due(self, now: int) -> list[Datapoint]:
        """The defaults of minutes that are over."""
        minute = now // _MINUTE * _MINUTE
        if minute == self._minute:
            return []
        self._minute = minute
        over = [key for key in self._asked if key[0] < minute]
        found = []
        for key in over:
            one = self._asked.pop(key)
            value = one.default
            series = series_of(one)
            if value is None or self._metrics.read(series, key[0], key[0] + _MINUTE, _MINUTE):
                continue
            found.append(datapoint(series, one.unit or "None", Counter([value]), key[0]))
        return found
