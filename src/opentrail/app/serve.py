"""The server: the doors in this process, the workers and the embedded services beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import uvloop

from opentrail import __version__
from opentrail.app.door import CloudTrailDoor, settle_pending
from opentrail.app.embedded import EmbeddedServices
from opentrail.app.lock import DirectoryLock
from opentrail.app.processes import Processes, Program
from opentrail.app.recorder import Recorder
from opentrail.app.settings import Settings, as_environment
from opentrail.app.status import ServerStatus, write_status
from opentrail.app.upstreams import Doors, Upstreams, parse_upstreams
from opentrail.app.wiring import Parts, open_parts
from opentrail.errors import Unavailable
from opentrail.gateway import GatewayServer, GroupCommit
from opentrail.gateway.exchange import Recording
from opentrail.gateway.source_address import parse_networks

WORKERS = "workers"
TICK_SECONDS = 0.5
DRAIN_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Started:
    """What the person at the terminal wants to know.

    Attributes:
        embedded: Whether SeaweedFS and moto were started.
    """

    endpoint: str
    embedded: bool
    version: str = __version__


def serve(settings: Settings, announce: Callable[[Started], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        InvalidInput: a setting does not fit, or the data directory is in use.
        Unavailable: an embedded service does not start, or the port is taken.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = DirectoryLock(settings.data / "lock")
    lock.take()
    processes = Processes()
    parts = open_parts(settings)
    named = parse_upstreams(settings.upstreams)
    embedded: EmbeddedServices | None = None
    try:
        if not named.named:
            embedded = EmbeddedServices(processes, settings.data / "embedded")
            embedded.start(parts.embedded_credentials())
            named = parse_upstreams(
                (
                    f"s3=http://127.0.0.1:{embedded.s3_port}",
                    f"*=http://127.0.0.1:{embedded.moto_port}",
                )
            )
        uvloop.run(_run(settings, parts, named, processes, embedded, announce))
    finally:
        processes.stop(WORKERS)
        if embedded is not None:
            embedded.stop()


async def _run(
    settings: Settings,
    parts: Parts,
    upstreams: Upstreams,
    processes: Processes,
    embedded: EmbeddedServices | None,
    announce: Callable[[Started], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    journal = parts.open_journal()
    settle_pending(parts.state, parts.journal_reader, journal)
    recorder = parts.recorder()
    commit = GroupCommit(journal)
    door = CloudTrailDoor(
        parts.cloudtrail_service(parts.object_store(str(upstreams.of("s3")))),
        compose=recorder.compose,
        commit=commit,
        journal=parts.journal_reader,
        state=parts.state,
        clock=parts.clock,
    )
    doors = Doors(
        own=door,
        recording=Recording(recorder.records, commit, parts.clock),
        trusted=parse_networks(settings.trusted_proxies),
    )
    server = GatewayServer(partial(upstreams.exchange, doors))
    try:
        port = await server.start(settings.host, settings.port)
    except OSError as cause:
        commit.close()
        why = os.strerror(cause.errno) if cause.errno else str(cause)
        raise Unavailable(
            f"{settings.host}:{settings.port} can't be listened on: {why}; "
            "choose another with --port or OPENTRAIL_PORT"
        ) from cause
    processes.start(_workers(settings, upstreams))
    announce(Started(f"http://{settings.host}:{port}", embedded is not None))
    keeper = _Keeper(settings, parts, recorder, f"http://{settings.host}:{port}")
    try:
        await _tick(stop, keeper, door, processes, embedded)
    finally:
        await server.stop(DRAIN_SECONDS)
        door.close()
        commit.close()
        keeper.write()
        upstreams.close()


async def _tick(
    stop: asyncio.Event,
    keeper: _Keeper,
    door: CloudTrailDoor,
    processes: Processes,
    embedded: EmbeddedServices | None,
) -> None:
    while not stop.is_set():
        processes.watch()
        keeper.write()
        if embedded is not None:
            embedded.refresh(keeper.parts.embedded_credentials())
        try:
            await door.settle_left()
        except Exception:  # noqa: BLE001 - the journal or the disk; tried again at the next tick
            _log.exception("pending_calls_not_settled")
        try:
            await asyncio.wait_for(stop.wait(), TICK_SECONDS)
        except TimeoutError:
            continue


class _Keeper:
    """Writes the status file."""

    def __init__(self, settings: Settings, parts: Parts, recorder: Recorder, endpoint: str) -> None:
        self.parts = parts
        self._data: Path = settings.data
        self._recorder = recorder
        self._endpoint = endpoint
        self._started = parts.clock.now()

    def write(self) -> None:
        counts = self._recorder.counts
        write_status(
            self._data,
            ServerStatus(
                process=os.getpid(),
                started=self._started,
                written=self.parts.clock.now(),
                endpoint=self._endpoint,
                calls=counts["calls"],
                undecoded=counts["undecoded"],
                failed=counts["failed"],
                journal_end=self.parts.journal_reader.end(),
            ),
        )


def _workers(settings: Settings, upstreams: Upstreams) -> Program:
    environment = dict(os.environ) | as_environment(settings)
    environment["OPENTRAIL_UPSTREAMS"] = f"s3={upstreams.of('s3')}"
    return Program(
        name=WORKERS,
        arguments=[sys.executable, "-m", "opentrail", "run", "workers"],
        environment=environment,
        output=settings.data / "workers.log",
        death_signal=signal.SIGKILL,
    )
