"""Queries in processes of their own: kept for the next query, killed where one does not end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from typing import BinaryIO, cast

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
    read_from_engine,
    write,
)
from opentrail.adapters.queries.scratch import sweep
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import (
    Progress,
    QueryCancelled,
    QueryFailed,
    QueryRequest,
    QueryStatistics,
    Sink,
)

_LOOK_SECONDS = 0.1
GRACE_SECONDS = 3.0
"""How long a query that is not wanted any longer may take to end by itself."""

MOST_HEARD = 4
"""Messages of a process that wait to be dealt with; more wait in the process itself."""

MOST_IDLE = 2
"""Processes that wait for the next query."""

IDLE_SECONDS = 60.0
"""How long they wait."""


class _Child:
    """One process."""

    def __init__(self, begin: Begin) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "opentrail.adapters.queries.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.heard: Queue[FromEngine | None] = Queue(MOST_HEARD)
        self._gone = threading.Event()
        self.say(begin)
        threading.Thread(target=self._hear, daemon=True).start()

    @property
    def _stdin(self) -> BinaryIO:
        return cast("BinaryIO", self._process.stdin)

    def _hear(self) -> None:
        source = cast("BinaryIO", self._process.stdout)
        with suppress(ValueError, OSError):
            while (message := read_from_engine(source)) is not None:
                self._pass_on(message)
        self._pass_on(None)

    def _pass_on(self, message: FromEngine | None) -> None:
        """Wait until there is room, or nobody listens any more."""
        while not self._gone.is_set():
            with suppress(Full):
                self.heard.put(message, timeout=_LOOK_SECONDS)
                return

    def say(self, message: Ask | Begin | Stop) -> None:
        """Nothing, if it is dead: that is heard."""
        with suppress(OSError, ValueError):
            write(self._stdin, message)

    def end(self) -> int:
        """It is gone; its exit code, negative for a signal."""
        self._gone.set()
        self._process.kill()
        code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        return code


class ChildQueryRunner:
    """See ports.queries.QueryRunner."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._idle: list[tuple[float, _Child]] = []
        self._lock = threading.Lock()

    def run(
        self,
        request: QueryRequest,
        sink: Sink,
        *,
        progress: Callable[[Progress], None],
        is_wanted: Callable[[], bool],
    ) -> QueryStatistics:
        child = self._take()
        is_well = False
        try:
            child.say(Ask(request))
            statistics = _follow(child, sink, progress, is_wanted)
            is_well = True
        except MalformedQuery:
            is_well = True
            raise
        finally:
            if is_well:
                self._give_back(child)
            else:
                self._end(child)
        return statistics

    def rest(self) -> None:
        """Processes that have waited for long end, and give their memory back."""
        now = time.monotonic()
        with self._lock:
            old = [child for since, child in self._idle if now - since > IDLE_SECONDS]
            self._idle = [one for one in self._idle if one[1] not in old]
        for child in old:
            self._end(child)

    def close(self) -> None:
        """No query runs any more."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, child in idle:
            self._end(child)

    def _take(self) -> _Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()[1]
        return _Child(self._begin)

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append((time.monotonic(), child))
                return
        self._end(child)

    def _end(self, child: _Child) -> None:
        child.end()
        sweep(Path(self._begin.directory))


def _follow(
    child: _Child,
    sink: Sink,
    progress: Callable[[Progress], None],
    is_wanted: Callable[[], bool],
) -> QueryStatistics:
    """What the process says until the query has ended."""
    deadline: float | None = None
    looked = 0.0
    while True:
        now = time.monotonic()
        if deadline is None and now - looked > _LOOK_SECONDS:
            looked = now
            if not is_wanted():
                child.say(Stop())
                deadline = now + GRACE_SECONDS
        if deadline is not None and now > deadline:
            raise QueryCancelled("the query was stopped")
        try:
            message = child.heard.get(timeout=_LOOK_SECONDS)
        except Empty:
            continue
        match message:
            case Rows(rows):
                sink(rows)
            case Seen(found):
                progress(found)
            case _:
                return _ended(child, message)


def _ended(child: _Child, message: FromEngine | None) -> QueryStatistics:
    match message:
        case Done(statistics):
            return statistics
        case Malformed(text, start, end):
            raise MalformedQuery(text, start, end)
        case Failed(text):
            raise QueryFailed(text)
        case Cancelled():
            raise QueryCancelled("the query was stopped")
        case _:
            code = child.end()
            raise QueryFailed(f"the process of the query ended with code {code}: it took too much")
