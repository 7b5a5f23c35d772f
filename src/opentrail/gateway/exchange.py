"""One call through the gateway: note it, stream it, observe, record, end the answer.

In mode `closed` (see policy) the client gets the last byte of the answer only when the call's
record is durable, and the upstream gets the first byte of the call only when an intent of it is:
(1) the intent is made of the request, whole if it is short and comes at once, else of its head,
(2) the request streams to the upstream as it comes, (3) the answer streams back, less its end,
(4) the call is composed and appended to the journal, (5) the end of the answer follows. If (1)
fails the client gets 503 and nothing was forwarded; if (4) fails it gets 503, or, when the
answer's head is already out, a broken answer. The other modes go on without (1).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable

import msgspec

from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.aws.routing import read_scope
from opentrail.gateway.answers import Answer, error_answer, retry_later, wire
from opentrail.gateway.capture import Capture
from opentrail.gateway.head import (
    LAST_CHUNK,
    RawHeaders,
    RequestHead,
    chunk,
    end_to_end,
    upstream_head,
)
from opentrail.gateway.observing import text_headers
from opentrail.gateway.policy import CHECKED_BODY_BYTES, FailMode, SignatureCheck
from opentrail.gateway.route import Begun, Client, Recording, Route
from opentrail.gateway.upstream import UpstreamConnection

HELD_BODY_BYTES = 64 * 1024
"""Answers up to this length go out whole, and only when recorded.

