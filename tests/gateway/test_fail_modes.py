"""What becomes of calls when intents, journal or second disk can't be written."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from gateway_world import World, read_request, world

from opentrail.adapters.intents import MemoryIntents
from opentrail.adapters.journal import MemoryJournal, SecondDiskJournal
from opentrail.errors import InvalidInput, Unavailable
from opentrail.gateway.policy import FailMode, ModePair, parse_fail_modes
from opentrail.ports.intents import UNNOTED, Intent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CALL = b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
DATA_CALL = b"GET /data/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
SPOOL = ModePair(FailMode.SPOOL, FailMode.SPOOL)
OPEN = ModePair(FailMode.OPEN, FailMode.OPEN)


class Upside:
    """Answers each connection once, and counts."""

    def __init__(self) -> None:
        self.seen = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            self.seen += 1
            writer.write(OK)
            await writer.drain()


class Breaking(MemoryJournal):
    """A journal that can be broken and repaired."""

    broken = False

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        if self.broken:
            raise Unavailable("no room")
        return super().append(raws, numbers)

    def numbers(self) -> list[int]:
        return [entry.number for entry in self.read(0, 1 << 20)]


class BreakingIntents(MemoryIntents):
    broken = False

    def append(self, intents: Sequence[Intent]) -> None:
        if self.broken:
            raise Unavailable("no room")
        super().append(intents)


async def probed(made: World) -> None:
    """A probe and all that follows from it."""
    made.keeper.probe()
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_closed_call_is_not_forwarded_before_its_intent_is_durable() -> None:
    class Slow(MemoryIntents):
        done = 0.0

        def append(self, intents: Sequence[Intent]) -> None:
            time.sleep(0.1)
            self.done = time.monotonic()
            super().append(intents)

    async def scene() -> None:
        seen_at: list[float] = []

        async def up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            seen_at.append(time.monotonic())
            writer.write(OK)

        intents = Slow()
        async with world(up, intents=intents) as made:
            assert (await made.exchange(CALL)).endswith(b"hello")

        assert seen_at[0] >= intents.done > 0
        assert intents.kept == []  # settled: the record is there

    asyncio.run(scene())


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
        + bytes(200_000),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n"
        ),
        b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["large", "chunked", "small"],
)
def test_a_body_of_any_kind_follows_its_intent(request_bytes: bytes) -> None:
    async def scene() -> None:
        journal = Breaking()
        async with world(Upside(), journal=journal) as made:
            assert (await made.exchange(request_bytes)).endswith(b"hello")

            assert journal.numbers() == [1]
            assert made.keeper.numbers.recorded == made.keeper.numbers.forwarded == 1

    asyncio.run(scene())


def test_without_its_intent_a_closed_call_is_refused_and_not_forwarded() -> None:
    async def scene() -> None:
        up, intents = Upside(), BreakingIntents()
        intents.broken = True
        async with world(up, intents=intents) as made:
            answer = await made.exchange(CALL)

            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1" in answer
            assert up.seen == 0
            assert made.calls == []
            assert made.keeper.counts["refused"] == 1
            assert made.keeper.numbers.forwarded == 0

    asyncio.run(scene())


def test_a_closed_call_that_ran_is_recorded_when_the_journal_is_back() -> None:
    async def scene() -> None:
        up, journal = Upside(), Breaking()
        journal.broken = True
        async with world(up, journal=journal) as made:
            first = await made.exchange(CALL)
            second = await made.exchange(CALL)

            assert first.startswith(b"HTTP/1.1 503 ")
            assert b"could not be recorded" in first
            assert second.startswith(b"HTTP/1.1 503 ")
            assert up.seen == 1  # the second one was refused at the door
            await probed(made)
            assert made.keeper.failing

            journal.broken = False
            await probed(made)

            assert not made.keeper.failing
            assert journal.numbers() == [1, 0]  # the call, and the outage's own record
            (outage,) = made.outages
            assert (outage.refused, outage.lost, outage.late) == (1, 0, 1)
            assert (await made.exchange(CALL)).endswith(b"hello")

    asyncio.run(scene())


def test_a_spooled_call_is_answered_and_recorded_late() -> None:
    async def scene() -> None:
        journal = Breaking()
        journal.broken = True
        async with world(Upside(), journal=journal, modes=SPOOL) as made:
            for _ in range(3):
                assert (await made.exchange(CALL)).endswith(b"hello")
            assert made.keeper.waiting == 3
            assert made.keeper.numbers.under_way == 3

            journal.broken = False
            await probed(made)

            assert journal.numbers() == [UNNOTED + 1, UNNOTED + 2, UNNOTED + 3, 0]
            assert made.keeper.waiting == 0
            assert made.keeper.numbers.recorded == 3

    asyncio.run(scene())


def test_spooled_calls_are_refused_when_nothing_more_may_wait() -> None:
    async def scene() -> None:
        up, journal = Upside(), Breaking()
        journal.broken = True
        async with world(up, journal=journal, modes=SPOOL, memory_bytes=3) as made:
            answers = [await made.exchange(CALL) for _ in range(4)]

            assert [one[:12] for one in answers] == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 503"] * 2
            assert up.seen == 2

    asyncio.run(scene())


def test_an_open_call_goes_on_and_its_loss_is_counted_and_told() -> None:
    async def scene() -> None:
        journal = Breaking()
        journal.broken = True
        async with world(Upside(), journal=journal, modes=OPEN) as made:
            for _ in range(3):
                assert (await made.exchange(CALL)).endswith(b"hello")

            assert made.keeper.counts["lost"] == 3
            assert made.keeper.numbers.forwarded == 3
            assert made.keeper.numbers.recorded == 0
            journal.broken = False
            await probed(made)
            assert made.outages[-1].lost == 3
            assert journal.numbers() == [0]

    asyncio.run(scene())


def test_the_category_of_a_call_decides_its_mode() -> None:
    async def scene() -> None:
        journal = Breaking()
        journal.broken = True
        modes = ModePair(FailMode.CLOSED, FailMode.OPEN)
        async with world(Upside(), journal=journal, modes=modes) as made:
            assert (await made.exchange(DATA_CALL)).endswith(b"hello")
            assert (await made.exchange(CALL)).startswith(b"HTTP/1.1 503 ")

    asyncio.run(scene())


def test_an_upstream_that_hangs_is_given_up_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opentrail.gateway.server._SWEEP_SECONDS", 0.05)

    async def hangs(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        await asyncio.sleep(30)

    async def scene() -> None:
        async with world(hangs, upstream_seconds=0.2) as made:
            answer = await made.exchange(CALL)

            assert answer.startswith(b"HTTP/1.1 504 ")
            assert made.calls[0].failure_code == "GatewayTimeout"
            assert "said nothing for 0.2 s" in made.calls[0].failure

    asyncio.run(scene())


def test_an_upstream_that_hangs_inside_its_answer_breaks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opentrail.gateway.server._SWEEP_SECONDS", 0.05)

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")
        await asyncio.sleep(30)

    async def scene() -> None:
        async with world(hangs, upstream_seconds=0.2) as made:
            answer = await made.exchange(CALL)

            assert answer.endswith(b"half")  # cut off: shorter than it says
            assert "said nothing" in made.calls[0].failure

    asyncio.run(scene())


def test_a_second_disk_takes_records_and_gives_them_back_in_order(tmp_path: Path) -> None:
    disk = SecondDiskJournal(tmp_path / "spool", limit_bytes=1000)
    assert all(disk.put([b"%d" % number] * 2, number) for number in range(1, 6))
    disk.close()

    disk = SecondDiskJournal(tmp_path / "spool", limit_bytes=1000)

    first = disk.take(3)  # the second call's two records stay together
    assert first == [(b"1", 1)] * 2 + [(b"2", 2)] * 2
    disk.taken(4)
    rest = disk.take(100)
    assert [number for _, number in rest] == [3, 3, 4, 4, 5, 5]
    disk.taken(6)
    assert disk.take(1) == []
    assert not (tmp_path / "spool").exists()
    assert not disk.put([bytes(2000)], 6)


def test_fail_modes_are_looked_up_from_the_particular_to_the_general() -> None:
    modes = parse_fail_modes(["*=spool", "s3/data=open", "*/data=closed", "iam=open"])

    assert modes.of("s3") == ModePair(FailMode.SPOOL, FailMode.OPEN)
    assert modes.of("iam") == ModePair(FailMode.OPEN, FailMode.OPEN)
    assert modes.of("sqs") == ModePair(FailMode.SPOOL, FailMode.CLOSED)
    assert parse_fail_modes([]).of("sqs") == ModePair(FailMode.CLOSED, FailMode.CLOSED)


@pytest.mark.parametrize("text", ["s3", "s3=loud", "=open", "s3/objects=open"])
def test_a_fail_mode_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected SERVICE"):
        parse_fail_modes([text])
