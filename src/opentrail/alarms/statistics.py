"""Statistics of a bucket of datapoints: the five plain ones, percentiles, and what is trimmed.

A value that stands on a boundary of percentages counts by the share of it that lies inside.
Source: CloudWatch User Guide, "CloudWatch statistics definitions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from opentrail.alarms.datapoint import Bucket
from opentrail.errors import InvalidInput

Statistic = Callable[[Bucket], float | None]
"""The statistic of a bucket; None if its values are needed and not known."""

PLAIN: dict[str, Statistic] = {
    "SampleCount": lambda bucket: bucket.count,
    "Average": lambda bucket: bucket.sum / bucket.count,
    "Sum": lambda bucket: bucket.sum,
    "Minimum": lambda bucket: bucket.minimum,
    "Maximum": lambda bucket: bucket.maximum,
}
"""What `Statistic` may be in requests; all others are extended."""

_NUMBER = r"-?\d{1,20}(?:\.\d{1,10})?"
_SHORT = re.compile(r"(p|tm|tc|ts|wm)(\d{1,3}(?:\.\d{1,10})?)", re.ASCII)
_LONG = re.compile(rf"(TM|TC|TS|WM|PR)\(({_NUMBER}%?)?:({_NUMBER}%?)?\)", re.ASCII)


class InvalidStatistic(InvalidInput):
    """The name of no statistic."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between which values; None where there is no bound."""

    low: float | None
    high: float | None
    in_percent: bool


@lru_cache(maxsize=1024)
def statistic(name: str) -> Statistic:
    """The statistic of a name: `Sum`, `p99.9`, `tm90`, `TM(10%:90%)`, `IQM`, `PR(:300)`.

    Raises:
        InvalidStatistic: it is none.
    """
    if name in PLAIN:
        return PLAIN[name]
    if name.lower() == "iqm":
        return _trimmed("tm", _Bounds(25.0, 75.0, in_percent=True))
    short = _SHORT.fullmatch(name)
    if short is not None and float(short[2]) <= 100:
        return _short(short[1], float(short[2]))
    long = _LONG.fullmatch(name)
    if long is not None:
        bounds = _bounds(long[2], long[3])
        if bounds is not None and not (long[1] == "PR" and bounds.in_percent):
            return _trimmed(long[1].lower(), bounds)
    raise InvalidStatistic(f"{name!r} is no statistic; as Sum, p99.9, tm90 or TM(10%:90%) is")


def percentile_of(name: str) -> float | None:
    """The percentage of a percentile (`p99` has 99.0), None for other statistics."""
    found = _SHORT.fullmatch(name)
    return float(found[2]) if found is not None and found[1] == "p" else None


def _short(kind: str, percent: float) -> Statistic:
    if kind == "p":
        return lambda bucket: _percentile(bucket, percent) if bucket.is_whole else None
    return _trimmed(kind, _Bounds(None, percent, in_percent=True))


def _bounds(low: str | None, high: str | None) -> _Bounds | None:
    given = [one for one in (low, high) if one is not None]
    in_percent = [one.endswith("%") for one in given]
    if not given or len(set(in_percent)) != 1:
        return None
    first, second = (None if one is None else float(one.rstrip("%")) for one in (low, high))
    if first is not None and second is not None and first > second:
        return None
    if in_percent[0] and not all(0 <= float(one.rstrip("%")) <= 100 for one in given):
        return None
    return _Bounds(first, second, in_percent=in_percent[0])


def _percentile(bucket: Bucket, percent: float) -> float:
    """The lowest value that this share of all does not exceed."""
    wanted = percent / 100 * sum(count for _, count in bucket.values)
    seen = 0.0
    for value, count in bucket.values:
        seen += count
        if seen >= wanted:
            return value
    return bucket.maximum


def _trimmed(kind: str, bounds: _Bounds) -> Statistic:
    measure = _MEASURES[kind]
    return lambda bucket: measure(bucket, bounds) if bucket.is_whole else None


def _inside(bucket: Bucket, bounds: _Bounds) -> Iterator[tuple[float, float]]:
    """(value, how often) within the bounds: above the lower one, at most the upper one."""
    if not bounds.in_percent:
        for value, count in bucket.values:
            above = bounds.low is None or value > bounds.low
            if above and (bounds.high is None or value <= bounds.high):
                yield value, count
        return
    whole = sum(count for _, count in bucket.values)
    first = (bounds.low or 0.0) / 100 * whole
    last = whole if bounds.high is None else bounds.high / 100 * whole
    seen = 0.0
    for value, count in bucket.values:
        share = min(last, seen + count) - max(first, seen)
        seen += count
        if share > 0:
            yield value, share


def _mean(bucket: Bucket, bounds: _Bounds) -> float | None:
    inside = list(_inside(bucket, bounds))
    count = sum(share for _, share in inside)
    return sum(value * share for value, share in inside) / count if count else None


def _winsorized(bucket: Bucket, bounds: _Bounds) -> float | None:
    """What is outside counts as the value at the boundary."""
    inside = list(_inside(bucket, bounds))
    if not inside:
        return None
    if bounds.in_percent:
        low, high = inside[0][0], inside[-1][0]
    else:
        low = bucket.minimum if bounds.low is None else bounds.low
        high = bucket.maximum if bounds.high is None else bounds.high
    total = sum(min(max(value, low), high) * count for value, count in bucket.values)
    return total / sum(count for _, count in bucket.values)


def _rank(bucket: Bucket, bounds: _Bounds) -> float:
    whole = sum(count for _, count in bucket.values)
    return 100 * sum(share for _, share in _inside(bucket, bounds)) / whole


_MEASURES: dict[str, Callable[[Bucket, _Bounds], float | None]] = {
    "tm": _mean,
    "tc": lambda bucket, bounds: sum(share for _, share in _inside(bucket, bounds)),
    "ts": lambda bucket, bounds: sum(value * share for value, share in _inside(bucket, bounds)),
    "wm": _winsorized,
    "pr": _rank,
}