Some clients take a head without its body for a success, so an answer cut off by a crash could
pass for an acknowledgement; longer and chunked ones are noticed by every client. Requests up to
this length are waited for before their intent is made.
"""

CLIENT_SECONDS = 120.0
"""Longest time that a client may leave its answer unread."""


class ProxyExchange:
    """A call on its way through; a ResponseSink for the upstream connection."""

    def __init__(
        self,
        client: Client,
        head: RequestHead,
        request: ObservedRequest,
        route: Route,
        recording: Recording,
    ) -> None:
        self._client = client
        self._head = head
        self._pool = route.pool
        self._recording = recording
        self._modes = route.modes
        self._mode = route.modes.management
        self._observed_head = request
        self._begun: Begun | None = None
        self._begun_whole = False
        self._waits_to_note = False
        self._number = 0
        self._cleared = False
        self._check = route.check
        self._request = Capture(hashing=route.check is not SignatureCheck.OFF)
        self._looking_up: asyncio.Task[None] | None = None
        self._request_complete = False
        self._early: list[bytes] | None = []
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._response = Capture()
        self._status = 0
        self._response_headers: RawHeaders = ()
        self._chunk_out = False
        self._out: list[bytes] = []
        self._held = False
        self._sent = False
        self._continued = False
        self._client_gone = False
        self._answered = False
        self._client_reads = True
        self._moved = True
        self._quiet_since = 0.0
        self._failed_status, self._failed_code = 502, "BadGateway"
        self._keep_alive = head.keep_alive
        self._expects_continue = any(name.lower() == b"expect" for name, _ in head.headers)

    def begin(self) -> None:
        """Forward the call, or note it first and wait with it."""
        alike = self._modes.management is self._modes.data is not FailMode.CLOSED
        if alike and self._check is not SignatureCheck.REFUSE:
            if self._admit():
                self._go_on()
        elif not self._comes_at_once():
            self._wait_to_note()

    def expire(self, now: float) -> None:
        """End the call if the upstream, or a client that should read, moved nothing for too long.

        Args:
            now: The event loop's time; asked about every two seconds.
        """
        if self._moved or self._answered:
            self._moved, self._quiet_since = False, now
        elif not self._client_reads and now - self._quiet_since > CLIENT_SECONDS:
            self._client.abort()
        elif now - self._quiet_since > self._recording.upstream_seconds:
            self._drop_upstream()
            self._failed_status, self._failed_code = 504, "GatewayTimeout"
            seconds = self._recording.upstream_seconds
            self._failed(f"the upstream {self._pool.upstream} said nothing for {seconds:g} s")

    # The client's side

    def request_body(self, data: bytes) -> None:
        """More of the request's body came."""
        self._moved = True
        self._request.add(data)
        framed = chunk(data) if self._head.chunked else data
        if self._early is not None:
            self._early.append(framed)
        elif self._upstream is not None:
            self._upstream.write(framed)

    def request_complete(self) -> None:
        """The request's body ended."""
        self._request_complete = True
        if self._head.chunked:
            if self._early is not None:
                self._early.append(LAST_CHUNK)
            elif self._upstream is not None:
                self._upstream.write(LAST_CHUNK)
        if not self._waits_to_note and not self._cleared and not self._answered:
            self._wait_to_note()
        elif self._answered:
            self._client.finished(keep_alive=self._keep_alive)

    def client_writable(self, *, writable: bool) -> None:
        """The client takes more of the answer, or not for now."""
        self._client_reads = writable
        if self._upstream is not None:
            if writable:
                self._upstream.resume()
            else:
                self._upstream.pause()

    def client_lost(self) -> None:
        """The client went away: what reached the upstream is recorded all the same."""
        self._client_gone = True
        if self._answered:
            return
        if not self._request_complete:
            self._drop_upstream()
            if self._connecting is not None:
                self._connecting.cancel()
            self._failed("the client closed the connection before its request ended")
        elif self._upstream is not None:
            self._upstream.resume()

    # The upstream's side (ResponseSink)

    def response_interim(self, status: int) -> None:
        self._moved = True
        if status == 100 and not self._sent:
            self._continued = True
            self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def response_head(self, status: int, reason: bytes, headers: RawHeaders) -> None:
        self._moved = True
        self._status = status
        self._response_headers = headers
        bodyless = self._head.method == b"HEAD" or status in (204, 304)
        length = next((value for name, value in headers if name.lower() == b"content-length"), None)
        has_length = length is not None
        self._held = length is not None and length.isdigit() and int(length) <= HELD_BODY_BYTES
        self._chunk_out = not bodyless and not has_length and self._head.http_version == "1.1"
        if self._expects_continue and not self._continued and not self._request_complete:
            # The body will never come: the next bytes on this connection can't be told apart.
            self._keep_alive = False
        if not has_length and not bodyless and not self._chunk_out:
            self._keep_alive = False
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
        lines += end_to_end(headers)
        if self._chunk_out:
            lines.append(b"Transfer-Encoding: chunked\r\n")
        if not self._keep_alive:
            lines.append(b"Connection: close\r\n")
        lines.append(b"\r\n")
        self._out.append(b"".join(lines))

    def response_body(self, data: bytes) -> None:
        self._moved = True
        self._response.add(data)
        self._out.append(chunk(data) if self._chunk_out else data)

    def response_flush(self) -> None:
        if self._out and not self._held:
            self._sent = True
            out = self._out
            self._out = []
            self._client.send(b"".join(out))

    def response_complete(self) -> None:
        if self._chunk_out:
            self._out.append(LAST_CHUNK)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if self._request_complete:
                upstream.release()
            else:
                upstream.close()
        self._record("")

    def response_failed(self, reason: str) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None and self._may_try_again(upstream):
            self._early = []
            self._connecting = asyncio.ensure_future(self._connect())
            return
        self._failed(f"{reason} ({self._pool.upstream})")

    def upstream_writable(self, *, writable: bool) -> None:
        self._client.hold_body(hold=not writable)

    # Within

    async def _connect(self) -> None:
        try:
            connection = await self._pool.connect()
        except (OSError, TimeoutError) as cause:
            why = cause.strerror if isinstance(cause, OSError) and cause.strerror else "timed out"
            if isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
                self._failed_status, self._failed_code = 503, "ServiceUnavailable"
            self._failed(f"no connection to the upstream {self._pool.upstream}: {why}")
            return
        self._attach(connection)
        self._hold(hold=False)

    def _attach(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        self._moved = True
        connection.start(self, expects_body=self._head.method != b"HEAD")
        early, self._early = self._early or [], None
        connection.write(b"".join([upstream_head(self._head), *early]))

    def _go_on(self) -> None:
        """Forward what has come and what will come."""
        self._cleared = True
        connection = self._pool.idle()
        if connection is not None:
            self._attach(connection)
            self._hold(hold=False)
        else:
            self._hold(hold=True)
            self._connecting = asyncio.ensure_future(self._connect())

    def _hold(self, *, hold: bool) -> None:
        """Read no more of the request for now, or go on; a request that is there needs neither."""
        if not self._request_complete:
            self._client.hold_body(hold=hold)

    def _comes_at_once(self) -> bool:
        """Whether the whole request may be waited for before anything is forwarded."""
        if self._expects_continue or self._head.chunked:
            return False
        declared = self._observed_head.header("x-amz-content-sha256") is not None
        checked = self._check is SignatureCheck.REFUSE and not declared
        most = CHECKED_BODY_BYTES if checked else HELD_BODY_BYTES
        return (self._head.content_length or 0) <= most

    def _admit(self) -> bool:
        """Take a number, or refuse a call that could not be recorded."""
        keeper = self._recording.keeper
        if keeper.may_forward(self._mode):
            self._number = keeper.take_number(self._mode)
            return True
        self._refuse()
        return False

    def _wait_to_note(self) -> None:
        self._waits_to_note = True
        scope = read_scope(self._observed_head)
        self._recording.turns.wait(scope.access_key_id if scope is not None else "", self._note)

    def _note(self) -> None:
        """Find the call's mode, and have its intent kept if the mode asks for one."""
        if self._answered:
            return
        self._begun = self._read_request("")
        self._begun_whole = self._request_complete
        self._mode = self._modes.of(data=self._begun.data)
        refusal = self._begun.refusal
        if refusal is not None:
            self._failed_status, self._failed_code = refusal.status, refusal.code
            self._failed(str(refusal))
            return
        if not self._admit():
            return
        if self._mode is FailMode.CLOSED:
            self._hold(hold=True)
            self._recording.keeper.intend(self._begun.intent(), self._number, self._noted)
        else:
            self._go_on()

    def _noted(self, failure: Exception | None) -> None:
        if failure is not None:
            self._number = 0
            self._refuse()
        elif not self._answered:
            self._go_on()

    def _refuse(self) -> None:
        """Answer that nothing was forwarded."""
        if self._answered:
            return
        self._answered = True
        if self._client_gone:
            return
        self._keep_alive = self._keep_alive and self._request_complete
        answer = error_answer(
            self._head,
            503,
            "ServiceUnavailable",
            "calls can't be recorded now, so none is forwarded; try again",
        )
        self._client.send(self._own(retry_later(answer)))
        self._client.finished(keep_alive=self._keep_alive)

    def _may_try_again(self, connection: UpstreamConnection) -> bool:
        """A kept connection that the upstream closed just now, and a call that changes nothing."""
        return (
            connection.used_before
            and not connection.answered
            and self._head.method in (b"GET", b"HEAD")
            and not self._head.has_body
        )

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    def _failed(self, reason: str) -> None:
        if self._answered:
            return
        if not self._sent:
            self._out = []
            self._status = 0
            self._keep_alive = self._keep_alive and self._request_complete
        self._record(reason)

    def _record(self, failure: str) -> None:
        if self._answered:
            return
        self._answered = True
        # Whatever held up the rest of the request is over; it is read, and goes nowhere.
        self._hold(hold=False)
        observed = self._observed(failure)
        if self._begun is None or not self._begun_whole:
            event_id = self._begun.event_id if self._begun is not None else ""
            self._begun = self._read_request(event_id)
        look_up = self._recording.look_up
        if look_up is not None and self._begun.unknown_key:
            finding = look_up(self._begun.unknown_key)
            self._looking_up = asyncio.ensure_future(self._keep_after(finding, observed))
        else:
            self._keep(observed)

    async def _keep_after(self, finding: Awaitable[None], observed: ObservedCall) -> None:
        await finding
        self._keep(observed)

    def _keep(self, observed: ObservedCall) -> None:
        assert self._begun is not None
        raws = self._begun.records(observed)
        self._recording.keeper.keep(
            raws,
            self._number,
            self._mode,
            lambda problem: self._recorded(problem, observed.failure),
        )

    def _recorded(self, problem: Exception | None, failure: str) -> None:
        if self._client_gone:
            return
        broken = problem is not None
        if (broken or failure) and self._sent:
            self._client.abort()
            return
        if broken:
            self._keep_alive = False
            answer = error_answer(
                self._head, 503, "ServiceUnavailable", "the call could not be recorded; try again"
            )
            self._client.send(self._own(retry_later(answer)))
        elif failure:
            answer = error_answer(self._head, self._failed_status, self._failed_code, failure)
            self._client.send(self._own(answer))
        else:
            self._client.send(b"".join(self._out))
        if self._request_complete or not self._keep_alive:
            self._client.finished(keep_alive=self._keep_alive)

    def _own(self, answer: Answer) -> bytes:
        return wire(answer, keep_alive=self._keep_alive, head_only=self._head.method == b"HEAD")

    def _read_request(self, event_id: str) -> Begun:
        payload_sha256 = self._request.sha256 if self._request_complete else ""
        return self._recording.begin(self._request_so_far(), event_id, payload_sha256)

    def _request_so_far(self) -> ObservedRequest:
        if not self._request.length:
            return self._observed_head
        return msgspec.structs.replace(
            self._observed_head, body=self._request.content(), body_length=self._request.length
        )

    def _observed(self, failure: str) -> ObservedCall:
        response = None
        if self._status:
            headers, first = text_headers(self._response_headers)
            response = ObservedResponse(
                status=self._status,
                headers=headers,
                first_headers=first,
                body=self._response.content(),
                body_length=self._response.length,
            )
        return ObservedCall(
            request=self._request_so_far(),
            response=response,
            failure=failure,
            failure_code=self._failed_code,
            ended=self._recording.clock.now(),
        )
