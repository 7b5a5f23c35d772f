"""Runs the queries of Logs Insights: one at a time in each worker, the oldest first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.errors import Unavailable
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import (
    Progress,
    QueryBook,
    QueryCancelled,
    QueryEntry,
    QueryFailed,
    QueryRunner,
    QueryStatistics,
    QueryStatus,
    Row,
)

TIME_OUT = timedelta(minutes=60)
"""As AWS [doc]."""
KEPT = timedelta(days=7)
"""Results, as AWS [doc]."""
_FORGETS_EVERY = timedelta(hours=1)
_NOTES_EVERY = timedelta(seconds=1)
_LEFT_AFTER = timedelta(minutes=1)
_PART_ROWS = 1000
LEFT = "OpenTrail was stopped while the query ran"

_log = structlog.get_logger()


class QueryWorker:
    """Takes queries from the book."""

    def __init__(self, book: QueryBook, runner: QueryRunner, clock: Clock) -> None:
        self._book = book
        self._runner = runner
        self._clock = clock
        self._stopping = threading.Event()
        self._ended: _Ended | None = None

    def step(self) -> int:
        """Run the oldest waiting query to its end; 0 if none waits.

        Raises:
            Unavailable: the book does not take or give it; an end is told at the next step.
        """
        self._tell()
        entry = self._book.claim()
        if entry is None:
            return 0
        self._ended = _Running(self._book, self._clock, entry, self._stopping).run(self._runner)
        self._tell()
        return 1

    def _tell(self) -> None:
        if self._ended is not None:
            self._ended.tell(self._book)
            self._ended = None

    def stop(self) -> None:
        """End the query that runs; it is told as failed at the next start."""
        self._stopping.set()


class QueryKeeper:
    """Tells of queries that a stop has ended, and forgets old ones."""

    def __init__(self, book: QueryBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._forgets_at = clock.now()

    def settle(self) -> int:
        """At a start, before anything runs: what was running has failed; how many."""
        before = epoch_milliseconds(self._clock.now() - _LEFT_AFTER)
        return self._book.fail_left(LEFT, scheduled_before=before)

    def step(self) -> int:
        """Forget what is too old, now and then; how many that were."""
        now = self._clock.now()
        if now < self._forgets_at:
            return 0
        self._forgets_at = now + _FORGETS_EVERY
        return self._book.forget(epoch_milliseconds(now - KEPT))


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a query ended."""

    query_id: str
    status: QueryStatus
    statistics: QueryStatistics
    took: int
    reason: str

    def tell(self, book: QueryBook) -> None:
        """To the book, and to the log."""
        book.end(
            self.query_id,
            self.status,
            statistics=self.statistics,
            took=self.took,
            reason=self.reason,
        )
        _log.info(
            "query_ended",
            query=self.query_id,
            status=self.status.value,
            rows=int(self.statistics.result_count),
            records=int(self.statistics.records_scanned),
            took=self.took,
            reason=self.reason,
        )


@dataclass(slots=True)
class _Running:
    """A query on its way through."""

    book: QueryBook
    clock: Clock
    entry: QueryEntry
    stopping: threading.Event

    def run(self, runner: QueryRunner) -> _Ended | None:
        """How it ended; None if the process is to end before that."""
        began = self.clock.now()
        watch = _Watch(self, began)
        statistics = QueryStatistics()
        reason = ""
        try:
            statistics = runner.run(
                self.entry.request,
                self._take,
                progress=watch.progress,
                is_wanted=watch.is_wanted,
            )
            status = QueryStatus.COMPLETE
        except QueryCancelled:
            if self.stopping.is_set():
                return None
            status = QueryStatus.TIMEOUT if watch.is_over else QueryStatus.CANCELLED
        except (QueryFailed, MalformedQuery, Unavailable) as problem:
            status, reason = QueryStatus.FAILED, str(problem)
        except Exception as problem:  # noqa: BLE001 - the outermost of a query
            # Whoever asked would wait for ever for what is told to the log alone.
            status, reason = QueryStatus.FAILED, f"it could not be run: {problem}"
            _log.exception("query_failed", query=self.entry.query_id)
        statistics = statistics if status is QueryStatus.COMPLETE else watch.scanned
        took = epoch_milliseconds(self.clock.now()) - epoch_milliseconds(began)
        return _Ended(self.entry.query_id, status, statistics, took, reason)

    def _take(self, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), _PART_ROWS):
            self.book.add_rows(self.entry.query_id, rows[start : start + _PART_ROWS])


class _Watch:
    """Whether a query is still wanted, and what it has read so far."""

    def __init__(self, running: _Running, began: datetime) -> None:
        self._running = running
        self._ends = began + TIME_OUT
        self._noted_at = began
        self._is_wanted = True
        self.scanned = QueryStatistics()
        self.is_over = False

    def progress(self, progress: Progress) -> None:
        self.scanned = progress.scanned

    def is_wanted(self) -> bool:
        running = self._running
        now = running.clock.now()
        self.is_over = now > self._ends
        if running.stopping.is_set() or self.is_over:
            return False
        if now - self._noted_at > _NOTES_EVERY:
            self._noted_at = now
            self._is_wanted = running.book.note(running.entry.query_id, self.scanned)
        return self._is_wanted
