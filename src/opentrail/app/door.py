"""OpenTrail's own API behind the gateway: answer, keep change and record together, then reply.

A call that changes trails: (1) the handler decides and answers, (2) the call's record is composed
from request and answer, (3) the changes and the record are kept in one step, (4) the record is
appended to the journal, (5) the trails' timelines get their turn at the record's place. After a
crash between (3) and (5), `settle_pending` does what is missing. So no change is ever without its
record, and no record without its change. What is no change of state and cannot be undone (the
deletion of log events) comes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec
import structlog

from opentrail.api.http import OwnServices
from opentrail.api.outcome import Outcome, TakesEffect
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.clock import Clock
from opentrail.errors import StateConflict
from opentrail.gateway import Answer, GroupCommit
from opentrail.ports.journal import JournalReader, JournalWriter
from opentrail.ports.state import Change, StateStore
from opentrail.record import read_record
from opentrail.trail.timeline import (
    PENDING_KIND,
    TIMELINE_KIND,
    PendingCall,
    Timeline,
    TrailTurn,
)
from opentrail.trail.trail import TRAIL_KIND, Trail

HANDLER_THREADS = 4

_log = structlog.get_logger()


class OwnDoor:
    """A LocalDoor for the services that are OpenTrail's own."""

    def __init__(
        self,
        service: OwnServices,
        *,
        compose: Callable[[ObservedCall], bytes],
        commit: GroupCommit,
        journal: JournalReader,
        state: StateStore,
        clock: Clock,
    ) -> None:
        self._service = service
        self._compose = compose
        self._commit = commit
        self._journal = journal
        self._state = state
        self._clock = clock
        self._threads = ThreadPoolExecutor(HANDLER_THREADS, thread_name_prefix="api")
        self._changing = asyncio.Lock()

    async def __call__(self, request: ObservedRequest) -> Answer:
        """The answer; its record is durable."""
        if self._service.may_change(request):
            async with self._changing:
                return await self._answer(request)
        return await self._answer(request)

    async def settle_left(self) -> None:
        """Finish calls whose record the journal refused; to be called now and then.

        Until then delivery waits at their place.
        """
        loop = asyncio.get_running_loop()
        async with self._changing:
            for document in await loop.run_in_executor(
                self._threads, self._state.list, PENDING_KIND
            ):
                pending = msgspec.json.decode(document.body, type=PendingCall)
                place = await self._commit.appended(pending.record)
                await loop.run_in_executor(
                    self._threads, settle, self._state, pending, place[0], place[1]
                )

    async def change(self, decide: Callable[[], tuple[Sequence[Change], bytes]]) -> None:
        """A change without a call: `decide` gives what changes, and the record that tells it.

        Nothing happens when nothing changes.
        """
        loop = asyncio.get_running_loop()
        async with self._changing:
            changes, raw = await loop.run_in_executor(self._threads, decide)
            if not changes:
                return
            outcome = Outcome(200, (), b"", tuple(changes))
            pending = await loop.run_in_executor(self._threads, self._keep, outcome, raw)
            place = await self._commit.appended(raw)
            await loop.run_in_executor(
                self._threads, settle, self._state, pending, place[0], place[1]
            )

    def close(self) -> None:
        """Wait for handlers under way."""
        self._threads.shutdown(wait=True)

    async def _answer(self, request: ObservedRequest) -> Answer:
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, self._service.handle, request)
        raw = self._compose(self._observed(request, outcome))
        if not outcome.changes:
            await self._commit.appended(raw)
        else:
            pending = await loop.run_in_executor(self._threads, self._keep, outcome, raw)
            place = await self._commit.appended(raw)
            await loop.run_in_executor(
                self._threads, settle, self._state, pending, place[0], place[1]
            )
        if outcome.behind is not None:
            await loop.run_in_executor(self._threads, outcome.behind)
        return Answer(outcome.status, outcome.headers, outcome.body)

    def _keep(self, outcome: Outcome, raw: bytes) -> PendingCall:
        pending = PendingCall(
            event_id=read_record(raw).head.event_id,
            record=raw,
            not_before=self._journal.end(),
            own_record_before=outcome.takes_effect is TakesEffect.AFTER,
            turns=tuple(
                TrailTurn(
                    change.key,
                    None if change.body is None else msgspec.json.decode(change.body, type=Trail),
                )
                for change in outcome.changes
                if change.kind == TRAIL_KIND
            ),
        )
        body = msgspec.json.encode(pending)
        change = Change(PENDING_KIND, pending.event_id, body, expected=0)
        self._state.apply([*outcome.changes, change])
        return pending

    def _observed(self, request: ObservedRequest, outcome: Outcome) -> ObservedCall:
        response = ObservedResponse(
            status=outcome.status,
            headers=outcome.headers,
            body=outcome.body,
            body_length=len(outcome.body),
        )
        return ObservedCall(request=request, response=response, failure="", ended=self._clock.now())


def settle(state: StateStore, pending: PendingCall, offset: int, next_offset: int) -> None:
    """Give the changed trails their turn at the record's place (5)."""
    while True:
        with suppress(StateConflict):
            state.apply(_turned(state, pending, offset, next_offset))
            return


def _turned(state: StateStore, pending: PendingCall, offset: int, next_offset: int) -> list[Change]:
    at = next_offset if pending.own_record_before else offset
    changes: list[Change] = []
    for turn in pending.turns:
        document = state.get(TIMELINE_KIND, turn.trail_arn)
        timeline = (
            Timeline() if document is None else msgspec.json.decode(document.body, type=Timeline)
        )
        body = msgspec.json.encode(timeline.turned(at, turn.trail))
        expected = 0 if document is None else document.version
        changes.append(Change(TIMELINE_KIND, turn.trail_arn, body, expected=expected))
    changes.append(Change(PENDING_KIND, pending.event_id, None))
    return changes


def settle_pending(state: StateStore, reader: JournalReader, writer: JournalWriter) -> int:
    """After a start: finish what a crash left between (3) and (5); how many calls that were."""
    documents = state.list(PENDING_KIND)
    pendings = [msgspec.json.decode(one.body, type=PendingCall) for one in documents]
    for pending in sorted(pendings, key=lambda one: one.not_before):
        place = _find(reader, pending)
        if place is None:
            first, after = writer.append([pending.record])
            place = first, after
        settle(state, pending, *place)
        _log.warning("pending_call_settled", event_id=pending.event_id)
    return len(pendings)


def _find(reader: JournalReader, pending: PendingCall) -> tuple[int, int] | None:
    offset = pending.not_before
    while entries := reader.read(offset, 1024 * 1024):
        for entry in entries:
            if entry.raw == pending.record:
                return entry.offset, entry.next_offset
        offset = entries[-1].next_offset
    return None
