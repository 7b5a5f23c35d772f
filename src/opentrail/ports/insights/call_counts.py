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

MINUTES_KEPT_DAYS = 28
BLOCKS_KEPT_DAYS = 63
HOURS_KEPT_DAYS = 91
"""Counts older than these days are kept by 5 minutes, by hours, and not at all."""

VALUES_KEPT_DAYS = 9


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
    """The one writer."""

    def commit(self, changes: Changes, place: CountPlace) -> int:
        """Durable on return, all or nothing; how many calls were of series beyond the most kept."""
        ...

    def since(self, minute: int) -> Mapping[int, Mapping[SeriesKey, int]]:
        """Counts by minute and series, of minutes after this one."""
        ...

    def fold(self, today: int) -> int:
        """Keep what is old by wider spans, forget what is too old; how many rows that touched.

        Args:
            today: Days since the epoch.
        """
        ...


class RecordsToAppend(Protocol):
    """Records that another process appends to the journal."""

    def waiting(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        """Number and record, in order."""
        ...

    def appended(self, number: int) -> None:
        """All up to this number are in the journal."""
        ...
