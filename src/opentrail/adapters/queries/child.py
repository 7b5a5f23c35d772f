"""The engine's process: `python -m opentrail.adapters.queries.child`; see messages and children.

It ends when whoever started it does: its input ends then.
"""

from __future__ import annotations

import os
import queue
import resource
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pyarrow.dataset  # noqa: F401 - DuckDB imports it at the first table, which takes long

from opentrail.adapters.log_events import SqliteLogEventStore
from opentrail.adapters.queries.database import Limits
from opentrail.adapters.queries.engine import QueryEngine, Run
from opentrail.adapters.queries.messages import (
    Ask,
    Begin,
    Cancelled,
    Done,
    Failed,
    FromEngine,
    Malformed,
    Rows,
    Seen,
    Stop,
    read_to_engine,
    write,
)
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import QueryCancelled, QueryFailed

_TOLD_SECONDS = 0.25


class _Process:
    def __init__(self, source: BinaryIO, out: BinaryIO) -> None:
        self._source = source
        self._out = out
        self._writing = threading.Lock()
        self._asked: queue.SimpleQueue[Ask] = queue.SimpleQueue()
        self._running: Run | None = None

    def main(self) -> None:
        begin = read_to_engine(self._source)
        if not isinstance(begin, Begin):
            return
        engine = QueryEngine(
            Path(begin.events),
            SqliteLogEventStore(Path(begin.log_events)),
            Path(begin.directory),
            Limits(
                memory_bytes=begin.memory_bytes,
                spill_bytes=begin.spill_bytes,
                result_bytes=begin.result_bytes,
                threads=begin.threads,
            ),
        )
        engine.warm()
        # Above what the libraries have taken for themselves by now, most of it never touched.
        most = _data_bytes() + begin.data_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        threading.Thread(target=self._listen, args=(engine,), daemon=True).start()
        while True:
            self._answer(engine, self._asked.get())

    def _listen(self, engine: QueryEngine) -> None:
        while (message := read_to_engine(self._source)) is not None:
            running = self._running
            if isinstance(message, Ask):
                self._asked.put(message)
            elif isinstance(message, Stop) and running is not None:
                running.interrupt()
        engine.own.close()
        os._exit(0)

    def _answer(self, engine: QueryEngine, asked: Ask) -> None:
        run = self._running = engine.start(asked.request)
        ended = threading.Event()
        telling = threading.Thread(target=self._tell_progress, args=(run, ended))
        telling.start()
        try:
            last = self._outcome(run)
        finally:
            ended.set()
            telling.join()
            self._running = None
        self._tell(last)

    def _outcome(self, run: Run) -> FromEngine:
        try:
            return Done(run.answer(lambda rows: self._tell(Rows(list(rows)))))
        except MalformedQuery as problem:
            return Malformed(str(problem), problem.start, problem.end)
        except QueryCancelled:
            return Cancelled()
        except QueryFailed as problem:
            return Failed(str(problem))
        except MemoryError:
            return Failed("the query needs too much memory")

    def _tell_progress(self, run: Run, ended: threading.Event) -> None:
        while not ended.wait(_TOLD_SECONDS):
            self._tell(Seen(run.progress()))

    def _tell(self, message: FromEngine) -> None:
        with self._writing:
            write(self._out, message)


def _data_bytes() -> int:
    """Private memory that this process has mapped."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * resource.getpagesize()


def main() -> None:
    """Answer queries until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    # Whatever prints is not to be taken for a message.
    os.dup2(2, 1)
    _Process(sys.stdin.buffer, out).main()


if __name__ == "__main__":
    main()
