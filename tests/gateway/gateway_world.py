"""A gateway between a client and an upstream that does as each test says; all on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from opentrail.adapters.intents import MemoryIntents
from opentrail.adapters.journal import MemoryJournal
from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.clock import SystemClock
from opentrail.gateway import Client, GatewayServer, GroupCommit, ProxyExchange, RequestHead
from opentrail.gateway.keeper import Keeper, Outage
from opentrail.gateway.numbers import Numbers
from opentrail.gateway.observing import observed_head
from opentrail.gateway.policy import ModePair
from opentrail.gateway.route import Recording, Route
from opentrail.gateway.turns import Turns
from opentrail.gateway.upstream import Upstream, UpstreamPool
from opentrail.ports.intents import IntentLog
from opentrail.ports.journal import JournalWriter

Upside = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class World:
    port: int
    calls: list[ObservedCall] = field(default_factory=list)
    upstream_port: int = 0
    intents: IntentLog = field(default_factory=MemoryIntents)
    keeper: Keeper = field(init=False)
    outages: list[Outage] = field(default_factory=list)

    async def exchange(self, request: bytes) -> bytes:
        """Send, half-close, and read to the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    async def one_answer(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
        """The head and the body (by Content-Length) of the next answer."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return head, await asyncio.wait_for(reader.readexactly(length), 10)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a request with Content-Length or chunks (chunks as they came)."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            body = await reader.readexactly(int(line.split(b":")[1]))
        if line.startswith(b"transfer-encoding:"):
            while not body.endswith(b"0\r\n\r\n"):
                body += await reader.read(65536)
    return head, body


class Begun:
    """Keeps what was observed; its records are two braces."""

    def __init__(self, made: World, request: ObservedRequest, event_id: str) -> None:
        self.event_id = event_id or "one"
        self.unknown_key = ""
        self.refusal = None
        self.data = request.target.startswith("/data")
        self._made = made

    def intent(self) -> bytes:
        return b'{"intent":true}'

    def records(self, observed: ObservedCall) -> tuple[bytes, ...]:
        self._made.calls.append(observed)
        return (b"{}",)


@asynccontextmanager
async def world(
    upside: Upside,
    *,
    journal: JournalWriter | None = None,
    intents: IntentLog | None = None,
    modes: ModePair = ModePair(),  # noqa: B008 - frozen
    memory_bytes: int = 1 << 20,
    upstream_seconds: float = 900.0,
) -> AsyncIterator[World]:
    """A gateway in front of an upstream whose connections `upside` serves."""
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await upside(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    upstream_port = server.sockets[0].getsockname()[1]
    pool = UpstreamPool(Upstream("127.0.0.1", upstream_port, tls=False))
    made = World(0, upstream_port=upstream_port)
    if intents is not None:
        made.intents = intents
    commit = GroupCommit(journal or MemoryJournal(), made.intents)
    numbers = Numbers(made.intents, 0)

    def outage_record(outage: Outage) -> bytes:
        made.outages.append(outage)
        return b"{}"

    made.keeper = Keeper(
        commit,
        numbers,
        clock=SystemClock(),
        outage_record=outage_record,
        memory_bytes=memory_bytes,
    )
    recording = Recording(
        lambda request, event_id, _hash: Begun(made, request, event_id),
        made.keeper,
        SystemClock(),
        Turns(),
        upstream_seconds,
    )

    def open_exchange(client: Client, head: RequestHead) -> ProxyExchange:
        request = observed_head(head, client, recording.clock)
        return ProxyExchange(client, head, request, Route(pool, modes), recording)

    gateway = GatewayServer(open_exchange)
    made.port = await gateway.start("127.0.0.1", 0)
    try:
        yield made
    finally:
        await gateway.stop(0)
        pool.close()
        for writer in writers:
            writer.transport.abort()
        server.close()
        commit.close()
        await asyncio.sleep(0.01)
