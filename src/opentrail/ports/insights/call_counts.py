"""How often each API was called, minute by minute, and what was unusual about it.

One writer, any number of readers in other processes. What a commit holds and the place behind it
are kept in one step, so a crash counts nothing twice and forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from opentrail.insights.alert import Alert
from opentrail.insights.attributions import Attribute, Values
from opentrail.insights.counts import SeriesKey

BLOCK = 5
"""Minutes that values are counted over."""

HOUR = 60

KEPT_DAYS = {1: 42, BLOCK: 63, HOUR: 91}
"""By the minutes of a span, finest first: the greatest age in days of counts kept by it.
Six weeks of minutes: what a day two weeks ago was judged by is still there to judge it again."""

VALUES_KEPT_DAYS = 9
ALERTS_KEPT_DAYS = 91
"""Since they were seen; those that last are kept."""


class ValueKey(NamedTuple):
    """A value of a series' calls in five minutes.

    Attributes:
        block: Its first minute since the epoch, divisible by BLOCK.
    """

    series: SeriesKey
    block: int
    attribute: Attribute
    value: str


@dataclass(frozen=True, slots=True)
class CountPlace:
    """How far the writer has come.

    Attributes:
        sequence: Of the store of events: the first that is not counted yet.
        judged: The last minute (since the epoch) that was looked at for unusual rates.
    """

    sequence: int
    judged: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit adds.

    Attributes:
        counts: Calls by series and minute since the epoch, in addition to those there.
        values: As well, by value.
        alerts: New ones, and those that have changed; by their id.
        records: Insights records to be appended to the journal, in this order.
    """

    counts: Mapping[tuple[SeriesKey, int], int] = field(default_factory=dict)
    values: Mapping[ValueKey, int] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    records: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """A series, and the minute of its first call."""

    key: SeriesKey
    first: int


def width_at(age_days: int) -> int:
    """The minutes of the spans by which counts of this age are kept; 0 for not at all."""
    return next((width for width, days in KEPT_DAYS.items() if age_days <= days), 0)


class CallCounts(Protocol):
    """What readers ask."""

    def series(self) -> Iterator[KnownSeries]:
        """All that is counted."""
        ...

    def counts(
        self, key: SeriesKey, start: int, end: int, width: int = 1
    ) -> tuple[tuple[int, int], ...]:
        """Spans with calls: (first minute, calls), ascending.

        Args:
            start: Minute since the epoch, inclusive.
            end: Exclusive.
            width: 1, 5 or 60 minutes. What is kept by wider spans counts at their first minute.
        """
        ...

    def values(self, key: SeriesKey, start: int, end: int) -> Values:
        """Calls by value, of all blocks that begin in [start, end), start rounded down."""
        ...

    def alerts(
        self, *, since: int, account_id: str = "", key: SeriesKey | None = None, limit: int = 1000
    ) -> tuple[Alert, ...]:
        """Those that were seen at `since` or later, or are not over; the newest first."""
        ...

    def place(self) -> CountPlace | None:
        """The place kept last, None before the first."""
        ...


class CallCountStore(CallCounts, Protocol):
    """The one writer.

    So many series are kept at most, and of an account at most as many as there are places left for
    others: whoever makes up names can't take them all.
    """

    def commit(self, changes: Changes, place: CountPlace) -> Mapping[SeriesKey, int]:
        """Durable on return, all or nothing; the calls of series that found no place."""
        ...

    def at(self, minute: int) -> Mapping[SeriesKey, int]:
        """The calls of a minute whose day has not been folded."""
        ...

    def fold(self, today: int) -> int:
        """Keep a part of what is old by wider spans, or forget it; how many rows that touched.

        Minutes of today and yesterday stay. Each part is durable by itself; 0 says that there is
        nothing left to do.

        Args:
            today: Days since the epoch.
        """
        ...

    def forget(self) -> tuple[SeriesKey, ...]:
        """Forget series of which no count is left, and no alert lasts; which."""
        ...
