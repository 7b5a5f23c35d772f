"""The log events of a query as relations in DuckDB: open files of the store, and what is fed to it.

A query may read several groups, and of a group what it shows of the store and what PutLogEvents
brought: each is a source with a number, and the relation `base` is all of them together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opentrail.adapters.events.segments.columns import make_columns
from opentrail.adapters.events.segments.parquet import open_table
from opentrail.adapters.events.segments.schema import FIRST
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.queries.database import quoted
from opentrail.adapters.queries.views import odd_rows, shown_rows
from opentrail.logs.query.plan.fields import OF_EVENTS, Base
from opentrail.ports.queries import QueriedGroup, QueryRequest
from opentrail.trail.feeds import FeedSpan

_ACCOUNT = ("recipientAccountId",)
_SECOND = 1000
_Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """Events of the store that a query reads as one source.

    Attributes:
        number: The value of the column `src`.
        group: The group whose events these are; None for all.
        spans: What the group shows; of one organization, so that one prefix names its streams.
        start: Epoch seconds, inclusive.
        end: Epoch seconds, exclusive.
    """

    number: int
    group: QueriedGroup | None
    spans: tuple[FeedSpan, ...]
    accounts: frozenset[str] | None
    start: int
    end: int

    @property
    def log(self) -> str:
        """SQL of @log: account and group."""
        if self.group is None:
            return "recipient_account_id"
        return quoted(f"{self.group.account_id}:{self.group.name}")

    @property
    def stream(self) -> str:
        """SQL of @logStream, as trails name their streams."""
        prefix = self.spans[0].trail.organization_id if self.spans else ""
        start = quoted(f"{prefix}_") if prefix else "''"
        return f"concat({start}, recipient_account_id, '_CloudTrail_', aws_region)"


def event_sources(request: QueryRequest) -> list[EventSource]:
    """What a request reads of the store."""
    start, end = -(-request.start // _SECOND), -(-request.end // _SECOND)
    if request.groups is None:
        accounts = None if request.accounts is None else frozenset(request.accounts)
        return [
            EventSource(number=0, group=None, spans=(), accounts=accounts, start=start, end=end)
        ]
    found: list[EventSource] = []
    for group in request.groups:
        organizations = dict.fromkeys(span.trail.organization_id for span in group.spans)
        for organization in organizations:
            spans = tuple(one for one in group.spans if one.trail.organization_id == organization)
            shown_from = -(-group.shown_from // _SECOND)
            found.append(
                EventSource(
                    number=len(found),
                    group=group,
                    spans=spans,
                    accounts=None,
                    start=max(start, shown_from),
                    end=end,
                )
            )
    return found


MOST_REMEMBERED = 64 * 1024 * 1024
"""Bytes of rows that a process keeps for the next query."""

_LEAST_BYTES = 512
"""What remembering takes at the least beside the rows."""

_MOST_KEYS = 4096
"""Keys hold what trails take, which may be long."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Remembered(Generic[_Key, _Value]):
    """What was asked for last, up to a size."""

    def __init__(self, most_bytes: int) -> None:
        self.bytes = 0
        self._most_bytes = most_bytes
        self._known: dict[_Key, tuple[_Value, int]] = {}

    def get(self, key: _Key) -> _Value | None:
        """None if it is not remembered."""
        found = self._known.pop(key, None)
        if found is None:
            return None
        self._known[key] = found  # the last one asked for
        return found[0]

    def put(self, key: _Key, value: _Value, size: int) -> None:
        """Forget the longest not asked for to make room; what is too large itself is left out."""
        size += _LEAST_BYTES
        if size > self._most_bytes:
            return
        while self.bytes + size > self._most_bytes or len(self._known) >= _MOST_KEYS:
            oldest = next(iter(self._known))
            self.bytes -= self._known.pop(oldest)[1]
        self._known[key] = value, size
        self.bytes += size


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows of one segment that a source shows.

    Attributes:
        rows: In order; None for every row of the source's time.
    """

    rows: _Rows | None
    count: int
    record_bytes: int


class Selection:
    """For each source and segment the rows; remembered, as segments never change."""

    def __init__(self, most_bytes: int = MOST_REMEMBERED) -> None:
        """Begin with nothing; `most_bytes` of rows are remembered, of each kind."""
        self._known: _Remembered[tuple[object, ...], Selected] = _Remembered(most_bytes)
        self._odd: _Remembered[str, _Rows] = _Remembered(most_bytes)

    @property
    def bytes(self) -> int:
        """Of all rows that are remembered."""
        return self._known.bytes + self._odd.bytes

    def of(self, source: EventSource, segment: Segment) -> Selected:
        """The rows of the segment that the source shows.

        Raises:
            FileNotFoundError: the segment was joined with others.
        """
        first, last = segment.row_at(source.start), segment.row_at(source.end)
        key = (segment.entry.name, first, last, source.spans, source.accounts)
        found = self._known.get(key)
        if found is None:
            found = self._select(source, segment, first, last)
            self._known.put(key, found, 0 if found.rows is None else found.rows.nbytes)
        return found

    def _select(self, source: EventSource, segment: Segment, first: int, last: int) -> Selected:
        rows = np.arange(first, max(first, last))
        if source.group is not None:
            mask = shown_rows(segment, rows, self._odd_of(segment), source.spans)
        elif source.accounts is not None:
            mask = _of_accounts(segment, rows, source.accounts)
        else:
            mask = np.ones(len(rows), np.bool_)
        lengths = segment.arrays["lengths"][rows]
        count = int(np.count_nonzero(mask))
        size = int(lengths[mask].sum(dtype=np.int64))
        return Selected(None if count == len(rows) else rows[mask], count, size)

    def _odd_of(self, segment: Segment) -> _Rows:
        name = segment.entry.name
        found = self._odd.get(name)
        if found is None:
            found = odd_rows(segment, has_file=bool(segment.entry.bytes[2]))
            self._odd.put(name, found, found.nbytes)
        return found


def _of_accounts(segment: Segment, rows: _Rows, accounts: frozenset[str]) -> npt.NDArray[np.bool_]:
    texts = segment.texts(_ACCOUNT)
    wanted = np.zeros(len(texts) + FIRST, np.bool_)
    for account in accounts:
        number = texts.find(account)
        if number is not None:
            wanted[number + FIRST] = True
    found: npt.NDArray[np.bool_] = wanted[segment.codes(_ACCOUNT)[rows]]
    return found


class RecentTables:
    """Segments that have no open file yet, as the tables that those would hold."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tables: dict[str, pa.Table] = {}

    def of(self, segments: Sequence[Segment]) -> list[pa.Table]:
        """Their tables; those of segments that are not asked for again are forgotten."""
        kept = {one.entry.name: self._tables.get(one.entry.name) for one in segments}
        self._tables = {one.entry.name: kept[one.entry.name] or self._made(one) for one in segments}
        return list(self._tables.values())

    def _made(self, segment: Segment) -> pa.Table:
        raws = list(segment.records.all())
        columns = make_columns(raws, arrived=segment.times.astype(np.int64), seed=self._seed)
        return open_table(columns, raws)


