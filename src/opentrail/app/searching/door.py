"""The door below `/-/events/`: search, count, facets, histogram, show and tail, for programs.

(1) who calls, by Signature Version 4, (2) may they, (3) what is asked for, (4) the search, in one
of a few threads, (5) the call's record, durable before the answer is out. A caller finds the
events of the account of its key, and no other. See docs/reference/search-api.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import structlog

from opentrail.api.authorization import Authorizer
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.app.searching import answers
from opentrail.app.searching.asking import Ask, Searching, make_search
from opentrail.app.searching.recorded import Failure, SearchRecords
from opentrail.app.searching.requests import (
    AnyAsked,
    CountAsked,
    FacetsAsked,
    HistogramAsked,
    SearchAsked,
    ShowAsked,
    TailAsked,
    as_parameters,
    read_asked,
)
from opentrail.app.searching.tails import Tails, read_last_id
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import SignatureRefused, verify
from opentrail.clock import Clock
from opentrail.errors import InvalidInput, Unavailable
from opentrail.gateway import Answer, GroupCommit, Streaming
from opentrail.ports.events import Search
from opentrail.ports.identities import Identities, signing_secret
from opentrail.search.invalid import InvalidFilter

SERVICE = "opentrail"
SIGNING_NAMES = frozenset({SERVICE, "cloudtrail"})
PREFIX = "/-/events/"
THREADS = 4
THREADS_OF_ACCOUNT = 2
"""However slow an account's searches are, others find a thread."""

