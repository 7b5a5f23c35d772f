"""Many calls, one sync: records that wait at the same moment become durable together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from opentrail.ports.journal import JournalWriter


class GroupCommit:
    """Appends to the journal for an event loop.

    While one sync runs in its own thread, the records of other calls gather for the next one.
    """

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._waiting: list[tuple[bytes, asyncio.Future[tuple[int, int]]]] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def append(self, raw: bytes) -> asyncio.Future[tuple[int, int]]:
        """Done when `raw` is durable: its offset and the one behind it.

        The future fails with Unavailable when it may not be acknowledged.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[int, int]] = loop.create_future()
        self._waiting.append((raw, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start, loop)
        return future

    def close(self) -> None:
        """Wait for what has been started; nothing may be appended afterwards."""
        self._thread.shutdown(wait=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting, []
        self._thread.submit(self._write, loop, batch)

    def _write(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[tuple[bytes, asyncio.Future[tuple[int, int]]]],
    ) -> None:
        outcome: tuple[int, ...] | Exception
        try:
            outcome = self._journal.append([raw for raw, _ in batch])
        except Exception as failure:  # noqa: BLE001 - whatever it is, the calls must hear of it
            outcome = failure
        loop.call_soon_threadsafe(self._finish, loop, batch, outcome)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[tuple[bytes, asyncio.Future[tuple[int, int]]]],
        outcome: tuple[int, ...] | Exception,
    ) -> None:
        for index, (_, future) in enumerate(batch):
            if future.cancelled():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result((outcome[index], outcome[index + 1]))
        if self._waiting:
            self._start(loop)
        else:
            self._busy = False
