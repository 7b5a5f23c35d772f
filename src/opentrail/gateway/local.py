"""A call that OpenTrail answers itself: its whole request, then the answer of another door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from opentrail.aws.observed import ObservedRequest
from opentrail.gateway.answers import (
    Answer,
    Streaming,
    error_answer,
    streaming_head,
    wire,
)
from opentrail.gateway.capture import Capture
from opentrail.gateway.head import RequestHead
from opentrail.gateway.route import Client

LocalDoor = Callable[[ObservedRequest], Awaitable[Answer | Streaming]]
"""Answers a request; the call is recorded, durably, when the answer is there.

`body_length` larger than `len(body)` tells the door that the request was too large to keep.
"""

BODY_LIMIT_BYTES = 8 * 1024 * 1024
"""Of a request that is answered here; doors allow less, and PutLogEvents needs the most."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class LocalExchange:
    """Gathers the request and hands it to the door; an Outlet for an answer that goes on."""

    def __init__(
        self, client: Client, head: RequestHead, request: ObservedRequest, door: LocalDoor
    ) -> None:
        self._client = client
        self._head = head
        self._door = door
        self._request = Capture(limit_bytes=BODY_LIMIT_BYTES)
        self._observed_head = request
        self._task: asyncio.Task[None] | None = None
        self._gone = False
        self._room = asyncio.Event()
        self._room.set()
        self._goes_on = False

    def begin(self) -> None:
        """Invite the body if the client waits for that."""
        if any(name.lower() == b"expect" for name, _ in self._head.headers):
            self._client.send(_CONTINUE)

    def request_body(self, data: bytes) -> None:
        self._request.add(data)

    def request_complete(self) -> None:
        request = msgspec.structs.replace(
            self._observed_head, body=self._request.content(), body_length=self._request.length
        )
        self._task = asyncio.ensure_future(self._answer(request))

    def client_writable(self, *, writable: bool) -> None:
        """Whole answers are small; only one that goes on holds back."""
        if writable:
            self._room.set()
        else:
            self._room.clear()

    def client_lost(self) -> None:
        self._gone = True
        if self._goes_on and self._task is not None:
            self._task.cancel()

    def expire(self, now: float) -> None:
        """A door answers in its own time."""

    # Outlet

    def send(self, data: bytes) -> None:
        self._client.send(data)

    async def has_room(self, seconds: float) -> bool:
        if self._room.is_set():
            return True
        try:
            await asyncio.wait_for(self._room.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def cut(self) -> None:
        self._client.abort()

    async def _stream(self, answer: Streaming) -> None:
        self._client.send(streaming_head(answer))
        self._goes_on = True
        try:
            await answer.run(self)
        finally:
            self._goes_on = False
            if not self._gone:
                self._client.finished(keep_alive=False)

    async def _answer(self, request: ObservedRequest) -> None:
        try:
            answer = await self._door(request)
        except Exception:  # noqa: BLE001 - the door's outermost handler
            answer = error_answer(
                self._head, 503, "ServiceUnavailable", "the call could not be recorded; try again"
            )
        if self._gone:
            return
        if isinstance(answer, Streaming):
            await self._stream(answer)
        else:
            self._client.send(wire(answer, keep_alive=self._head.keep_alive))
            self._client.finished(keep_alive=self._head.keep_alive)