@dataclass(frozen=True, slots=True)
class Scanned:
    """How much the sources hold."""

    records: int
    bytes: int


class Stored:
    """The store's part of a query: views over its open files.

    Attributes:
        segments: By the number in the column `seg`.
    """

    def __init__(
        self,
        sources: Sequence[EventSource],
        segments: Sequence[Segment],
        selection: Selection,
        unreadable: Collection[str] = (),
    ) -> None:
        """Choose the rows.

        Args:
            unreadable: Names of segments whose open files are not to be read.
        """
        self.sources = sources
        possible = [
            one
            for one in segments
            if any(one.entry.newest >= of.start and one.entry.oldest < of.end for of in sources)
        ]
        chosen = {
            (of.number, one.entry.number): selection.of(of, one)
            for of in sources
            for one in possible
        }
        read = [
            one
            for one in possible
            if any(chosen[of.number, one.entry.number].count for of in sources)
        ]
        # Those with open files come first: the number of a file is that of its segment.
        self.segments = sorted(read, key=lambda one: not _has_file(one, unreadable))
        self._files = sum(_has_file(one, unreadable) for one in read)
        self.selected = {
            (of.number, place): chosen[of.number, one.entry.number]
            for of in sources
            for place, one in enumerate(self.segments)
        }
        self.scanned = Scanned(
            sum(one.count for one in self.selected.values()),
            sum(one.record_bytes for one in self.selected.values()),
        )

    @property
    def files(self) -> list[Path]:
        """The open files, by the number of their segments."""
        return [one.parquet for one in self.segments[: self._files]]

    def create_views(
        self,
        connection: duckdb.DuckDBPyConnection,
        links: Sequence[Path],
        recent: RecentTables,
    ) -> None:
        """`events`: the rows of the sources, as `base` has them.

        Args:
            links: The open files within the engine's own directory.
        """
        self._create_stored(connection, "stored", links, recent, range(len(self.segments)))
        shown = [self._view_of(connection, source) for source in self.sources]
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW events AS "
            + (" UNION ALL ".join(shown) or f"SELECT {_PLAIN} FROM stored")
        )

    def create_late_view(
        self,
        connection: duckdb.DuckDBPyConnection,
        links: Sequence[Path],
        recent: RecentTables,
        places: Sequence[int],
    ) -> None:
        """`late_events`: all rows of some segments for each source, whether shown or not."""
        self._create_stored(connection, "late_stored", links, recent, places)
        views = [
            f"SELECT {source.number}::INTEGER AS src, {source.log} AS log, "
            f"{source.stream} AS stream, {_PLAIN_EVENTS} FROM late_stored"
            for source in self.sources
        ]
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW late_events AS " + " UNION ALL ".join(views)
        )

    def _create_stored(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        links: Sequence[Path],
        recent: RecentTables,
        places: Sequence[int],
    ) -> None:
        """Every row of the segments at those places, with the numbers `seg` and `rw`."""
        parts = []
        # Newest first: of the newest rows DuckDB then leaves out all files that are older.
        files = sorted((place for place in places if place < len(links)), reverse=True)
        if files:
            listed = ", ".join(quoted(str(links[place])) for place in files)
            number = f"{files[0]} - file_index"
            if len(files) != files[0] + 1:
                number = f"list_value({', '.join(map(str, files))})[(file_index + 1)::BIGINT]"
            parts.append(
                f"SELECT ({number})::INTEGER AS seg, file_row_number::BIGINT AS rw, "
                f"epoch_ms(event_time)::BIGINT AS t, * FROM read_parquet([{listed}])"
            )
        others = [place for place in places if place >= len(links)]
        if others:
            tables = recent.of(self.segments[len(links) :])
            chosen = {place: tables[place - len(links)] for place in others}
            connection.register(f"{name}_recent", _numbered(chosen))
            parts.append(
                "SELECT seg, rw, epoch_ms(event_time)::BIGINT AS t, * EXCLUDE (seg, rw) "
                f"FROM {name}_recent"
            )
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS "
            + (" UNION ALL BY NAME ".join(parts) or _EMPTY)
        )

    def _view_of(self, connection: duckdb.DuckDBPyConnection, source: EventSource) -> str:
        conditions = []
        if any(one.entry.oldest < source.start for one in self.segments):
            conditions.append(f"event_time >= to_timestamp({source.start})")
        if any(one.entry.newest >= source.end for one in self.segments):
            conditions.append(f"event_time < to_timestamp({source.end})")
        partial = {
            place: rows
            for place in range(len(self.segments))
            if (rows := self.selected[source.number, place].rows) is not None
        }
        if partial:
            name = f"shown_{source.number}"
            connection.register(name, self._keys(source, partial))
            key = "(seg::BIGINT << 32 | rw)"
            conditions.append(f"{key} IN (SELECT k FROM {name})")
        return (
            f"SELECT {source.number}::INTEGER AS src, {source.log} AS log, "
            f"{source.stream} AS stream, {_PLAIN_EVENTS} FROM stored "
            f"WHERE {' AND '.join(conditions) or 'true'}"
        )

    def _keys(self, source: EventSource, partial: dict[int, _Rows]) -> pa.Table:
        """The rows that are shown, of all segments, if some are not."""
        parts = []
        for place, segment in enumerate(self.segments):
            rows = partial.get(place)
            if rows is None:
                rows = np.arange(segment.row_at(source.start), segment.row_at(source.end))
            parts.append(np.int64(place) << np.int64(32) | rows.astype(np.int64))
        return pa.table({"k": np.concatenate(parts)})


