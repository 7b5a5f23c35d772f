"""Queries are run, stopped, timed out and forgotten."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.queries.book import SqliteQueryBook
from opentrail.clock import ManualClock
from opentrail.errors import Unavailable
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import (
    Progress,
    QueryCancelled,
    QueryEntry,
    QueryFailed,
    QueryRequest,
    QueryStatistics,
    QueryStatus,
    Sink,
)
from opentrail.workers.queries import KEPT, LEFT, TIME_OUT, QueryKeeper, QueryWorker

ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Runner:
    """Does as it is told."""

    def __init__(self, act: Callable[[Sink, Callable[[], bool]], None]) -> None:
        self.act = act

    def run(
        self,
        request: QueryRequest,
        sink: Sink,
        *,
        progress: Callable[[Progress], None],
        is_wanted: Callable[[], bool],
    ) -> QueryStatistics:
        progress(Progress(share=0.5, scanned=QueryStatistics(records_scanned=7)))
        self.act(sink, is_wanted)
        return QueryStatistics(records_scanned=9, result_count=1)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteQueryBook]:
    found = SqliteQueryBook(tmp_path / "queries.sqlite")
    yield found
    found.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def _add(book: SqliteQueryBook, clock: ManualClock, query_id: str = "q") -> None:
    created = int(clock.now().timestamp() * 1000)
    request = QueryRequest(text="limit 1", start=0, end=1, now=created)
    book.add(
        QueryEntry(
            query_id=query_id, account_id=ACCOUNT, region="us-east-1", request=request,
            groups=("g",), created=created,
        )
    )  # fmt: skip


def _entry(book: SqliteQueryBook, query_id: str = "q") -> QueryEntry:
    found = book.find(ACCOUNT, query_id)
    assert found is not None
    return found


def test_a_query_is_run_to_its_end(book: SqliteQueryBook, clock: ManualClock) -> None:
    _add(book, clock)

    def act(sink: Sink, _: Callable[[], bool]) -> None:
        sink([[("a", str(n))] for n in range(2500)])
        clock.advance(timedelta(seconds=3))

    worker = QueryWorker(book, Runner(act), clock)
    assert (worker.step(), worker.step()) == (1, 0)

    found = _entry(book)
    assert (found.status, found.rows, found.took) == (QueryStatus.COMPLETE, 2500, 3000)
    assert found.statistics.records_scanned == 9


@pytest.mark.parametrize(
    "problem", [QueryFailed("too much"), MalformedQuery("wrong", 0, 1)], ids=["failed", "malformed"]
)
def test_a_query_that_fails_says_why(
    book: SqliteQueryBook, clock: ManualClock, problem: Exception
) -> None:
    _add(book, clock)

    def act(_: Sink, __: Callable[[], bool]) -> None:
        raise problem

    QueryWorker(book, Runner(act), clock).step()

    found = _entry(book)
    assert (found.status, found.reason) == (QueryStatus.FAILED, str(problem))
    assert found.statistics.records_scanned == 7


@pytest.mark.parametrize("problem", [OSError(24, "Too many open files"), RuntimeError("odd")])
def test_a_query_ends_whatever_its_run_meets(
    book: SqliteQueryBook, clock: ManualClock, problem: Exception
) -> None:
    _add(book, clock)

    def act(_: Sink, __: Callable[[], bool]) -> None:
        raise problem

    assert QueryWorker(book, Runner(act), clock).step() == 1

    found = _entry(book)
    assert (found.status, found.reason) == (QueryStatus.FAILED, f"it could not be run: {problem}")


def test_an_end_that_the_book_does_not_take_is_told_later(
    book: SqliteQueryBook, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(book, clock)

    def full(*_: Any, **__: Any) -> None:
        raise Unavailable("no space left")

    worker = QueryWorker(book, Runner(lambda _sink, _is_wanted: None), clock)
    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(book, "end", full)
        worker.step()
    assert _entry(book).status is QueryStatus.RUNNING

    assert worker.step() == 0
    assert _entry(book).status is QueryStatus.COMPLETE


def _until_unwanted(clock: ManualClock, step: timedelta) -> Callable[..., None]:
    def act(_: Sink, is_wanted: Callable[[], bool]) -> None:
        while is_wanted():
            clock.advance(step)
        raise QueryCancelled("stopped")

    return act


def test_a_query_that_takes_too_long_is_timed_out(
    book: SqliteQueryBook, clock: ManualClock
) -> None:
    _add(book, clock)

    QueryWorker(book, Runner(_until_unwanted(clock, timedelta(minutes=1))), clock).step()

    assert _entry(book).status is QueryStatus.TIMEOUT
    assert clock.now() - NOW <= TIME_OUT + timedelta(minutes=1)


def test_a_query_that_is_stopped_ends(book: SqliteQueryBook, clock: ManualClock) -> None:
    _add(book, clock)

    def act(sink: Sink, is_wanted: Callable[[], bool]) -> None:
        book.stop(ACCOUNT, "q")
        _until_unwanted(clock, timedelta(seconds=2))(sink, is_wanted)

    QueryWorker(book, Runner(act), clock).step()

    assert _entry(book).status is QueryStatus.CANCELLED
    assert clock.now() - NOW < timedelta(seconds=10)


def test_what_runs_when_everything_stops_is_told_at_the_next_start(
    book: SqliteQueryBook, clock: ManualClock
) -> None:
    _add(book, clock)
    worker: QueryWorker

    def act(sink: Sink, is_wanted: Callable[[], bool]) -> None:
        worker.stop()
        _until_unwanted(clock, timedelta(seconds=1))(sink, is_wanted)

    worker = QueryWorker(book, Runner(act), clock)
    worker.step()
    assert _entry(book).status is QueryStatus.RUNNING

    QueryKeeper(book, clock).settle()

    assert (_entry(book).status, _entry(book).reason) == (QueryStatus.FAILED, LEFT)


def test_results_are_kept_for_seven_days(book: SqliteQueryBook, clock: ManualClock) -> None:
    keeper = QueryKeeper(book, clock)
    _add(book, clock, "old")
    clock.advance(timedelta(days=1))
    _add(book, clock, "new")

    clock.advance(KEPT - timedelta(hours=12))
    assert keeper.step() == 1
    assert keeper.step() == 0

    assert book.find(ACCOUNT, "old") is None
    assert book.find(ACCOUNT, "new") is not None
