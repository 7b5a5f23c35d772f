"""The process of the workers: each follows the journal at its own pace in its own thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from opentrail.app.watching.log_queries import QueryParts
from opentrail.app.wiring import Parts, open_event_store

IDLE_SECONDS = 0.1
"""Pause of a worker that found nothing to do: far below the 2 s promised to LookupEvents."""

FAILED_SECONDS = 1.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loop:
    """A worker's step, to be repeated.

    Attributes:
        step: Does what there is to do; how much that was.
        stop: Called when the process is to end, for steps that take long.
    """

    name: str
    step: Callable[[], int]
    idle_seconds: float = IDLE_SECONDS
    stop: Callable[[], None] = lambda: None


def run_loops(loops: tuple[Loop, ...]) -> None:
    """Run every loop until SIGTERM or SIGINT; to be called in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [threading.Thread(target=repeat, args=(loop, stop), name=loop.name) for loop in loops]
    for thread in threads:
        thread.start()
    stop.wait()
    for loop in loops:
        loop.stop()
    for thread in threads:
        thread.join()


def repeat(loop: Loop, stop: threading.Event) -> None:
    """Step until told to stop; a failure is logged and tried again."""
    while not stop.is_set():
        try:
            done = loop.step()
        except Exception:  # noqa: BLE001 - a worker's loop: it must outlive whatever its step met
            _log.exception("worker_failed", worker=loop.name)
            stop.wait(FAILED_SECONDS)
            continue
        if not done:
            stop.wait(loop.idle_seconds)


def worker_loops(parts: Parts, endpoint: Callable[[str], str]) -> tuple[Loop, ...]:
    """All workers: closing files, bringing them away (and signing), feeding the store of events."""
    outside = parts.outside(endpoint)
    delivery = parts.delivery_worker()
    responding = parts.responding()
    targets = responding.worker(outside.client, outside.destinations.log_groups)
    store = open_event_store(parts.settings)
    store.sweep()
    away = (
        parts.sending_worker(outside).step,
        parts.chain_keeper().step,
        parts.digest_worker(outside.store).step,
    )
    return (
        *_log_loops(parts),
        Loop("delivery", delivery.step),
        Loop("sending", lambda: sum(step() for step in away)),
        Loop("notifications", parts.notification_worker(outside).step, idle_seconds=0.5),
        Loop("events", parts.events_worker(store).step, idle_seconds=0.05),
        Loop("rules", parts.rules_worker().step, idle_seconds=0.05),
        Loop("schedules", parts.schedule_worker().step, idle_seconds=0.5),
        Loop("sigma", parts.sigma_worker().step, idle_seconds=0.05),
        Loop("alarms", parts.alarms().worker().step, idle_seconds=0.05),
        Loop("metrics", parts.alarms().keeper().step, idle_seconds=60.0),
        Loop("targets", targets.step, idle_seconds=0.05),
        Loop("outbox", responding.keeper().step, idle_seconds=60.0),
        Loop("sessions", parts.sessions_worker().step, idle_seconds=0.5),
        Loop("insights", parts.insights_worker().step, idle_seconds=0.5),
        Loop("joining", parts.events_keeper(store).step, idle_seconds=1.0),
    )


def _log_loops(parts: Parts) -> tuple[Loop, ...]:
    """The workers of OpenTrail's own log groups, if it has any."""
    groups = parts.log_groups()
    if not groups.is_own:
        return ()
    return (
        Loop("log filters", groups.filter_worker().step, idle_seconds=0.05),
        Loop("log events", groups.keeper().step, idle_seconds=60.0),
        *_query_loops(groups.queries),
    )


def _query_loops(queries: QueryParts) -> tuple[Loop, ...]:
    """Queries of Logs Insights, some at once."""
    keeper, runner = queries.keeper(), queries.runner()
    keeper.settle()

    def keep() -> int:
        runner.rest()
        return keeper.step()

    return (
        *(
            Loop(f"queries {number}", worker.step, stop=worker.stop)
            for number, worker in enumerate(queries.workers(runner), 1)
        ),
        Loop("old queries", keep, idle_seconds=5.0, stop=runner.close),
    )
