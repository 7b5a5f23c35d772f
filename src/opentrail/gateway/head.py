"""A request's head: what is refused at the door, and what of it goes to the upstream.

The gateway never forwards raw bytes: it writes a new head from the parsed one, and refuses what
two HTTP parsers could read differently (RFC 9112 sections 3.2, 6 and 11.2; the hostile requests
of tests/gateway/test_hostile.py).
"""

from __future__ import annotations

import msgspec

MAX_HEAD_BYTES = 64 * 1024
"""AWS takes 8 KB of headers and S3 2 KB of user metadata; presigned targets add a few more."""

MAX_HEADERS = 200

RawHeaders = tuple[tuple[bytes, bytes], ...]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that speak of one connection only (RFC 9110 section 7.6.1)."""


OWN_POSTS = frozenset(
    {b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"idempotency-key"}
)
"""Headers of what OpenTrail posts to webhooks.

One that leads back here, by whatever way, is no call: its record would set off the rule that posted
it, for ever.
"""


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed request head that passed the door's checks.

    Attributes:
        target: Exactly as on the request line.
        headers: Names and values as received, in order.
        content_length: None when there is no such header.
        chunked: The body comes in chunks; never together with a content length.
        keep_alive: The client wants the connection kept.
    """

    method: bytes
    target: bytes
    headers: RawHeaders
    http_version: str
    content_length: int | None
    chunked: bool
    keep_alive: bool

    @property
    def has_body(self) -> bool:
        """Whether body bytes will follow."""
        return self.chunked or bool(self.content_length)


def refusal(head_bytes: int, version: str, target: bytes, headers: RawHeaders) -> str:
    """Why the head is refused, "" if it is not; in words for the client."""
    if version not in ("1.0", "1.1"):
        return f"HTTP version {version} is not spoken here; expected HTTP/1.1"
    if head_bytes > MAX_HEAD_BYTES or len(headers) > MAX_HEADERS:
        return f"the request head is larger than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} headers"
    if not target.startswith(b"/"):
        return "the request target must start with '/'"
    names = [name.lower() for name, _ in headers]
    if b"webhook-signature" in names and OWN_POSTS.issubset(names):
        return "a webhook leads to this endpoint, which takes calls of APIs only"
    return _framing_refusal(headers, names)


def _framing_refusal(headers: RawHeaders, names: list[bytes]) -> str:
    """As `refusal`, for what tells where the body ends; `names` are the headers' in lower case."""
    hosts = names.count(b"host")
    if hosts != 1:
        return f"the request has {hosts} Host headers; expected exactly one"
    told = names.count(b"content-length") + names.count(b"transfer-encoding")
    if not told:
        return ""
    if told > 1:
        return "the request tells the length of its body more than once"
    lengths = [value for (_, value), name in zip(headers, names, strict=True)
               if name == b"content-length"]  # fmt: skip
    codings = [value for (_, value), name in zip(headers, names, strict=True)
               if name == b"transfer-encoding"]  # fmt: skip
    if lengths and not lengths[0].isdigit():
        return "Content-Length is not a number"
    if codings and codings[0].strip().lower() != b"chunked":
        return "the only Transfer-Encoding understood is chunked"
    return ""


def make_head(
    method: bytes, target: bytes, headers: RawHeaders, version: str, *, keep_alive: bool
) -> RequestHead:
    """The head of a request that `refusal` let pass."""
    content_length: int | None = None
    chunked = False
    for name, value in headers:
        lower = name.lower()
        if lower == b"content-length":
            content_length = int(value)
        elif lower == b"transfer-encoding":
            chunked = True
    return RequestHead(
        method=method,
        target=target,
        headers=headers,
        http_version=version,
        content_length=content_length,
        chunked=chunked,
        keep_alive=keep_alive,
    )


def upstream_head(head: RequestHead) -> bytes:
    """The head to send to the upstream: as received, less what speaks of the client's connection.

    Host and every signed header stay as they are, so the upstream's signature check still passes.
    """
    lines = [b"%b %b HTTP/1.1\r\n" % (head.method, head.target)]
    lines += end_to_end(head.headers)
    if head.chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def end_to_end(headers: RawHeaders) -> list[bytes]:
    """Header lines without the hop-by-hop ones and those that `Connection` names."""
    names = [name.lower() for name, _ in headers]
    if headers and HOP_BY_HOP.isdisjoint(names):
        return [b"\r\n".join([b": ".join(header) for header in headers]), b"\r\n"]
    dropped = HOP_BY_HOP
    for (_, value), name in zip(headers, names, strict=True):
        if name == b"connection":
            named = {token.strip().lower() for token in value.split(b",")}
            # A client could name Host or Authorization here to have them stripped on the way.
            dropped = dropped | (named - {b"host", b"authorization", b"content-length"})
    return [
        b"%b: %b\r\n" % header
        for header, name in zip(headers, names, strict=True)
        if name not in dropped
    ]


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
