"""Queries in processes of their own."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from insights_world import record
from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.queries import children
from opentrail.adapters.queries.children import ChildQueryRunner
from opentrail.adapters.queries.messages import Begin
from opentrail.clock import SystemClock
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import (
    Progress,
    QueryCancelled,
    QueryFailed,
    QueryRequest,
    QueryStatistics,
    Row,
)

pytestmark = pytest.mark.contract

MB = 1024 * 1024


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("children")
    store = SegmentEventStore(found / "events", SystemClock())
    store.append([record(n, more="x" * 500) for n in range(3000)])
    store.close()
    return found


@pytest.fixture
def runner(data: Path) -> Iterator[ChildQueryRunner]:
    found = ChildQueryRunner(
        Begin(
            events=str(data / "events"), log_events=str(data / "log-events.sqlite"),
            directory=str(data / "queries"), memory_bytes=128 * MB, spill_bytes=512 * MB,
            result_bytes=64 * MB, threads=2, data_bytes=1024 * MB,
        )
    )  # fmt: skip
    yield found
    found.close()
    assert not list((data / "queries").iterdir())


def _run(
    runner: ChildQueryRunner,
    query: str,
    *,
    is_wanted: Callable[[], bool] = lambda: True,
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[list[Row], QueryStatistics]:
    rows: list[Row] = []
    request = QueryRequest(text=query, start=0, end=4_000_000_000_000, now=0)
    found = runner.run(request, rows.extend, progress=progress, is_wanted=is_wanted)
    return rows, found


COLLECTING = (
    "fields split(@message, '') as l | unnest l into a | unnest l into b | "
    "stats values(concat(@message, a, b, eventID)) as v"
)
SLOW = (
    "fields split(eventName, '') as l | unnest l into a | unnest l into b | unnest l into c "
    "| unnest l into d | unnest l into e | unnest l into f | unnest l into g | stats count(*) as n by a"
)
"""Each event becomes 9^7 rows."""


def test_a_process_answers_one_query_after_the_other(runner: ChildQueryRunner) -> None:
    first, statistics = _run(runner, "stats count(*) as n")
    shown, _ = _run(runner, "fields eventName, @message | limit 2500")

    assert first == [[("n", "3000")]]
    assert statistics.records_scanned == 3000
    assert len(shown) == 2500
    assert len(runner._idle) == 1


def test_what_is_malformed_is_told_with_its_place(runner: ChildQueryRunner) -> None:
    with pytest.raises(MalformedQuery) as told:
        _run(runner, "fields a | fields f(x)")

    assert (told.value.start, told.value.end) == (18, 22)


def test_a_query_that_is_not_wanted_ends(runner: ChildQueryRunner) -> None:
    seen: list[Progress] = []
    unwanted: list[float] = []

    def is_wanted() -> bool:
        if any(one.scanned.records_scanned == 3000 for one in seen):
            unwanted.append(time.monotonic())
        return not unwanted

    with pytest.raises(QueryCancelled):
        _run(runner, SLOW, is_wanted=is_wanted, progress=seen.append)

    assert time.monotonic() - unwanted[0] < children.GRACE_SECONDS + 10
    assert _run(runner, "stats count(*) as n")[0] == [[("n", "3000")]]


@pytest.mark.parametrize(
    "query",
    [
        "fields @message as m0" + "".join(f" | fields concat(m{n}, m{n}) as m{n + 1}" for n in range(25))
        + " | filter strlen(m25) > 5 | stats count(*)",
        "fields @message as m0"
        + "".join(f" | fields replace(m{n}, 'x', 'xxxxxxxx') as m{n + 1}" for n in range(9))
        + " | stats sum(strlen(m9))",
        COLLECTING,
    ],
    ids=["doubling", "growing", "collecting"],
)  # fmt: skip
def test_a_query_that_takes_too_much_memory_fails_alone(
    runner: ChildQueryRunner, query: str
) -> None:
    with pytest.raises(QueryFailed, match=r"memory|took too much|out of range|[Oo]ut of"):
        _run(runner, query)

    assert _run(runner, "stats count(*) as n")[0] == [[("n", "3000")]]


def test_a_process_that_is_killed_fails_its_query(runner: ChildQueryRunner) -> None:
    _run(runner, "stats count(*)")
    process = runner._idle[0][1]._process
    killer = threading.Timer(1.0, lambda: os.kill(process.pid, signal.SIGKILL))
    killer.start()

    with pytest.raises(QueryFailed, match="ended with code -9"):
        _run(runner, SLOW)

    killer.join()
    assert _run(runner, "stats count(*) as n")[0] == [[("n", "3000")]]


def test_processes_that_wait_for_long_end(
    runner: ChildQueryRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(runner, "stats count(*)")

    runner.rest()
    assert len(runner._idle) == 1
    monkeypatch.setattr(children, "IDLE_SECONDS", -1.0)
    runner.rest()
    assert not runner._idle


def test_rows_wait_in_their_process_while_nobody_takes_them(runner: ChildQueryRunner) -> None:
    _run(runner, "limit 1")
    (_, child), *_ = runner._idle
    waiting: list[int] = []

    def slow(_: Sequence[Row]) -> None:
        time.sleep(0.2)
        waiting.append(child.heard.qsize())

    request = QueryRequest(
        text="fields split(eventName, '') as l | unnest l into a | limit 10000",
        start=0, end=4_000_000_000_000, now=0,
    )  # fmt: skip
    runner.run(request, slow, progress=lambda _: None, is_wanted=lambda: True)

    assert len(waiting) == 10
    assert max(waiting) <= children.MOST_HEARD


def test_a_process_that_is_ended_leaves_no_thread(runner: ChildQueryRunner) -> None:
    def stop(_: Sequence[Row]) -> None:
        time.sleep(0.5)
        raise QueryCancelled("enough")

    before = threading.active_count()
    request = QueryRequest(
        text="fields split(eventName, '') as l | unnest l into a | limit 10000",
        start=0, end=4_000_000_000_000, now=0,
    )  # fmt: skip
    with pytest.raises(QueryCancelled):
        runner.run(request, stop, progress=lambda _: None, is_wanted=lambda: True)

    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == before
