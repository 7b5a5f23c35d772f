"""Connections to a service behind the gateway: parsed answers, kept open and used again."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

from opentrail.errors import InvalidInput
from opentrail.gateway.head import RawHeaders

CONNECT_TIMEOUT_SECONDS = 10.0
MAX_IDLE_CONNECTIONS = 128
MAX_RESPONSE_HEAD_BYTES = 128 * 1024

_WRITE_HIGH_WATER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls of some services go."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Upstream:
        """`http://host:port` or `https://host`.

        Raises:
            InvalidInput: another scheme, no host, or a path (paths belong to the caller).
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"upstream {url!r} is no URL; expected http://host:port")
        if parts.path not in ("", "/") or parts.query or parts.username:
            raise InvalidInput(f"upstream {url!r} has more than scheme, host and port")
        tls = parts.scheme == "https"
        try:
            port = parts.port or (443 if tls else 80)
        except ValueError as cause:
            raise InvalidInput(f"upstream {url!r}: {cause}") from cause
        return cls(parts.hostname, port, tls)

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


class ResponseSink(Protocol):
    """Who waits for the answer on an upstream connection."""

    def response_interim(self, status: int) -> None:
        """A 1xx answer came."""

    def response_head(self, status: int, reason: bytes, headers: RawHeaders) -> None:
        """The final head is there."""

    def response_body(self, data: bytes) -> None:
        """More of the body is there."""

    def response_flush(self) -> None:
        """All that came in one read has been told; the answer is not complete yet."""

    def response_complete(self) -> None:
        """The answer ended as it should."""

    def response_failed(self, reason: str) -> None:
        """The connection ended before the answer did, or the answer is no HTTP."""

    def upstream_writable(self, *, writable: bool) -> None:
        """The upstream takes more of the request, or not for now."""


class UpstreamConnection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, pool: UpstreamPool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._sink: ResponseSink | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._expects_body = True
        self._status = 0
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._ends_with_connection = False
        self._complete = False
        self._keep = True
        self.answered = False
        self.used_before = False

    def start(self, sink: ResponseSink, *, expects_body: bool) -> None:
        """Begin to wait for an answer; a HEAD request's has no body."""
        self._sink = sink
        self._expects_body = expects_body
        self._parser = httptools.HttpResponseParser(self)
        self._complete = self._ends_with_connection = self.answered = False
        self._head_bytes = 0
        self._reason = b""

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Read no more of the answer for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def release(self) -> None:
        """The exchange is over: keep the connection for the next one, or close it."""
        self._sink = None
        self._parser = None
        self.used_before = True
        if self._complete and self._keep:
            self._pool.keep(self)
        else:
            self.close()

    def close(self) -> None:
        self._sink = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        sink, parser = self._sink, self._parser
        if sink is None or parser is None or self._complete:
            # Bytes nobody asked for: the two sides no longer agree where answers start.
            self.close()
            return
        self.answered = True
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("the upstream wants to switch protocols")
            return
        except httptools.HttpParserError:
            self._fail_unless_complete("the upstream's answer is not valid HTTP")
        if self._whole():
            sink.response_complete()
        elif self.usable:
            sink.response_flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        sink = self._sink
        if sink is None or self._complete:
            return
        self._keep = False
        if self._ends_with_connection and exc is None:
            self._complete = True
            sink.response_complete()
        else:
            self._sink = None
            sink.response_failed("the upstream closed the connection before its answer ended")

    def pause_writing(self) -> None:
        if self._sink is not None:
            self._sink.upstream_writable(writable=False)

    def resume_writing(self) -> None:
        if self._sink is not None:
            self._sink.upstream_writable(writable=True)

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._headers = []

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_RESPONSE_HEAD_BYTES:
            raise ValueError("response head too large")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser, sink = self._parser, self._sink
        if parser is None or sink is None:
            return
        self._status = parser.get_status_code()
        if self._status < 200:
            return
        self._keep = bool(parser.should_keep_alive())
        headers = tuple(self._headers)
        sink.response_head(self._status, self._reason, headers)
        if not self._expects_body or self._status in (204, 304):
            self._complete = True
            return
        self._ends_with_connection = not any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers
        )

    def on_body(self, data: bytes) -> None:
        if self._sink is not None and not self._complete:
            self._sink.response_body(data)

    def on_message_complete(self) -> None:
        if self._status < 200:
            if self._sink is not None:
                self._sink.response_interim(self._status)
            self._reason = b""
            return
        self._complete = True

    def _whole(self) -> bool:
        return self._complete

    def _fail_unless_complete(self, reason: str) -> None:
        # A parser that expects a body of a HEAD answer may stumble over nothing at all.
        if not self._complete:
            self._fail(reason)

    def _fail(self, reason: str) -> None:
        sink, self._sink = self._sink, None
        self._keep = False
        if self._transport is not None:
            self._transport.abort()
        if sink is not None:
            sink.response_failed(reason)


class UpstreamPool:
    """Open connections to one upstream; None stands for services that have none."""

    def __init__(self, upstream: Upstream | None) -> None:
        self.upstream = upstream
        self._idle: deque[UpstreamConnection] = deque()
        self._tls = ssl.create_default_context() if upstream and upstream.tls else None

    def idle(self) -> UpstreamConnection | None:
        """A connection that is open and unused, None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection.

        Raises:
            OSError: refused, unreachable, timed out or no valid certificate.
        """
        if self.upstream is None:
            raise OSError(errno.EHOSTUNREACH, "no upstream is named for this service")
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(
            lambda: UpstreamConnection(self),
            self.upstream.host,
            self.upstream.port,
            ssl=self._tls,
            server_hostname=self.upstream.host if self._tls else None,
        )
        _transport, connection = await asyncio.wait_for(opening, CONNECT_TIMEOUT_SECONDS)
        return connection

    def keep(self, connection: UpstreamConnection) -> None:
        if len(self._idle) < MAX_IDLE_CONNECTIONS and connection.usable:
            self._idle.append(connection)
        else:
            connection.close()

    def forget(self, connection: UpstreamConnection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
