"""Requests that two parsers could read differently are refused, and the server lives on."""

import asyncio

import pytest
from gateway_world import world
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exchange import OK, Upside

from opentrail.targets.webhook import signature_headers, webhook_secret

GOOD = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

HOSTILE = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
    b"Content-Length: 4\r\n\r\nabcd",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "signed length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "coding list": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "blank before colon": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n",
    "chunk size 0x3": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0x3\r\nabc\r\n0\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: h\n\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a header of 200 KB": b"GET / HTTP/1.1\r\nHost: h\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n",
    "2,000 headers": b"GET / HTTP/1.1\r\nHost: h\r\n"
    + b"".join(b"X-%d: b\r\n" % number for number in range(2000))
    + b"\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "absolute target": b"GET http://elsewhere/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused_and_reaches_no_upstream(name: str) -> None:
    async def scene() -> None:
        up = Upside(OK)
        async with world(up) as made:
            try:
                answer = await made.exchange(HOSTILE[name])
            except ConnectionResetError:
                answer = b""

            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
            assert up.seen == [] or name == "chunk size 0x3"
            assert (await made.exchange(GOOD)).endswith(b"hello")

    asyncio.run(scene())


def test_a_webhook_that_leads_back_here_is_refused_and_no_call() -> None:
    """Else its record would set off the rule that posted it, for ever."""
    headers = signature_headers(
        webhook_secret(b"m", "1", "http://h/"), delivery_id="d", seconds=1, body=b"{}"
    )
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    some = b"".join(line + b"\r\n" for line in lines.split(b"\r\n")[:2])

    async def scene() -> None:
        up = Upside(OK)
        async with world(up) as made:
            back = await made.exchange(
                b"POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic dTpw\r\nContent-Length: 2\r\n"
                + lines
                + b"\r\n{}"
            )
            assert back.startswith(b"HTTP/1.1 400 ")
            assert b"webhook" in back
            assert up.seen == made.calls == []

            other = await made.exchange(
                b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n"
                + some
                + b"\r\n{}"
            )
            assert other.endswith(b"hello")

    asyncio.run(scene())


def test_headers_named_by_connection_are_stripped_but_not_the_signed_ones() -> None:
    async def scene() -> None:
        up = Upside(OK)
        async with world(up) as made:
            await made.exchange(
                b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nX-Hop: 1\r\n"
                b"Connection: close, x-hop, host, authorization\r\n\r\n"
            )

            head = up.seen[0][0]
            assert b"X-Hop" not in head
            assert b"Host: h" in head
            assert b"Authorization: a" in head

    asyncio.run(scene())


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(min_size=1, max_size=400))
def test_noise_never_ends_the_server(noise: bytes) -> None:
    async def scene() -> None:
        async with world(Upside(OK)) as made:
            _reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(noise)
            writer.close()

            assert (await made.exchange(GOOD)).endswith(b"hello")

    asyncio.run(scene())
