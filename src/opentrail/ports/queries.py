"""Queries of Logs Insights: what is asked, what comes of it, and who keeps both.

Times are epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from opentrail.errors import OpenTrailError
from opentrail.logs.group import LogGroup
from opentrail.trail.feeds import FeedSpan

Row = list[tuple[str, str]]
"""(field, value) of a result's row, in order; fields without a value are left out."""


class QueryFailed(OpenTrailError):
    """A query that was understood and could not be answered; the message says why."""


class QueryCancelled(OpenTrailError):
    """A query that was stopped before its end."""


class QueriedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A log group that a query reads.

    Attributes:
        spans: What it shows of the store of events.
        shown_from: Older events are not shown.
    """

    account_id: str
    region: str
    name: str
    spans: tuple[FeedSpan, ...] = ()
    shown_from: int = 0

    @classmethod
    def of(cls, group: LogGroup, spans: tuple[FeedSpan, ...], now: int) -> QueriedGroup:
        """A group with those spans, as it is `now`."""
        return cls(
            account_id=group.account_id,
            region=group.region,
            name=group.name,
            spans=spans,
            shown_from=group.kept_from(now),
        )


class QueryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes:
        start: Inclusive.
        end: Exclusive.
        now: When it was asked.
        groups: None for every event of the store.
        accounts: Without groups: recipientAccountIds whose events may show; None for all.
        limit: Rows at the most where the query sets no limit; None for the usual number.
    """

    text: str
    start: int
    end: int
    now: int
    groups: tuple[QueriedGroup, ...] | None = None
    accounts: tuple[str, ...] | None = None
    limit: int | None = None


class QueryStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a query read.

    Attributes:
        records_matched: Log events that passed its filters.
        records_scanned: Log events of its groups and time.
        bytes_scanned: Of those.
    """

    records_matched: float = 0
    records_scanned: float = 0
    bytes_scanned: float = 0
    log_groups_scanned: float = 0
    result_count: float = 0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a query is.

    Attributes:
        share: 0 to 1.
        scanned: What it reads, as soon as that is known.
    """

    share: float = 0.0
    scanned: QueryStatistics = QueryStatistics()


Sink = Callable[[Sequence[Row]], None]
"""Takes rows of the result, in order, some at a time."""


class QueryRunner(Protocol):
    """Answers queries; several at once from several threads."""

    def run(
        self,
        request: QueryRequest,
        sink: Sink,
        *,
        progress: Callable[[Progress], None],
        is_wanted: Callable[[], bool],
    ) -> QueryStatistics:
        """Give all rows to `sink`.

        Args:
            progress: Called now and then.
            is_wanted: Asked now and then; False ends the query.

        Raises:
            MalformedQuery: the query cannot be compiled.
            QueryFailed: it took too much, or the store could not be read.
            QueryCancelled: it was not wanted any longer.
        """
        ...


class QueryStatus(StrEnum):
    """As GetQueryResults spells it."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMEOUT = "Timeout"


ENDED = (QueryStatus.COMPLETE, QueryStatus.FAILED, QueryStatus.CANCELLED, QueryStatus.TIMEOUT)


class QueryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A query in the book.

    Attributes:
        groups: Names of the log groups, as DescribeQueries tells them.
        created: When it was asked.
        rows: Of its result so far.
        reason: Why it failed.
        took: Milliseconds, of a query that has ended.
    """

    query_id: str
    account_id: str
    region: str
    request: QueryRequest
    groups: tuple[str, ...]
    created: int
    status: QueryStatus = QueryStatus.SCHEDULED
    statistics: QueryStatistics = QueryStatistics()
    rows: int = 0
    reason: str = ""
    took: int = 0


class QueryBook(Protocol):
    """Keeps queries and their results; several processes may use it at once.

    Every method raises Unavailable when the disk does not take or give it.
    """

    def add(self, entry: QueryEntry) -> None:
        """Durable on return: whoever runs queries finds it."""
        ...

    def find(self, account_id: str, query_id: str) -> QueryEntry | None:
        """A query of that account; None if there is none."""
        ...

    def newest(
        self,
        account_id: str,
        region: str,
        *,
        statuses: Sequence[QueryStatus],
        group: str | None,
        before: tuple[int, str] | None,
        limit: int,
    ) -> tuple[QueryEntry, ...]:
        """Queries, newest first.

        Args:
            statuses: Those to show; () for all.
            group: The name of a log group that it reads; None for any.
            before: (created, query_id) of the last one of the page before.
        """
        ...

    def unfinished(self, account_id: str) -> int:
        """How many queries of that account are scheduled or running."""
        ...

    def claim(self) -> QueryEntry | None:
        """The oldest scheduled query, which is running from now on; None if none waits."""
        ...

    def note(self, query_id: str, statistics: QueryStatistics) -> bool:
        """What a running query has read; False if it is not wanted any longer."""
        ...

    def add_rows(self, query_id: str, rows: Sequence[Row]) -> None:
        """Further rows of a result, in order."""
        ...

    def rows(self, query_id: str, first: int, most: int) -> list[Row]:
        """Rows of a result from the number `first` on; fewer than `most` where they are large."""
        ...

    def end(
        self,
        query_id: str,
        status: QueryStatus,
        *,
        statistics: QueryStatistics,
        took: int,
        reason: str = "",
    ) -> None:
        """A running query has ended; what ended otherwise meanwhile stays so."""
        ...

    def stop(self, account_id: str, query_id: str) -> bool:
        """A scheduled or running query is cancelled; False if it had ended."""
        ...

    def fail_left(self, reason: str, *, scheduled_before: int) -> int:
        """After a start: what was running, or scheduled long ago, has failed; how many."""
        ...

    def forget(self, before: int) -> int:
        """Queries asked before that are gone with their results; how many."""
        ...
