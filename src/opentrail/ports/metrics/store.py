"""Metrics: datapoints by series and time, joined the more the older they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from opentrail.alarms.datapoint import Bucket, Datapoint, Series

_DAY = 86_400
SECOND_AGE = 3 * 3600
"""Seconds for which datapoints of high resolution are kept by the second."""
STEPS = ((1, SECOND_AGE), (60, 15 * _DAY), (300, 63 * _DAY), (3600, 455 * _DAY))
"""(width of a stored bucket in seconds, until which age), as CloudWatch keeps metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """Which series to list.

    Attributes:
        namespace: None for all.
        name: The metric's name; None for all.
        dimensions: (name, value), each of which a series must have; None for any value.
        active_since: Epoch seconds: a datapoint is of this time or later; None whenever.
        after: The last series of the page before.
        limit: Series wanted at the most.
    """

    account_id: str
    region: str
    namespace: str | None = None
    name: str | None = None
    dimensions: tuple[tuple[str, str | None], ...] = ()
    active_since: int | None = None
    after: Series | None = None
    limit: int = 500


@dataclass(frozen=True, slots=True)
class Changed:
    """Which series were put to.

    Attributes:
        end: What to ask with the next time.
    """

    series: tuple[Series, ...]
    end: int


class MetricStore(Protocol):
    """Datapoints of all accounts; several processes may put and read."""

    def put(
        self, points: Sequence[Datapoint], *, follower: str = "", place: int | None = None
    ) -> None:
        """Durable on return, all or nothing.

        Args:
            follower: Whose place is kept in the same step; "" keeps none.
            place: The journal offset that the follower goes on from. If the kept one is as high
                already, nothing is put: what is done twice counts once.

        Raises:
            Unavailable: nothing was put.
        """
        ...

    def place(self, follower: str) -> int | None:
        """The place kept last, None before the first."""
        ...

    def read(
        self, series: Series, start: int, end: int, period: int, *, unit: str | None = None
    ) -> tuple[Bucket, ...]:
        """The periods that hold datapoints, oldest first, those of one period by unit.

        Args:
            start: Epoch seconds, inclusive; the periods are counted from here.
            end: Epoch seconds, exclusive.
            period: Seconds, at least 1.
            unit: Only datapoints of this unit; None for all, each unit for itself.
        """
        ...

    def series(self, query: SeriesQuery) -> tuple[Series, ...]:
        """Those asked for, in one order that never changes."""
        ...

    def changed(self, after: int) -> Changed:
        """The series put to since `after`, the `end` of the answer before; 0 for all."""
        ...

    def expire(self, now: int) -> int:
        """Join what is old (STEPS) and forget what is too old; how many buckets went.

        Args:
            now: Epoch seconds.
        """
        ...
