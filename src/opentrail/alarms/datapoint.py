"""Datapoints of metrics, one by one as they are put and joined to buckets as they are read.

A bucket keeps how often each value came, so that percentiles can be told. Past MAX_VALUES
different ones, values are rounded, more and more, until they fit: a bucket never grows without
bound, whatever is put.
Source: CloudWatch API reference, MetricDatum and "Metrics retention"; of the rounding: ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from opentrail.errors import InvalidInput

MAX_VALUES = 1000
"""Different values that a bucket tells apart; 435 powers of ten are within AWS's range."""
_DIGITS = (3, 2, 1, 0)
MAX_NUMBER = 2.0**360
"""The greatest value that CloudWatch takes, below 0 as above."""
MAX_COUNT = 2.0**53
"""How many values a datapoint may stand for: ours, so that no sum leaves the numbers."""

Values = tuple[tuple[float, float], ...]
"""(value, how often), ordered by value."""
Dimensions = tuple[tuple[str, str], ...]
"""(name, value), ordered by name."""


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A metric of one account and region: what its datapoints have in common."""

    account_id: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    """What is put of a metric: one value, many, or only their statistics.

    Attributes:
        dimensions: Ordered by name.
        time: Epoch seconds.
        unit: As AWS spells it (`Count`, `Seconds`, …); `None` where none was given.
        count: How many values it stands for, above 0.
        values: All of them, as often as `count` tells; () if only the statistics are known.
        high_resolution: Kept by the second for three hours; others by the minute.

    Raises:
        InvalidInput: a number is none (`is_number`), or `count` is not above 0.
    """

    account_id: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions = ()
    time: int
    unit: str = "None"
    count: float
    sum: float
    minimum: float
    maximum: float
    values: Values = ()
    high_resolution: bool = False

    def __post_init__(self) -> None:
        numbers = (self.minimum, self.maximum, *(value for value, _ in self.values))
        if not all(map(is_number, numbers)) or not abs(self.sum) <= MAX_NUMBER * MAX_COUNT:
            raise InvalidInput(f"a value of {self.name} is not within 2^360 of 0")
        if not all(0 < one <= MAX_COUNT for one in (self.count, *(of for _, of in self.values))):
            raise InvalidInput(f"a count of {self.name} is not above 0 and at most 2^53")

    @property
    def series(self) -> Series:
        """Whose datapoint it is."""
        return Series(self.account_id, self.region, self.namespace, self.name, self.dimensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The datapoints of one series and unit within one period.

    Attributes:
        time: Epoch seconds at which the period begins.
        values: All values if they are known, else () (see `is_whole`).
    """

    time: int
    unit: str = "None"
    count: float
    sum: float
    minimum: float
    maximum: float
    values: Values = ()

    @property
    def is_whole(self) -> bool:
        """Whether every value is known (some may be rounded)."""
        return bool(self.values)


def is_number(value: float) -> bool:
    """Whether CloudWatch would take it as a value."""
    return isfinite(value) and abs(value) <= MAX_NUMBER


def joined_values(many: Iterable[Values]) -> Values:
    """The values of all together; () if those of one are not known."""
    counted: dict[float, float] = {}
    for values in many:
        if not values:
            return ()
        for value, count in values:
            counted[value] = counted.get(value, 0.0) + count
    for digits in _DIGITS:
        if len(counted) <= MAX_VALUES:
            break
        counted = _rounded(counted, digits)
    return tuple(sorted(counted.items()))


def _rounded(counted: dict[float, float], digits: int) -> dict[float, float]:
    found: dict[float, float] = {}
    for value, count in counted.items():
        # No digit at all is the power of ten.
        near = float(f"{value:.{digits - 1}e}") if digits else _power_of_ten(value)
        found[near] = found.get(near, 0.0) + count
    return found


def _power_of_ten(value: float) -> float:
    sign, _, exponent = f"{value:+.0e}".partition("e")
    return 0.0 if value == 0 else float(f"{sign[0]}1e{exponent}")


def joined(buckets: Iterable[Bucket], *, time: int, unit: str) -> Bucket:
    """One bucket for all of them (at least one)."""
    every = tuple(buckets)
    if len(every) == 1 and every[0].time == time and every[0].unit == unit:
        return every[0]
    return Bucket(
        time=time,
        unit=unit,
        count=sum(one.count for one in every),
        sum=sum(one.sum for one in every),
        minimum=min(one.minimum for one in every),
        maximum=max(one.maximum for one in every),
        values=every[0].values if len(every) == 1 else joined_values(one.values for one in every),
    )
