"""A live tail as Server-Sent Events, for many clients at once.

Each event's `id` is its sequence: a client that comes back with it as `Last-Event-ID` goes on
behind it, and misses nothing. Where the tail was given `since`, the id is `SEQUENCE@SECONDS` and
keeps the time that was meant. A heartbeat every 15 s carries an id, too: the place up to which
nothing was found. A client that does not read is cut off, and may come back in the same way.
Source: HTML Living Standard, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
import structlog

from opentrail.app.searching.following import Following, PieceLimits
from opentrail.app.searching.shapes import event_object
from opentrail.errors import InvalidInput
from opentrail.gateway import Outlet
from opentrail.ports.events import EventReader, Search

POLL_SECONDS = 0.2
HEARTBEAT_SECONDS = 15.0
SLOW_SECONDS = 30.0
"""A client that takes nothing for so long is cut off."""

LONGEST_SECONDS = 3600.0
"""Then the client comes back, and shows anew that its key is still good."""

MOST_TAILS = 64
MOST_OF_ACCOUNT = 16
PIECE = PieceLimits(events=500, size_bytes=1024 * 1024)
"""What waits in memory for each client at the most, beside the connection's own buffer."""

_ID = re.compile(r"([0-9]{1,18})(?:@(-?[0-9]{1,15}))?", re.ASCII)

_log = structlog.get_logger()


class Ends:
    """The end of the store's sequences, asked for once for all tails."""

    def __init__(self, ask: Callable[[], Awaitable[int]]) -> None:
        self._ask = ask
        self._asked = 0.0
        self._end = 0
        self._one_at_a_time = asyncio.Lock()

    async def newest(self) -> int:
        """The end, at most POLL_SECONDS old."""
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            if loop.time() - self._asked >= POLL_SECONDS or not self._asked:
                self._end = await self._ask()
                self._asked = loop.time()
            return self._end


class Tails:
    """Those that are open now."""

    def __init__(self, events: EventReader, run: Callable[..., Awaitable[object]]) -> None:
        """`run`: calls a function in a thread, of which there are few."""
        self._events = events
        self._run = run
        self._open: Counter[str] = Counter()
        self._ends = Ends(self._end)
        self._ending = False

    def is_room(self, account: str) -> bool:
        """Whether one more may be opened."""
        return self._open[account] < MOST_OF_ACCOUNT and self._open.total() < MOST_TAILS

    def end(self) -> None:
        """End all of them; the clients come back when the server does."""
        self._ending = True

    async def send(
        self, outlet: Outlet, search: Search, sequence: int | None, account: str
    ) -> None:
        """Send events from `sequence` on, from now on if that is None; until the client goes."""
        with self._counted(account):
            try:
                begin = await self._ends.newest() if sequence is None else sequence
                await self._send(outlet, Following(self._events, search, begin, PIECE), search)
            except Exception:  # noqa: BLE001 - the tail's outermost handler; the client comes back
                _log.exception("tail_failed")

    async def _send(self, outlet: Outlet, following: Following, search: Search) -> None:
        loop = asyncio.get_running_loop()
        outlet.send(b"retry: 1000\n" + _heartbeat(following.sequence, search.start))
        sent = loop.time()
        until = sent + LONGEST_SECONDS
        while not self._ending and loop.time() < until:
            end = await self._ends.newest()
            if following.sequence < end:
                frames = await self._run(partial(_frames, following, end, search.start))
                assert isinstance(frames, list)
                for frame in frames:
                    if not await outlet.has_room(SLOW_SECONDS):
                        outlet.cut()
                        return
                    outlet.send(frame)
                    sent = loop.time()
            else:
                await asyncio.sleep(POLL_SECONDS)
            if loop.time() - sent >= HEARTBEAT_SECONDS:
                if not await outlet.has_room(SLOW_SECONDS):
                    outlet.cut()
                    return
                outlet.send(_heartbeat(following.sequence, search.start))
                sent = loop.time()

    async def _end(self) -> int:
        end = await self._run(self._events.sequence_end)
        assert isinstance(end, int)
        return end

    @contextmanager
    def _counted(self, account: str) -> Iterator[None]:
        self._open[account] += 1
        try:
            yield
        finally:
            self._open[account] -= 1


def read_last_id(text: str) -> tuple[int, int | None]:
    """The sequence to go on with, and the time that `since` meant.

    Raises:
        InvalidInput: no id of ours.
    """
    found = _ID.fullmatch(text)
    if found is None:
        raise InvalidInput(f"Last-Event-ID {text[:60]!r} is none that was given out here")
    return int(found[1]) + 1, None if found[2] is None else int(found[2])


def _frames(following: Following, end: int, start: int | None) -> list[bytes]:
    return [
        b"id: %b\ndata: %b\n\n"
        % (_id(event.position.sequence, start), msgspec.json.encode(event_object(event)))
        for event in following.read(end)
    ]


def _heartbeat(sequence: int, start: int | None) -> bytes:
    """A comment, and the id of the last event that is dealt with; no event comes of it."""
    if not sequence:
        return b": opentrail\n\n"
    return b": opentrail\nid: %b\n\n" % _id(sequence - 1, start)


def _id(sequence: int, start: int | None) -> bytes:
    return str(sequence).encode() if start is None else f"{sequence}@{start}".encode()
