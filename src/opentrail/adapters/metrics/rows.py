"""Buckets as they are kept: by series, unit, time and width; what both stores share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from struct import pack, unpack
from typing import NamedTuple

from opentrail.alarms.datapoint import Dimensions, Values, joined, joined_values
from opentrail.ports.metrics import STEPS, Bucket, Datapoint, Series, SeriesQuery


class Place(NamedTuple):
    """Where a bucket is kept.

    Attributes:
        time: Where it begins, epoch seconds.
        width: Its length in seconds.
    """

    series: Series
    time: int
    unit: str
    width: int


def gathered(points: Iterable[Datapoint]) -> dict[Place, Bucket]:
    """The buckets that the points fall into."""
    found: dict[Place, list[Bucket]] = {}
    for point in points:
        width = 1 if point.high_resolution else 60
        series = replace(point.series, dimensions=_clean(point.dimensions))
        place = Place(series, point.time - point.time % width, point.unit, width)
        found.setdefault(place, []).append(
            Bucket(
                time=place.time,
                unit=point.unit,
                count=point.count,
                sum=point.sum,
                minimum=point.minimum,
                maximum=point.maximum,
                values=joined_values((point.values,)),
            )
        )
    return {
        place: joined(buckets, time=place.time, unit=place.unit) for place, buckets in found.items()
    }


def _clean(dimensions: Dimensions) -> Dimensions:
    # Half a character, as a record may hold it, can't be kept.
    return tuple((_text(name), _text(value)) for name, value in dimensions)


def _text(text: str) -> str:
    return text.encode(errors="replace").decode()


def by_period(rows: Sequence[Bucket], start: int, period: int) -> tuple[Bucket, ...]:
    """Rows ordered by time, joined to periods counted from `start`, each unit for itself."""
    found: list[Bucket] = []
    for number, in_period in groupby(rows, key=lambda row: (row.time - start) // period):
        units: dict[str, list[Bucket]] = {}
        for row in in_period:
            units.setdefault(row.unit, []).append(row)
        time = start + number * period
        found += [joined(units[unit], time=time, unit=unit) for unit in sorted(units)]
    return tuple(found)


def wider(width: int) -> int | None:
    """What buckets of a width are joined to when they are old; None: they are forgotten."""
    widths = [one for one, _ in STEPS]
    after = widths.index(width) + 1
    return widths[after] if after < len(widths) else None


def cut(width: int, age: int, now: int) -> int:
    """Buckets of a width from before it are too old; no wider bucket lies on both sides."""
    return (now - age) // (wider(width) or width) * (wider(width) or width)


def spelled(dimensions: Dimensions) -> str:
    """As they are kept, and ordered."""
    return json.dumps(dimensions, ensure_ascii=False, separators=(",", ":"))


def read_dimensions(text: str) -> Dimensions:
    """The opposite of `spelled`."""
    return tuple((name, value) for name, value in json.loads(text))


def order(series: Series) -> tuple[str, str, str]:
    """What series of one account and region are ordered by."""
    return series.namespace, series.name, spelled(series.dimensions)


def has_dimensions(query: SeriesQuery, dimensions: Dimensions) -> bool:
    """Whether all that the query names are among them."""
    given = dict(dimensions)
    return all(name in given and value in (None, given[name]) for name, value in query.dimensions)


def packed(values: Values) -> bytes:
    """16 bytes a value."""
    return pack(f"<{2 * len(values)}d", *(number for pair in values for number in pair))


def unpacked(packed_values: bytes) -> Values:
    """The opposite of `packed`."""
    numbers = unpack(f"<{len(packed_values) // 8}d", packed_values)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
