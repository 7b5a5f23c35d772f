"""Many calls, one sync: records that wait at the same moment become durable together.

A fast disk syncs in less time than two threads need to hand a batch to each other, so as long as
syncs are short they are made in the event loop itself, one for all calls that ended in the same
turn of it. A slow disk must not hold up the other connections: its syncs run in a thread of their
own, and records gather meanwhile for the next one.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from opentrail.ports.intents import Intent, IntentLog
from opentrail.ports.journal import JournalWriter

SHORT_SYNC_SECONDS = 0.001
"""What the event loop may be held up by."""

LONG_SYNCS = 8
"""So many more long than short syncs, and they move to the thread; a single spike moves nothing."""

LARGEST_BATCH = 16
"""Records that are synced without waiting for one more turn of the loop.

With 64 a flood gained 7 % more calls, and whoever called beside it waited three times as long.
"""

PROBE_EVERY = 50
"""Of the syncs in the thread, every so manieth is made in the loop, to see if they are short again.

A time taken in the thread would tell more of how busy the loop is than of the disk.
"""

Outcome = tuple[int, int] | Exception
"""Where the record lies (its offset and the one behind it), or why it may not be acknowledged.

An intent lies nowhere: (0, 0).
"""

_INTENDED = (0, 0)


class _Waiting(NamedTuple):
    """A record, or the intent of one."""

    raw: bytes
    number: int
    is_intent: bool
    done: Callable[[Outcome], None]


def _told_by_the_last(_outcome: Outcome) -> None:
    """Records of one call share their outcome."""


class GroupCommit:
    """Appends to the journal and the intents for an event loop."""

    def __init__(self, journal: JournalWriter, intents: IntentLog) -> None:
        self._journal = journal
        self._intents = intents
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._long = 0
        self._in_thread = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self.syncs = 0
        self.sync_seconds = 0.0

    def append(self, raw: bytes, done: Callable[[Outcome], None], number: int = 0) -> None:
        """Call `done` when `raw` is durable, or when it can't be."""
        self._wait(_Waiting(raw, number, False, done))

    def append_all(
        self, raws: Sequence[bytes], done: Callable[[Outcome], None], number: int = 0
    ) -> None:
        """Call `done` when all of `raws` (at least one) are durable, or when they can't be.

        They wait in one row, so they are synced together.
        """
        *others, last = raws
        for raw in others:
            self.append(raw, _told_by_the_last, number)
        self.append(last, done, number)

    def intend(self, raw: bytes, number: int, done: Callable[[Outcome], None]) -> None:
        """Call `done` when the intent `raw` is durable, or when it can't be."""
        self._wait(_Waiting(raw, number, True, done))

    async def appended(self, raw: bytes) -> tuple[int, int]:
        """The place of `raw`, which is durable.

        Raises:
            Unavailable: it may not be acknowledged.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.append(raw, lambda found: None if future.cancelled() else future.set_result(found))
        outcome = await future
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Wait for what has been started; nothing may be appended afterwards."""
        self._thread.shutdown(wait=True)

    def _wait(self, one: _Waiting) -> None:
        self._waiting.append(one)
        if not self._busy:
            self._busy = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._start, loop, 1)

    def _start(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        """Sync what waits, unless more came since `seen` were counted and still more may come."""
        if seen < len(self._waiting) < LARGEST_BATCH:
            loop.call_soon(self._start, loop, len(self._waiting))
            return
        batch, self._waiting = self._waiting, []
        if self._long >= LONG_SYNCS:
            self._in_thread += 1
            if self._in_thread % PROBE_EVERY:
                self._thread.submit(self._write, loop, batch)
                return
        began = time.perf_counter()
        outcomes = self._append(batch)
        spent = time.perf_counter() - began
        self.syncs += 1
        self.sync_seconds += spent
        long = spent > SHORT_SYNC_SECONDS
        self._long = min(self._long + 1, LONG_SYNCS) if long else max(self._long - 1, 0)
        self._finish(loop, batch, outcomes)

    def _write(self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]) -> None:
        loop.call_soon_threadsafe(self._finish, loop, batch, self._append(batch))

    def _append(self, batch: Sequence[_Waiting]) -> list[Outcome]:
        """What became of each: a failure is that of all records, or of all intents."""
        records = [one for one in batch if not one.is_intent]
        intents = [Intent(one.number, one.raw) for one in batch if one.is_intent]
        places: Iterator[Outcome] = iter(())
        intended: Outcome = _INTENDED
        if records:
            places = self._append_records(records)
        if intents:
            try:
                self._intents.append(intents)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the calls must hear of it
                intended = failure
        return [intended if one.is_intent else next(places) for one in batch]

    def _append_records(self, records: Sequence[_Waiting]) -> Iterator[Outcome]:
        try:
            offsets = self._journal.append(
                [one.raw for one in records], [one.number for one in records]
            )
        except Exception as failure:  # noqa: BLE001 - whatever it is, the calls must hear of it
            return itertools.repeat(failure)
        return itertools.pairwise(offsets)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[_Waiting],
        outcomes: Sequence[Outcome],
    ) -> None:
        for one, outcome in zip(batch, outcomes, strict=True):
            one.done(outcome)
        if self._waiting:
            loop.call_soon(self._start, loop, 1)
        else:
            self._busy = False
