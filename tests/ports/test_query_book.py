"""What every book of queries promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opentrail.adapters.queries.book import SqliteQueryBook
from opentrail.ports.queries import (
    QueryBook,
    QueryEntry,
    QueryRequest,
    QueryStatistics,
    QueryStatus,
    Row,
)

ACCOUNT, OTHER = "111122223333", "444455556666"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteQueryBook]:
    found = SqliteQueryBook(tmp_path / "queries.sqlite")
    yield found
    found.close()


def _entry(number: int, *, account: str = ACCOUNT, groups: tuple[str, ...] = ("g",)) -> QueryEntry:
    request = QueryRequest(text=f"limit {number}", start=0, end=1000, now=5)
    return QueryEntry(
        query_id=f"q{number}", account_id=account, region="us-east-1", request=request,
        groups=groups, created=1000 + number,
    )  # fmt: skip


def _newest(book: QueryBook, **values: object) -> list[str]:
    asked = {"statuses": (), "group": None, "before": None, "limit": 10} | values
    return [one.query_id for one in book.newest(ACCOUNT, "us-east-1", **asked)]  # type: ignore[arg-type]


def test_a_query_is_found_by_its_account_alone(book: QueryBook) -> None:
    book.add(_entry(1))

    assert book.find(ACCOUNT, "q1") == _entry(1)
    assert book.find(OTHER, "q1") is None
    assert book.find(ACCOUNT, "q2") is None


def test_the_oldest_is_claimed_first_and_once(book: QueryBook) -> None:
    for number in (2, 1):
        book.add(_entry(number))

    claimed = [book.claim(), book.claim(), book.claim()]

    assert [one and one.query_id for one in claimed] == ["q1", "q2", None]
    assert claimed[0] is not None
    assert claimed[0].status is QueryStatus.RUNNING
    assert claimed[0].request == _entry(1).request
    assert book.unfinished(ACCOUNT) == 2
    assert book.unfinished(OTHER) == 0


def test_a_result_is_read_from_any_row(book: QueryBook) -> None:
    book.add(_entry(1))
    book.claim()
    rows: list[Row] = [[("n", str(number)), ("é", "x" * number)] for number in range(25)]
    for start in range(0, 25, 10):
        book.add_rows("q1", rows[start : start + 10])
    statistics = QueryStatistics(records_matched=25, result_count=25)
    book.end("q1", QueryStatus.COMPLETE, statistics=statistics, took=7)

    found = book.find(ACCOUNT, "q1")

    assert found is not None
    assert (found.status, found.rows, found.took) == (QueryStatus.COMPLETE, 25, 7)
    assert found.statistics == statistics
    assert book.rows("q1", 0, 100) == rows
    assert book.rows("q1", 8, 5) == rows[8:13]
    assert book.rows("q1", 25, 5) == []


def test_what_was_stopped_stays_so(book: QueryBook) -> None:
    for number in (1, 2):
        book.add(_entry(number))
    book.claim()

    assert not book.stop(OTHER, "q1")
    assert book.stop(ACCOUNT, "q1")
    assert book.stop(ACCOUNT, "q2")
    assert not book.stop(ACCOUNT, "q1")
    assert not book.note("q1", QueryStatistics())
    book.end("q1", QueryStatus.COMPLETE, statistics=QueryStatistics(), took=1)

    found = book.find(ACCOUNT, "q1")
    assert found is not None
    assert found.status is QueryStatus.CANCELLED
    assert book.claim() is None


def test_what_has_been_read_shows_while_it_runs(book: QueryBook) -> None:
    book.add(_entry(1))
    book.claim()

    assert book.note("q1", QueryStatistics(records_scanned=5))

    found = book.find(ACCOUNT, "q1")
    assert found is not None
    assert found.statistics.records_scanned == 5


def test_queries_are_listed_newest_first(book: QueryBook) -> None:
    for number in range(5):
        book.add(_entry(number, groups=("g", "h") if number % 2 else ("g",)))
    book.add(_entry(9, account=OTHER))
    book.claim()

    assert _newest(book) == ["q4", "q3", "q2", "q1", "q0"]
    assert _newest(book, limit=2) == ["q4", "q3"]
    assert _newest(book, before=(1003, "q3")) == ["q2", "q1", "q0"]
    assert _newest(book, group="h") == ["q3", "q1"]
    assert _newest(book, statuses=(QueryStatus.RUNNING,)) == ["q0"]


def test_what_a_stop_left_is_told_as_failed(book: QueryBook) -> None:
    for number in (1, 2, 900):
        book.add(_entry(number))
    book.claim()

    assert book.fail_left("stopped", scheduled_before=1500) == 2

    statuses = [book.find(ACCOUNT, f"q{number}") for number in (1, 2, 900)]
    assert [one and one.status.value for one in statuses] == ["Failed", "Failed", "Scheduled"]
    assert statuses[0] is not None
    assert statuses[0].reason == "stopped"


def test_old_queries_are_forgotten_with_their_rows(book: QueryBook) -> None:
    for number in (1, 2):
        book.add(_entry(number))
        book.claim()
        book.add_rows(f"q{number}", [[("a", "b")]])

    assert book.forget(1002) == 1

    assert book.find(ACCOUNT, "q1") is None
    assert book.rows("q1", 0, 5) == []
    assert book.rows("q2", 0, 5) == [[("a", "b")]]
