"""The listening side: parse strictly, choose a door by the head alone, one call at a time.

Requests that a client sends ahead (pipelining) wait parsed until the answer before is out.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

from opentrail.gateway.answers import error_answer, wire
from opentrail.gateway.head import MAX_HEAD_BYTES, RequestHead, make_head, refusal
from opentrail.gateway.route import Client

HEAD_TIMEOUT_SECONDS = 10.0
"""From a request's first byte to the end of its head (slow clients must not hold connections)."""

BODY_TIMEOUT_SECONDS = 60.0
"""Longest pause in a request's body."""

IDLE_TIMEOUT_SECONDS = 75.0
_SWEEP_SECONDS = 2.0
_WRITE_HIGH_WATER_BYTES = 256 * 1024


class Exchange(Protocol):
    """What becomes of a request; see ProxyExchange and LocalExchange."""

    def begin(self) -> None: ...
    def request_body(self, data: bytes) -> None: ...
    def request_complete(self) -> None: ...
    def client_writable(self, *, writable: bool) -> None: ...
    def client_lost(self) -> None: ...
    def expire(self, now: float) -> None: ...


OpenExchange = Callable[[Client, RequestHead], Exchange]
"""Chooses the door of a request by its head."""


class _Refused(Exception):
    """Raised inside a parser callback; the reason is kept beside."""


@dataclass(slots=True)
class _Ahead:
    """A request sent before the answer to the one before was out."""

    head: RequestHead
    body: list[bytes] = field(default_factory=list)
    complete: bool = False


class ClientConnection(asyncio.Protocol):
    """One client's connection; a Client for its exchanges."""

    def __init__(self, open_exchange: OpenExchange, connections: set[ClientConnection]) -> None:
        self._open = open_exchange
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._ahead: deque[_Ahead] = deque()
        self._refused = ""
        self._in_head = True
        self._head_bytes = 0
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._held = False
        self._closing = False
        self.peer_address = ""
        self.tls: tuple[str, str] | tuple[()] = ()
        self.quiet_since = self._loop.time()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_WATER_BYTES)
        peer = transport.get_extra_info("peername")
        self.peer_address = str(peer[0]) if peer else ""
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self.tls = (str(secured.version()), str(secured.cipher()[0]))
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._in_head:
            if not self._head_bytes:
                self.quiet_since = self._loop.time()
            self._head_bytes += len(data)
        else:
            self.quiet_since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("switching protocols is not done here")
        except httptools.HttpParserCallbackError:
            self._refuse(self._refused or "the request can't be handled")
        except httptools.HttpParserError:
            self._refuse("the request is not valid HTTP/1.1")
        else:
            # A head may come together with the start of its body, so only a surplus counts.
            if self._in_head and self._head_bytes > 2 * MAX_HEAD_BYTES:
                self._refuse("the request head is too large")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._connections.discard(self)
        self._closing = True
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.client_lost()

    def pause_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.client_writable(writable=False)

    def resume_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.client_writable(writable=True)

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        headers = tuple(self._headers)
        version = self._parser.get_http_version()
        size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in headers)
        reason = refusal(size, version, self._target, headers)
        if reason:
            self._refused = reason
            raise _Refused
        self._in_head = False
        self._head_bytes = 0
        head = make_head(
            self._parser.get_method(),
            self._target,
            headers,
            version,
            keep_alive=bool(self._parser.should_keep_alive()),
        )
        if self._exchange is None and not self._ahead:
            self._start(head)
        else:
            self._ahead.append(_Ahead(head))
            self._read(going=False)

    def on_body(self, data: bytes) -> None:
        if self._ahead:
            self._ahead[-1].body.append(data)
        elif self._exchange is not None:
            self._exchange.request_body(data)

    def on_message_complete(self) -> None:
        self._in_head = True
        if self._ahead:
            self._ahead[-1].complete = True
        elif self._exchange is not None:
            self._exchange.request_complete()

    # Client

    def send(self, data: bytes) -> None:
        self.quiet_since = self._loop.time()
        if self._transport is not None:
            self._transport.write(data)

    def hold_body(self, *, hold: bool) -> None:
        self._held = hold
        self._read(going=not hold and not self._ahead)

    def finished(self, *, keep_alive: bool) -> None:
        self._exchange = None
        self.quiet_since = self._loop.time()
        if self._refused or not keep_alive:
            self._end()
        elif self._ahead:
            self._loop.call_soon(self._next)
        else:
            self._held = False
            self._read(going=True)

    def abort(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # Within

    def expire(self, now: float) -> None:
        """End the connection if it was quiet for too long, or the call that waits in vain."""
        if self._exchange is not None:
            if self._in_head or self._held:
                self._exchange.expire(now)
            elif now - self.quiet_since > BODY_TIMEOUT_SECONDS:
                self.abort()
            return
        limit = HEAD_TIMEOUT_SECONDS if self._head_bytes else IDLE_TIMEOUT_SECONDS
        if now - self.quiet_since > limit:
            self.abort()

    def shut(self) -> None:
        """End the connection now if it is idle, else after the answer under way."""
        if self._exchange is None:
            self.abort()
        else:
            self._refused = self._refused or "the server is stopping"

    def _start(self, head: RequestHead) -> None:
        self._exchange = self._open(self, head)
        self._exchange.begin()

    def _next(self) -> None:
        if not self._ahead or self._closing:
            return
        ahead = self._ahead.popleft()
        self._start(ahead.head)
        exchange = self._exchange
        if exchange is None:
            return
        for data in ahead.body:
            exchange.request_body(data)
        if ahead.complete:
            exchange.request_complete()
        if not self._ahead and not self._held:
            self._read(going=True)

    def _read(self, *, going: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if going:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _refuse(self, reason: str) -> None:
        self._refused = reason
        self._closing = True
        exchange = self._exchange
        if exchange is not None:
            # The body under way broke, or a request behind it: no clean answer is left.
            self._exchange = None
            exchange.client_lost()
            self.abort()
            return
        self.send(wire(error_answer(None, 400, "BadRequest", reason), keep_alive=False))
        self._end()

    def _end(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()


class GatewayServer:
    """Listens and sweeps connections that stay quiet."""

    def __init__(self, open_exchange: OpenExchange) -> None:
        self._open = open_exchange
        self._connections: set[ClientConnection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, with TLS if `tls` is given; the port (another than `port` if that was 0).

        Raises:
            OSError: the address can't be listened on.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ClientConnection(self._open, self._connections),
            host,
            port,
            backlog=1024,
            ssl=tls,
        )
        self._sweeper = asyncio.ensure_future(self._sweep())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace_seconds: float) -> None:
        """Take no new calls; give those under way `grace_seconds` to end."""
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in tuple(self._connections):
            connection.shut()
        deadline = asyncio.get_running_loop().time() + grace_seconds
        # An event for every connection would serve this one moment only
        while self._connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for connection in tuple(self._connections):
            connection.abort()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for connection in tuple(self._connections):
                connection.expire(loop.time())
