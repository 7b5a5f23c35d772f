"""The server: the doors in this process, the workers and the embedded services beside it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog
import uvloop

from opentrail import __version__
from opentrail.app.door import OwnDoor
from opentrail.app.embedded import EmbeddedServices
from opentrail.app.intake import Intake
from opentrail.app.key_lookup import KeyLookup, upstream_answers
from opentrail.app.lock import DirectoryLock
from opentrail.app.organization import OrganizationKeeper
from opentrail.app.policy_templates import PolicyTemplates
from opentrail.app.processes import Processes, Program
from opentrail.app.responding.links import TopicLinks
from opentrail.app.responding.records import WaitingRecords
from opentrail.app.searching.door import Admitting, SearchDoor
from opentrail.app.searching.recorded import SearchRecords
from opentrail.app.settings import Settings, as_environment
from opentrail.app.telemetry.metrics import PATH as METRICS_PATH
from opentrail.app.telemetry.reporter import Reporter
from opentrail.app.upstreams import Doors, Upstreams, parse_upstreams
from opentrail.app.wiring import Parts, open_parts, open_searching
from opentrail.app.writing.opening import Writing, open_writing
from opentrail.errors import InvalidInput, Unavailable
from opentrail.gateway import GatewayServer
from opentrail.gateway.policy import parse_fail_modes
from opentrail.gateway.route import Recording
from opentrail.gateway.source_address import parse_networks
from opentrail.gateway.turns import Turns
from opentrail.ports.events import EventReader
from opentrail.recorder.sinks import IDENTITY_PATH, RECORDS_PATH

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


ALWAYS_OWN = frozenset({"cloudtrail", "cloudtrail-data"})
"""Services that no upstream takes over; other own ones go elsewhere if one is named for them."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What is done at each tick.

    Attributes:
        settling: What may fail, and is tried again at the next tick.
    """

    quick: tuple[Callable[[], None], ...]
    settling: tuple[Callable[[], Awaitable[None]], ...]


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
    responding = parts.responding()
    responding.check()
    if not settings.s3_access_key_id:  # that one is somebody's, and its secret not ours to keep
        parts.identities.learn([responding.responder()])
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
    writing = open_writing(parts)
    events = parts.events()
    searches = _open_searches(parts, writing, events)
    doors, door, reporter, organizations = _open_doors(
        settings, parts, upstreams, writing, events, searches
    )
    outbox, counts = parts.outbox(), parts.call_counts()
    responses = WaitingRecords(outbox.responses, outbox.recorded, writing.commit)
    insights = WaitingRecords(counts.waiting, counts.appended, writing.commit)
    server = GatewayServer(partial(upstreams.exchange, doors))
    try:
        port = await server.start(settings.host, settings.port, _tls(settings))
    except OSError as cause:
        writing.commit.close()
        why = os.strerror(cause.errno) if cause.errno else str(cause)
        raise Unavailable(
            f"{settings.host}:{settings.port} can't be listened on: {why}; "
            "choose another with --port or OPENTRAIL_PORT"
        ) from cause
    scheme = "https" if settings.tls_certificate else "http"
    reporter.endpoint = f"{scheme}://{settings.host}:{port}"
    processes.start(_workers(settings, upstreams))
    _spare_the_collector()
    announce(Started(reporter.endpoint, embedded is not None))
    try:
        duties = Duties(
            (reporter.write, writing.keeper.probe, writing.trimmer.step),
            (door.settle_left, organizations.adopt, responses.take, insights.take),
        )
        await _tick(stop, parts, duties, processes, embedded)
    finally:
        searches.end_tails()
        await server.stop(DRAIN_SECONDS)
        door.close()
        searches.close()
        responses.close()
        insights.close()
        writing.commit.close()
        reporter.write()
        upstreams.close()


def _open_searches(parts: Parts, writing: Writing, events: EventReader) -> SearchDoor:
    return SearchDoor(
        open_searching(parts.settings, events),
        Admitting(identities=parts.identities, authorize=parts.authorizer(), clock=parts.clock),
        records=SearchRecords(writing.recorder),
        commit=writing.commit,
    )


def _open_doors(
    settings: Settings,
    parts: Parts,
    upstreams: Upstreams,
    writing: Writing,
    events: EventReader,
    searches: SearchDoor,
) -> tuple[Doors, OwnDoor, Reporter, OrganizationKeeper]:
    """Every door; the reporter, and what is to be settled now and then, beside them."""
    services = parts.own_services(parts.outside(upstreams.url), events)
    door = OwnDoor(
        services,
        compose=writing.recorder.compose,
        commit=writing.commit,
        journal=parts.journal_reader,
        state=parts.state,
        clock=parts.clock,
    )
    intake = Intake(
        writing.commit,
        identities=parts.identities,
        state=parts.state,
        clock=parts.clock,
        gap_record=writing.outages.missing,
    )
    reporter = Reporter(parts, writing, intake)
    reporter.upstreams = upstreams.texts()
    organizations = OrganizationKeeper(parts, door, named="organizations" in upstreams.named)
    templates = PolicyTemplates(parts.clock, writing.recorder.compose, writing.commit)
    links = TopicLinks(parts.responding(), door, writing.recorder.compose, writing.commit)
    own = services.names - (upstreams.named.keys() - ALWAYS_OWN) - {"organizations"}
    doors = Doors(
        own=door,
        answers=lambda service: service in own or organizations.answers(service),
        by_target={
            **dict.fromkeys(templates.targets, templates),
            **dict.fromkeys(searches.targets, searches),
            **dict.fromkeys(links.targets, links),
            METRICS_PATH.encode(): reporter.metrics,
            RECORDS_PATH.encode(): intake,
            IDENTITY_PATH.encode(): intake,
        },
        recording=Recording(
            writing.recorder.begin,
            writing.keeper,
            parts.clock,
            Turns(),
            settings.upstream_timeout_seconds,
            _key_lookup(settings, parts, upstreams),
        ),
        checks=writing.recorder.options.signatures,
        modes=parse_fail_modes(settings.fail_modes),
        trusted=parse_networks(settings.trusted_proxies),
    )
    return doors, door, reporter, organizations


async def _tick(
    stop: asyncio.Event,
    parts: Parts,
    duties: Duties,
    processes: Processes,
    embedded: EmbeddedServices | None,
) -> None:
    while not stop.is_set():
        processes.watch()
        for duty in duties.quick:
            duty()
        if embedded is not None:
            embedded.refresh(parts.embedded_credentials())
        for settle in duties.settling:
            try:
                await settle()
            except Exception:  # noqa: BLE001 - the journal or the disk; tried again next time
                _log.exception("not_settled")
        try:
            await asyncio.wait_for(stop.wait(), TICK_SECONDS)
        except TimeoutError:
            continue


def _spare_the_collector() -> None:
    """Leave out of garbage collection what stays for good.

    The service models are hundreds of thousands of objects; looking through them again and again
    held up every call for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 200)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 and later with the certificate of the settings, None without one.

    Raises:
        InvalidInput: certificate or key can't be used.
    """
    if not settings.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as cause:
        raise InvalidInput(
            f"TLS certificate {settings.tls_certificate} or its key can't be used: {cause}"
        ) from cause
    return context


def _key_lookup(
    settings: Settings, parts: Parts, upstreams: Upstreams
) -> Callable[[str], Awaitable[None]] | None:
    if not settings.look_up_keys:
        return None
    key = next(iter(parts.identities.all_credentials()))
    answers = upstream_answers(
        str(upstreams.of("sts")), str(upstreams.of("iam")), settings.region, key
    )
    return KeyLookup(parts.identities, answers).look_up


def _workers(settings: Settings, upstreams: Upstreams) -> Program:
    environment = dict(os.environ) | as_environment(settings)
    environment["OPENTRAIL_UPSTREAMS"] = ",".join(upstreams.texts())
    if not settings.upstreams and settings.encryption == "auto":
        environment["OPENTRAIL_ENCRYPTION"] = "envelope"
    return Program(
        name=WORKERS,
        arguments=[sys.executable, "-m", "opentrail", "run", "workers"],
        environment=environment,
        output=settings.data / "workers.log",
        death_signal=signal.SIGKILL,
    )
