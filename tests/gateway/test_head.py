"""Heads are written anew from what was parsed."""

import pytest

from opentrail.gateway.head import RawHeaders, end_to_end, refusal

HOST = (b"Host", b"h")


@pytest.mark.parametrize(
    ("headers", "written"),
    [
        ((), b""),
        ((HOST,), b"Host: h\r\n"),
        ((HOST, (b"X-A", b" two  words ")), b"Host: h\r\nX-A:  two  words \r\n"),
        ((HOST, (b"Connection", b"close")), b"Host: h\r\n"),
        ((HOST, (b"TE", b"x"), (b"Upgrade", b"x"), (b"x-b", b"")), b"Host: h\r\nx-b: \r\n"),
        ((HOST, (b"Connection", b"x-a, host"), (b"X-A", b"1")), b"Host: h\r\n"),
        (((b"A", b"1"), (b"A", b"2")), b"A: 1\r\nA: 2\r\n"),
    ],
)
def test_lines_that_go_to_the_other_side(headers: RawHeaders, written: bytes) -> None:
    assert b"".join(end_to_end(headers)) == written


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ((HOST,), False),
        ((HOST, (b"content-length", b"3")), False),
        ((HOST, (b"Transfer-Encoding", b" Chunked ")), False),
        ((HOST, (b"Content-Length", b"3x")), True),
        ((HOST, (b"Content-Length", b"3"), (b"content-length", b"3")), True),
        ((HOST, (b"Content-Length", b"3"), (b"transfer-encoding", b"chunked")), True),
        ((HOST, (b"Transfer-Encoding", b"gzip")), True),
        ((HOST, (b"host", b"i")), True),
        ((), True),
    ],
)
def test_what_is_refused(headers: RawHeaders, refused: bool) -> None:
    assert bool(refusal(100, "1.1", b"/", headers)) is refused
