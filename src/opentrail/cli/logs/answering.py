"""Running a query with a bar on stderr, if a person reads it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from opentrail.adapters.queries.engine import QueryEngine, Run
from opentrail.cli.terminal import messages
from opentrail.ports.queries import QueryCancelled, QueryRequest, QueryStatistics, Row

_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Answered:
    """A whole result.

    Attributes:
        columns: In order; rows leave out those without a value.
    """

    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    statistics: QueryStatistics = field(default_factory=QueryStatistics)


def answered(engine: QueryEngine, request: QueryRequest) -> Answered:
    """The result of a query; Ctrl-C ends it.

    Raises:
        MalformedQuery: it cannot be compiled.
        QueryFailed: it could not be answered.
        KeyboardInterrupt: it was ended.
    """
    run = engine.start(request)
    found = Answered()
    problems: list[Exception] = []

    def take(rows: Sequence[Row]) -> None:
        found.rows.extend(rows)

    def work() -> None:
        try:
            found.statistics = run.answer(take)
        except Exception as problem:  # noqa: BLE001 - told in the thread that asked
            problems.append(problem)

    worker = threading.Thread(target=work, name="query")
    worker.start()
    try:
        with _bar(run) as look:
            while worker.is_alive():
                worker.join(_LOOK_SECONDS)
                look()
    except KeyboardInterrupt:
        run.interrupt()
        worker.join()
        raise
    if problems:
        if isinstance(problems[0], QueryCancelled):
            raise KeyboardInterrupt
        raise problems[0]
    found.columns = run.columns
    return found


class _Look:
    def __init__(self, run: Run, progress: Progress | None) -> None:
        self._run = run
        self._progress = progress
        self._task = None if progress is None else progress.add_task("", total=1.0, figures="")

    def __call__(self) -> None:
        if self._progress is None or self._task is None:
            return
        seen = self._run.progress()
        figures = f"{int(seen.scanned.records_scanned):,} events"
        self._progress.update(self._task, completed=seen.share, figures=figures)


@contextmanager
def _bar(run: Run) -> Iterator[_Look]:
    if not sys.stderr.isatty():
        yield _Look(run, None)
        return
    with Progress(
        TextColumn("querying"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=messages,
        transient=True,
    ) as progress:
        yield _Look(run, progress)