def _has_file(segment: Segment, unreadable: Collection[str]) -> bool:
    return bool(segment.entry.bytes[2]) and segment.entry.name not in unreadable


_EVENT_COLUMNS = ", ".join(sorted(OF_EVENTS))
_PLAIN_EVENTS = (
    f"seg, rw, t, {_EVENT_COLUMNS}, NULL::VARCHAR AS {Base.MESSAGE}, "
    f"NULL::BIGINT AS {Base.INGESTED}, NULL::VARCHAR AS {Base.JSON}"
)
_PLAIN = f"0::INTEGER AS src, '' AS log, '' AS stream, {_PLAIN_EVENTS}"
_EMPTY_COLUMNS = ", ".join(
    f"NULL::{'TIMESTAMPTZ' if one == 'event_time' else 'VARCHAR'} AS {one}"
    for one in sorted(OF_EVENTS)
)
_EMPTY = f"SELECT 0::INTEGER AS seg, 0::BIGINT AS rw, 0::BIGINT AS t, {_EMPTY_COLUMNS} WHERE false"


def _numbered(tables: dict[int, pa.Table]) -> pa.Table:
    numbered = []
    for number, table in tables.items():
        seg = pa.array(np.full(len(table), number, np.int32))
        rows = pa.array(np.arange(len(table), dtype=np.int64))
        plain = pa.table(
            {
                name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )
        numbered.append(plain.append_column("seg", seg).append_column("rw", rows))
    return pa.concat_tables(numbered)
