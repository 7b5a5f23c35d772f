"""Calls pass unchanged, and end only when they are recorded."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from gateway_world import World, read_request, world

from opentrail.adapters.journal import MemoryJournal
from opentrail.errors import Unavailable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amz-Request-Id: R1\r\n\r\nhello"


class Upside:
    """Answers every request on a connection with the same bytes, and keeps what came."""

    def __init__(self, answer: bytes, *, close: bool = False) -> None:
        self.answer = answer
        self.close = close
        self.seen: list[tuple[bytes, bytes]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.seen.append(await read_request(reader))
                writer.write(self.answer)
                await writer.drain()
                if self.close:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()


def test_method_target_headers_and_body_reach_the_upstream_unchanged() -> None:
    async def scene() -> None:
        up = Upside(OK)
        async with world(up) as made:
            request = (
                b"PUT /b/k%20x/../y?acl&x=%2F HTTP/1.1\r\nHost: b.s3.example:4600\r\n"
                b"AuthOrization: AWS4-HMAC-SHA256 x\r\nX-Amz-Date:  20260101T000000Z\r\n"
                b"Content-Length: 4\r\nConnection: close\r\n\r\nbody"
            )

            answer = await made.exchange(request)

            head, body = up.seen[0]
            assert head.split(b"\r\n")[0] == b"PUT /b/k%20x/../y?acl&x=%2F HTTP/1.1"
            assert b"\r\nHost: b.s3.example:4600\r\n" in head
            assert b"\r\nAuthOrization: AWS4-HMAC-SHA256 x\r\n" in head
            assert b"Connection" not in head
            assert body == b"body"
            assert answer.endswith(b"hello")
            assert b"X-Amz-Request-Id: R1" in answer
            assert made.calls[0].request.target == "/b/k%20x/../y?acl&x=%2F"
            assert made.calls[0].request.body == b"body"
            assert made.calls[0].response is not None
            assert made.calls[0].response.body == b"hello"

    asyncio.run(scene())


def test_chunked_bodies_pass_both_ways() -> None:
    async def scene() -> None:
        up = Upside(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        async with world(up) as made:
            request = (
                b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                b"Connection: close\r\n\r\n4\r\nwork\r\n0\r\n\r\n"
            )

            answer = await made.exchange(request)

            assert up.seen[0][1] == b"4\r\nwork\r\n0\r\n\r\n"
            assert answer.endswith(b"3\r\nabc\r\n0\r\n\r\n")
            assert made.calls[0].request.body == b"work"

    asyncio.run(scene())


def test_an_answer_that_ends_with_its_connection_is_passed_on() -> None:
    async def scene() -> None:
        up = Upside(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True)
        async with world(up) as made:
            answer = await made.exchange(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

            assert b"until the end" in answer
            assert answer.endswith(b"0\r\n\r\n")

    asyncio.run(scene())


def test_a_head_answer_has_no_body_and_the_connections_go_on() -> None:
    async def scene() -> None:
        up = Upside(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        async with world(up) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            for _ in range(2):
                writer.write(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                assert b"Content-Length: 1000" in head
            writer.close()

            assert len(made.calls) == 2

    asyncio.run(scene())


def test_the_hundred_continue_of_the_upstream_is_passed_on() -> None:
    async def upside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(4) == b"body"
        writer.write(OK)

    async def scene() -> None:
        async with world(upside) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(
                b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            writer.write(b"body")
            _head, body = await made.one_answer(reader)
            writer.close()

            assert body == b"hello"

    asyncio.run(scene())


def test_requests_sent_ahead_are_answered_in_order() -> None:
    async def upside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head, _body = await read_request(reader)
            except asyncio.IncompleteReadError:
                writer.close()
                return
            name = head.split(b" ")[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))

    async def scene() -> None:
        async with world(upside) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(20)))
            bodies = [(await made.one_answer(reader))[1] for _ in range(20)]
            writer.close()

            assert bodies == [b"/%d" % n for n in range(20)]
            assert [call.request.target for call in made.calls] == [f"/{n}" for n in range(20)]

    asyncio.run(scene())


def test_a_dead_upstream_gives_502_and_a_record() -> None:
    async def scene(made: World) -> bytes:
        return await made.exchange(
            b"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: T.Op\r\nContent-Length: 2\r\n"
            b"Connection: close\r\n\r\n{}"
        )

    async def run() -> None:
        async def upside(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        async with world(upside) as made:
            answer = await scene(made)

            assert answer.startswith(b"HTTP/1.1 502 ")
            assert b'"__type":"BadGateway"' in answer
            assert made.calls[0].response is None
            assert "closed the connection" in made.calls[0].failure

    asyncio.run(run())


class Refusing:
    """A journal whose disk is full."""

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        raise Unavailable(f"no room for {len(raws)}")


def test_a_call_that_cannot_be_recorded_gets_503_and_not_its_answer() -> None:
    async def scene() -> None:
        async with world(Upside(OK), journal=Refusing()) as made:
            answer = await made.exchange(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")

            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"hello" not in answer

    asyncio.run(scene())


class Slow(MemoryJournal):
    """Takes its time for a sync."""

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        time.sleep(0.2)
        self.done = time.monotonic()
        return super().append(raws, numbers)


@pytest.mark.parametrize(
    "answer", [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_the_end_of_an_answer_waits_for_the_journal(answer: bytes) -> None:
    async def scene() -> None:
        journal = Slow()
        async with world(Upside(answer), journal=journal) as made:
            await made.exchange(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

            assert time.monotonic() >= journal.done

    asyncio.run(scene())


def test_a_client_that_leaves_mid_upload_is_recorded() -> None:
    async def scene() -> None:
        async with world(Upside(OK)) as made:
            _reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
            for _ in range(100):
                if made.calls:
                    break
                await asyncio.sleep(0.02)

            assert "client closed" in made.calls[0].failure
            assert made.calls[0].request.body == b"half"

    asyncio.run(scene())


def test_large_bodies_are_counted_but_not_kept_whole() -> None:
    size = 8 * 1024 * 1024

    async def scene() -> None:
        async with world(Upside(OK)) as made:
            head = (
                b"PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            )

            answer = await made.exchange(head % size + bytes(size))

            assert answer.endswith(b"hello")
            assert made.calls[0].request.body_length == size
            assert len(made.calls[0].request.body) == 1024 * 1024

    asyncio.run(scene())


def test_an_answer_before_the_end_of_a_large_request_does_not_hang() -> None:
    size = 32 * 1024 * 1024

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        await writer.drain()
        await asyncio.sleep(5)

    async def scene() -> None:
        async with world(early) as made:
            head = b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(head + bytes(size))
            await asyncio.wait_for(writer.drain(), 10)

            answer = await asyncio.wait_for(reader.readuntil(b"large"), 10)

            assert answer.startswith(b"HTTP/1.1 413 ")
            writer.write(b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await asyncio.wait_for(reader.readuntil(b"large"), 10)
            writer.close()

    asyncio.run(scene())
