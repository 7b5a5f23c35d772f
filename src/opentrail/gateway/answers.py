"""Answers the gateway gives itself, in the spelling that the caller's SDK understands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol
from xml.sax.saxutils import escape

import msgspec

from opentrail.gateway.head import RawHeaders, RequestHead

_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    409: b"Conflict",
    413: b"Content Too Large",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, end-to-end headers and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Outlet(Protocol):
    """Where the body of an answer that goes on is sent."""

    def send(self, data: bytes) -> None:
        """Send a piece."""

    async def has_room(self, seconds: float) -> bool:
        """Whether the client takes more, waiting `seconds` at the most until it does."""

    def cut(self) -> None:
        """End the connection now; what the client has not taken is lost."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """An answer whose body goes on until the connection ends.

    Attributes:
        run: Sends the body; cancelled when the client goes.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    run: Callable[[Outlet], Awaitable[None]]


def streaming_head(answer: Streaming) -> bytes:
    """The head of `answer`; the end of the connection ends the body."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (answer.status, _REASONS.get(answer.status, b""))]
    lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in answer.headers]
    return b"".join([*lines, b"Connection: close\r\n\r\n"])


def wire(answer: Answer, *, keep_alive: bool, head_only: bool = False) -> bytes:
    """The bytes of `answer` on an HTTP/1.1 connection."""
    reason = _REASONS.get(answer.status, b"")
    lines = [b"HTTP/1.1 %d %b\r\n" % (answer.status, reason)]
    lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in answer.headers]
    lines.append(b"Content-Length: %d\r\n" % len(answer.body))
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    lines.append(b"\r\n")
    if not head_only:
        lines.append(answer.body)
    return b"".join(lines)


def error_answer(head: RequestHead | None, status: int, code: str, message: str) -> Answer:
    """An AWS error: JSON for the JSON protocols, else the XML of query services, EC2 or S3."""
    if head is not None and _speaks_json(head.headers):
        body = msgspec.json.encode({"__type": code, "message": message})
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code))
        return Answer(status, headers, body)
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    before, after = _wrapping(head.headers if head is not None else ())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{before}{error}{after}'
    return Answer(status, (("Content-Type", "application/xml"),), text.encode())


def _wrapping(headers: RawHeaders) -> tuple[str, str]:
    """What stands around the error: nothing for S3, else as query services and EC2 have it."""
    named = {name.lower(): value for name, value in headers}
    if not named.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        return "", ""
    if b"/ec2/" in named.get(b"authorization", b""):
        return "<Response><Errors>", "</Errors></Response>"
    return "<ErrorResponse>", "</ErrorResponse>"


def retry_later(answer: Answer) -> Answer:
    """`answer`, with the advice to try again after a second."""
    return replace(answer, headers=(*answer.headers, ("Retry-After", "1")))


def _speaks_json(headers: RawHeaders) -> bool:
    for name, value in headers:
        lower = name.lower()
        if lower == b"x-amz-target":
            return True
        if lower == b"content-type" and b"json" in value:
            return True
    return False
