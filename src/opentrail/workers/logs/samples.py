"""What metric filters make of messages, gathered to datapoints.

A filter whose dimensions take too many values within an hour gives no datapoints for further ones
until the hour is over: whoever can write a message could else fill the disk with metrics. It is
told in the log. (AWS turns such a filter off.)
"""

from __future__ import annotations

from collections import Counter

import structlog

from opentrail.alarms.datapoint import Datapoint, Series
from opentrail.alarms.filter_pattern import LogMessage
from opentrail.alarms.metric_filter import CompiledMetricFilter, MetricFilter, Sample

MOST_DIMENSIONS_AN_HOUR = 1000
"""Different sets of dimension values of one filter (AWS's quota)."""

_HOUR = 3600
_log = structlog.get_logger()


class Cardinality:
    """Which dimension values filters had within this hour."""

    def __init__(self) -> None:
        self._hour = 0
        self._known: dict[str, set[tuple[tuple[str, str], ...]]] = {}

    def allows(self, one: MetricFilter, sample: Sample, now: int) -> bool:
        """Whether a datapoint may be put; `now` in epoch seconds."""
        if not sample.dimensions:
            return True
        if now // _HOUR != self._hour:
            self._hour, self._known = now // _HOUR, {}
        known = self._known.setdefault(one.state_key, set())
        if sample.dimensions in known:
            return True
        if len(known) > MOST_DIMENSIONS_AN_HOUR:
            return False
        known.add(sample.dimensions)
        if len(known) > MOST_DIMENSIONS_AN_HOUR:
            _log.error("metric_filter_has_too_many_dimensions", filter=one.state_key)
            return False
        return True


class Samples:
    """The samples of one step, by series and unit."""

    def __init__(self, cardinality: Cardinality, now: int) -> None:
        """Begin; `now` in epoch seconds is the time of all of them."""
        self._cardinality = cardinality
        self._now = now
        self._values: dict[tuple[Series, str], Counter[float]] = {}

    def add(self, compiled: CompiledMetricFilter, message: LogMessage) -> None:
        """Take in what a message, which the filter matches, becomes."""
        one, sample = compiled.filter, compiled.sample(message)
        if sample is None or not self._cardinality.allows(one, sample, self._now):
            return
        key = series_of(one, sample.dimensions), one.unit or "None"
        self._values.setdefault(key, Counter())[sample.value] += 1

    def datapoints(self) -> list[Datapoint]:
        """A datapoint for each series."""
        return [
            datapoint(series, unit, values, self._now)
            for (series, unit), values in self._values.items()
        ]


def series_of(one: MetricFilter, dimensions: tuple[tuple[str, str], ...] = ()) -> Series:
    """The series that a filter counts in."""
    return Series(one.account_id, one.region, one.metric_namespace, one.metric_name, dimensions)


def datapoint(series: Series, unit: str, values: Counter[float], time: int) -> Datapoint:
    """One datapoint for all values."""
    return Datapoint(
        account_id=series.account_id,
        region=series.region,
        namespace=series.namespace,
        name=series.name,
        dimensions=series.dimensions,
        time=time,
        unit=unit,
        count=float(values.total()),
        sum=sum(value * count for value, count in values.items()),
        minimum=min(values),
        maximum=max(values),
        values=tuple((value, float(count)) for value, count in sorted(values.items())),
    )