TAIL_THREADS = 2
MOST_WAITING = 32
MOST_OF_ACCOUNT = 8
"""Searches under way or waiting; more are refused with 429, so that nobody waits for long."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Operation:
    """One of the door's calls.

    Attributes:
        name: As it is recorded, and as policies allow it: `opentrail:SearchEvents`.
        answer: Given the searching, what is asked, the account and now; None for the tail.
    """

    name: str
    kind: type[AnyAsked]
    answer: Callable[..., dict[str, Any]] | None


_OPERATIONS = {
    "search": _Operation("SearchEvents", SearchAsked, answers.search),
    "count": _Operation("CountEvents", CountAsked, answers.count),
    "facets": _Operation("GetEventFacets", FacetsAsked, answers.facets),
    "histogram": _Operation("GetEventHistogram", HistogramAsked, answers.histogram),
    "show": _Operation("GetEvent", ShowAsked, answers.show),
    "tail": _Operation("TailEvents", TailAsked, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitting:
    """Who may search."""

    identities: Identities
    authorize: Authorizer
    clock: Clock


@dataclass(slots=True)
class _Heard:
    """A call as far as it is dealt with."""

    asked: AnyAsked | None = None
    account: str = ""


class SearchDoor:
    """A LocalDoor."""

    def __init__(
        self,
        searching: Searching,
        admitting: Admitting,
        *,
        records: SearchRecords,
        commit: GroupCommit,
    ) -> None:
        self._searching = searching
        self._admitting = admitting
        self._records = records
        self._commit = commit
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
        self._under_way: Counter[str] = Counter()
        self._turns: dict[str, asyncio.Semaphore] = {}
        # Of their own: slow searches must not hold up what is live.
        self._tail_threads = ThreadPoolExecutor(TAIL_THREADS, thread_name_prefix="tail")
        self._tails = Tails(searching.events, partial(_in_thread, self._tail_threads))

    @property
    def targets(self) -> tuple[bytes, ...]:
        """The request targets that are answered."""
        return tuple(f"{PREFIX}{name}".encode() for name in _OPERATIONS)

    async def __call__(self, request: ObservedRequest) -> Answer | Streaming:
        """The answer; the call's record is durable."""
        operation = _OPERATIONS[request.raw_path.removeprefix(PREFIX)]
        heard = _Heard()
        failure: Failure | None = None
        answer: Answer | Streaming
        try:
            answer = await self._answer(request, operation, heard)
        except Exception as problem:  # noqa: BLE001 - the door's outermost handler
            error = _as_api_error(problem)
            failure = Failure(error.code, str(error))
            answer = _refused(error, problem)
        raw = self._records.record(
            request,
            operation.name,
            as_parameters(heard.asked) if heard.asked is not None else None,
            ended=self._admitting.clock.now(),
            failure=failure,
        )
        await self._commit.appended(raw)
        return answer

    def end_tails(self) -> None:
        """Let the clients of tails go; they come back when the server does."""
        self._tails.end()

    def close(self) -> None:
        """Wait for searches under way."""
        for threads in (self._threads, self._tail_threads):
            threads.shutdown(wait=True, cancel_futures=True)

    async def _answer(
        self, request: ObservedRequest, operation: _Operation, heard: _Heard
    ) -> Answer | Streaming:
        if request.method not in {"GET", "POST"}:
            raise ApiError("MethodNotAllowed", f"{request.method}: expected GET or POST", 405)
        caller = self._caller(request)  # (1)
        self._admitting.authorize(operation.name, ("*",), {}, caller, request)  # (2)
        heard.asked = read_asked(request, operation.kind)  # (3)
        if isinstance(heard.asked, TailAsked):
            return await self._tail(request, heard.asked, caller)
        assert operation.answer is not None
        work = partial(
            operation.answer, self._searching, heard.asked, caller.account_id, caller.now
        )
        return _told(200, await self._bounded(caller.account_id, work))  # (4)

    def _caller(self, request: ObservedRequest) -> Caller:
        scope = read_scope(request)
        identities = self._admitting.identities
        credential = identities.find(scope.access_key_id) if scope is not None else None
        named = scope.service if scope is not None and scope.service in SIGNING_NAMES else SERVICE
        now = self._admitting.clock.now()
        verify(request, scope, signing_secret(credential), now, service=named)
        assert scope is not None
        assert credential is not None
        account = credential.principal.account_id
        if not account:
            raise ApiError("AccessDeniedException", "the key belongs to no account", 403)
        return Caller(
            credential=credential,
            account_id=account,
            region=scope.region,
            request_id="",
            now=now,
            service=SERVICE,
        )

    async def _tail(self, request: ObservedRequest, asked: TailAsked, caller: Caller) -> Streaming:
        account = caller.account_id
        if not self._tails.is_room(account):
            raise _too_many("tails are open")
        sequence, start = asked.resume_from, None
        seen = request.header("last-event-id")
        if seen:
            sequence, start = read_last_id(seen)
        ask = Ask(
            filter=asked.filter,
            since="" if seen else asked.since,
            accounts=frozenset((account,)),
            limit=None,
        )
        read = partial(make_search, ask, caller.now, self._searching.rewrite)
        search = await _in_thread(self._tail_threads, read)
        assert isinstance(search, Search)
        if seen:
            search = replace(search, start=start)
        if sequence is None and search.start is not None:
            sequence = 0
        headers = (
            ("Content-Type", "text/event-stream; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("X-Accel-Buffering", "no"),
        )
        send = partial(self._tails.send, search=search, sequence=sequence, account=account)
        return Streaming(200, headers, send)

    async def _bounded(self, account: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `work` gives, unless too many wait."""
        under_way = self._under_way
        if under_way[account] >= MOST_OF_ACCOUNT or under_way.total() >= MOST_WAITING:
            raise _too_many("searches are under way")
        under_way[account] += 1
        turns = self._turns.setdefault(account, asyncio.Semaphore(THREADS_OF_ACCOUNT))
        try:
            async with turns:
                found = await _in_thread(self._threads, work)
        finally:
            under_way[account] -= 1
        assert isinstance(found, dict)
        return found


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], object]) -> object:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _too_many(what: str) -> ApiError:
    return ApiError("ThrottlingException", f"too many {what}; try again in a moment", 429)


def _as_api_error(problem: Exception) -> ApiError:
    match problem:
        case ApiError():
            return problem
        case SignatureRefused():
            return ApiError(problem.code, str(problem), problem.status)
        case InvalidFilter():
            return ApiError("InvalidFilterException", str(problem))
        case InvalidInput():
            return ApiError("ValidationException", str(problem))
        case Unavailable():
            return ApiError("ServiceUnavailable", str(problem), 503)
        case _:
            _log.error("search_failed", problem=repr(problem))
            return ApiError("InternalFailure", "the search failed; see the server's log", 500)


def _refused(error: ApiError, problem: Exception) -> Answer:
    members: dict[str, Any] = {"__type": error.code, "message": str(error)}
    if isinstance(problem, InvalidFilter):
        members["offset"] = problem.offset
    if isinstance(problem, answers.Ambiguous):
        members["candidates"] = problem.candidates
    return _told(error.status, members, ("x-amzn-ErrorType", error.code))


def _told(status: int, members: dict[str, Any], *headers: tuple[str, str]) -> Answer:
    shown = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers)
    return Answer(status, shown, msgspec.json.encode(members))
