"""Answering a query: which rows, then what is shown of them.

`main` finds the rows from columns; where a query computes with the records' own text, records are
fed to it, those alone that pass what columns can tell. What is only shown is read for the shown
rows (docs/decisions/0016-logs-insights.md).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from opentrail.adapters.events.catalog import Catalog
from opentrail.adapters.events.segments.records import Dictionaries
from opentrail.adapters.events.snapshot import Snapshots
from opentrail.adapters.queries.database import Limits, open_database
from opentrail.adapters.queries.feeding import (
    BATCH_ROWS,
    Messages,
    columns_of,
    own_batches,
    record_batches,
    schema,
)
from opentrail.adapters.queries.relations import (
    EventSource,
    RecentTables,
    Scanned,
    Selection,
    Stored,
    event_sources,
)
from opentrail.adapters.queries.scratch import Scratch
from opentrail.adapters.queries.shown import Shown, parameters_in
from opentrail.adapters.queries.window import Window
from opentrail.errors import IntegrityError
from opentrail.logs.names import GroupKey
from opentrail.logs.query.clusters import clustered
from opentrail.logs.query.parser import parse
from opentrail.logs.query.plan.fields import FROM_RECORDS, Holds
from opentrail.logs.query.plan.plan import Clustering, Matched, Plan
from opentrail.logs.query.plan.planning import plan
from opentrail.logs.query.plan.scope import Moments
from opentrail.logs.query.tree import Query
from opentrail.ports.log_events import LogEventStore
from opentrail.ports.queries import (
    Progress,
    QueryCancelled,
    QueryFailed,
    QueryRequest,
    QueryStatistics,
    Row,
    Sink,
)

_TRIES = 5
_NOT_READ = re.compile(r'Invalid string encoding found in Parquet file "[^"]*/([^/"]+)\.parquet"')


class _FileNotRead(Exception):
    """DuckDB does not take an open file's texts.

    Attributes:
        name: Of the segment.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class QueryEngine:
    """Runs queries in this process, one after the other; see Run for one of them."""

    def __init__(
        self, events: Path, log_events: LogEventStore, directory: Path, limits: Limits
    ) -> None:
        """Open the store.

        Args:
            events: Its directory.
            directory: Where queries may leave files while they run.
        """
        events.mkdir(mode=0o700, parents=True, exist_ok=True)
        catalog = Catalog(events / "catalog.sqlite")
        self._snapshots = Snapshots(events, catalog, Dictionaries(events))
        self._selection = Selection()
        self._connections: list[duckdb.DuckDBPyConnection] = []
        self.recent = RecentTables(catalog.seed)
        self.unreadable: set[str] = set()
        self.log_events = log_events
        self.limits = limits
        self.own = Scratch(directory)

    def warm(self) -> None:
        """Make ready what the first query would wait for."""
        self.connection(0)

    def start(self, request: QueryRequest) -> Run:
        """The run of a query, not begun."""
        return Run(self, request)

    def stored(self, sources: list[EventSource]) -> Stored:
        """What the store holds for those sources, as of now."""
        segments = self._snapshots.newest().segments
        return Stored(sources, segments, self._selection, self.unreadable)

    def connection(self, number: int) -> duckdb.DuckDBPyConnection:
        """A database of its own; the same at the next call, with nothing of the query before."""
        while len(self._connections) <= number:
            self._connections.append(open_database(self.limits, self.own))
        connection = self._connections[number]
        for name in _VIEWS:
            connection.execute(f"DROP VIEW IF EXISTS {name}")
        for name in _REGISTERED:
            connection.unregister(name)
        connection.execute("DROP TABLE IF EXISTS late_rows")
        return connection

    def forget_connections(self) -> None:
        """After a query that did not end well: what it left is not to be seen again."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def close(self) -> None:
        """No query runs any more."""
        self.forget_connections()
        self.own.close()


_VIEWS = ("late", "late_events", "late_stored", "base", "events", "stored")
_REGISTERED = ("base", "patterns", "late_keys", "late_part", "stored_recent", "late_stored_recent")


@dataclass(slots=True)
class Run:
    """One query; `interrupt` and `progress` may be called from other threads.

    Attributes:
        columns: Of the result, in order, as soon as there are rows.
    """

    engine: QueryEngine
    request: QueryRequest
    columns: tuple[str, ...] = ()
    _connections: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _interrupted: bool = False
    _given: bool = False
    _scanned: Scanned = field(default_factory=lambda: Scanned(0, 0))

    def interrupt(self) -> None:
        """End it soon."""
        with self._lock:
            self._interrupted = True
            for connection in self._connections:
                connection.interrupt()

    def progress(self) -> Progress:
        """How far it is."""
        share = 0.0
        with self._lock:
            for connection in self._connections[:1]:
                with suppress(duckdb.Error):
                    share = max(connection.query_progress() / 100, 0.0)
        return Progress(share=min(share, 1.0), scanned=self._statistics(0, 0))

    def answer(self, sink: Sink) -> QueryStatistics:
        """Give all rows to `sink`.

        Raises:
            MalformedQuery: it cannot be compiled.
            QueryFailed: it took too much, or the store could not be read.
            QueryCancelled: it was interrupted.
        """
        query = parse(self.request.text)
        while True:
            try:
                return self._attempt(query, sink)
            except _FileNotRead as problem:
                # Written before texts were made sure of: its records are read instead.
                self.engine.unreadable.add(problem.name)

    def _attempt(self, query: Query, sink: Sink) -> QueryStatistics:
        is_well = False
        try:
            counts = self._answer(query, sink)
            is_well = True
        except duckdb.OutOfMemoryException as cause:
            raise QueryFailed(_short(f"the query needs too much memory: {cause}")) from cause
        except (duckdb.Error, pa.ArrowException, IntegrityError) as cause:
            if self._interrupted:
                raise QueryCancelled("the query was stopped") from None
            self._raise_for_file(str(cause))
            raise QueryFailed(_short(str(cause))) from cause
        finally:
            with self._lock:
                self._connections.clear()
            if not is_well:
                self.engine.forget_connections()
        return counts

    def _raise_for_file(self, message: str) -> None:
        found = _NOT_READ.search(message)
        if found and found[1] not in self.engine.unreadable and not self._given:
            raise _FileNotRead(found[1]) from None

    def _answer(self, query: Query, sink: Sink) -> QueryStatistics:
        request = self.request
        holds = self._holds()
        moments = Moments(now=request.now, start=request.start, end=request.end)
        planned = plan(query, holds, moments, limit=request.limit)
        self.columns = tuple(cell.name for cell in planned.cells)
        window = self._window(event_sources(request), request.start, request.end)
        self._scanned = window.stored.scanned
        matched = 0
        if planned.clustering is not None:
            matched = self._cluster(planned, planned.clustering, window, holds)
        else:
            self._offer_base(planned, window, holds)
        rows = _execute(window.connection, planned.main, planned).to_arrow_table()
        shown = Shown(planned, request, window, self.engine.limits.result_bytes)
        count = shown.give(rows, self._checked(sink))
        if planned.matched is Matched.ALL:
            matched = self._scanned.records
        elif planned.matched is Matched.COLUMN:
            matched = int(rows.column("matched")[0].as_py()) if rows.num_rows else 0
        return self._statistics(matched, count)

    def _holds(self) -> Holds:
        """Groups may hold events of their own, which only reading them tells."""
        groups = self.request.groups
        if groups is None:
            return Holds.EVENTS
        fed = any(group.spans for group in groups)
        own = any(self.engine.log_events.streams(key) for key in _own_groups(self.request))
        if not own:
            return Holds.EVENTS
        return Holds.BOTH if fed else Holds.MESSAGES

    def _window(self, sources: list[EventSource], start: int, end: int) -> Window:
        stored, links = self._linked(sources)
        window = Window(
            stored=stored,
            links=links,
            recent=self.engine.recent,
            messages=Messages(stored.segments),
            connection=self._connect(0),
            start=start,
            end=end,
        )
        window.create_views(window.connection)
        return window

    def _linked(self, sources: list[EventSource]) -> tuple[Stored, list[Path]]:
        for _ in range(_TRIES):
            # What was joined with others since is in the next snapshot.
            with suppress(FileNotFoundError):
                stored = self.engine.stored(sources)
                return stored, self.engine.own.link(stored.files)
        raise QueryFailed("the store's files change too fast; try again")

    def _connect(self, number: int) -> duckdb.DuckDBPyConnection:
        connection = self.engine.connection(number)
        with self._lock:
            if self._interrupted:
                raise QueryCancelled("the query was stopped")
            self._connections.append(connection)
        return connection

    def _offer_base(self, planned: Plan, window: Window, holds: Holds) -> None:
        """`base`: the view `events`, or what is fed with records and events; read once."""
        if holds is Holds.EVENTS and not planned.columns & FROM_RECORDS:
            window.connection.execute("CREATE OR REPLACE TEMP VIEW base AS SELECT * FROM events")
            return
        shown = {"msg"} if planned.shows_messages else set()
        columns = columns_of(planned.columns | shown)

        def batches() -> Iterator[pa.RecordBatch]:
            if holds is not Holds.MESSAGES:
                yield from self._records(planned, window, columns)
            if holds is not Holds.EVENTS:
                yield from own_batches(
                    self.engine.log_events,
                    self.request.groups or (),
                    len(window.stored.sources),
                    (window.start, window.end),
                    columns,
                    self._saw,
                )

        reader = pa.RecordBatchReader.from_batches(schema(columns), self._watched(batches()))
        window.connection.register("base", reader)

    def _records(
        self, planned: Plan, window: Window, columns: list[str]
    ) -> Iterator[pa.RecordBatch]:
        """Rows of the store that columns do not rule out, with what only records tell."""
        inner = self._connect(1)
        window.create_views(inner)
        where = f" WHERE {planned.narrow}" if planned.narrow else ""
        rows = _execute(inner, f"SELECT {', '.join(columns)} FROM events{where}", planned)
        batches = rows.to_arrow_reader(BATCH_ROWS)
        if planned.columns & FROM_RECORDS:
            yield from record_batches(batches, columns, window.messages)
        else:
            shape = schema(columns)
            for batch in batches:
                yield batch.cast(shape)

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self._interrupted:
                raise QueryCancelled("the query was stopped")
            yield batch

    def _saw(self, records: int, size: int) -> None:
        self._scanned = Scanned(self._scanned.records + records, self._scanned.bytes + size)

    def _cluster(self, planned: Plan, clustering: Clustering, window: Window, holds: Holds) -> int:
        """`patterns` is what clustering the texts gives; how many texts there were."""
        now = self._shapes(planned, clustering, window, holds)
        before = None
        if clustering.compares:
            start = window.start - (window.end - window.start)
            moved = msgspec.structs.replace(self.request, start=start, end=window.start)
            earlier = self._window(event_sources(moved), start, window.start)
            before = self._shapes(planned, clustering, earlier, holds)
        window.connection.register("patterns", pa.table(clustered(now, before)))
        return sum(count for _, _, count in now)

    def _shapes(
        self, planned: Plan, clustering: Clustering, window: Window, holds: Holds
    ) -> list[tuple[str, str, int]]:
        self._offer_base(planned, window, holds)
        found = _execute(window.connection, clustering.sql, planned).fetchall()
        return [(str(shape), str(sample), int(count)) for shape, sample, count in found]

    def _checked(self, sink: Sink) -> Sink:
        def give(rows: Sequence[Row]) -> None:
            if self._interrupted:
                raise QueryCancelled("the query was stopped")
            self._given = True
            sink(rows)

        return give

    def _statistics(self, matched: int, count: int) -> QueryStatistics:
        groups = self.request.groups
        return QueryStatistics(
            records_matched=float(matched),
            records_scanned=float(self._scanned.records),
            bytes_scanned=float(self._scanned.bytes),
            log_groups_scanned=float(1 if groups is None else len(groups)),
            result_count=float(count),
        )


def _own_groups(request: QueryRequest) -> list[GroupKey]:
    return [GroupKey(one.account_id, one.region, one.name) for one in request.groups or ()]


def _execute(
    connection: duckdb.DuckDBPyConnection, sql: str, planned: Plan
) -> duckdb.DuckDBPyConnection:
    return connection.execute(sql, parameters_in(sql, planned))


def _short(message: str) -> str:
    """The first line, without what DuckDB adds of the statement."""
    return message.split("\n", 1)[0][:500]
