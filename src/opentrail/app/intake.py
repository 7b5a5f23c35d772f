"""The door for records that programs make themselves (recorder.sinks): checked, numbered, kept.

A record is kept as it comes. It must be one, and of the account of the key that signed; what is
refused is told with its line. A source numbers its records; a number that is missing is counted
and gets a record of the gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import SignatureRefused, verify
from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.gateway import Answer, GroupCommit, error_answer
from opentrail.ports.identities import Identities, signing_secret
from opentrail.ports.state import Change, StateStore
from opentrail.record import read_record
from opentrail.record.principal import Principal
from opentrail.recorder.sinks import FIRST_HEADER, IDENTITY_PATH, SIGNING_NAME, SOURCE_HEADER

MAX_BODY_BYTES = 1024 * 1024
MAX_RECORD_BYTES = 256 * 1024
SOURCE_KIND = "source"
MAX_SOURCE = 64


class SourcePlace(msgspec.Struct, frozen=True):
    """The number of a source's last record."""

    last: int


class Intake:
    """A LocalDoor.

    Attributes:
        lost: Records that sources numbered and that never came.
    """

    def __init__(
        self,
        commit: GroupCommit,
        *,
        identities: Identities,
        state: StateStore,
        clock: Clock,
        gap_record: Callable[[str, int], bytes],
    ) -> None:
        self._commit = commit
        self._identities = identities
        self._state = state
        self._clock = clock
        self._gap_record = gap_record
        self._one_at_a_time = asyncio.Lock()
        self.lost = 0
        self.taken = 0

    async def __call__(self, request: ObservedRequest) -> Answer:
        """200 when all records are durable; else nothing is kept."""
        try:
            principal = self._caller(request)
            if request.raw_path == IDENTITY_PATH:
                return _told(_identity(principal))
            raws = _records(request, principal.account_id)
            source, first = _place(request)
        except SignatureRefused as problem:
            return error_answer(None, problem.status, problem.code, str(problem))
        except InvalidInput as problem:
            return error_answer(None, 400, "InvalidRecords", str(problem))
        async with self._one_at_a_time:
            return _told(await self._take(f"{principal.account_id}/{source}", first, raws))

    async def _take(self, source: str, first: int, raws: list[bytes]) -> dict[str, object]:
        document = self._state.get(SOURCE_KIND, source)
        last = 0 if document is None else msgspec.json.decode(document.body, type=SourcePlace).last
        new = raws[max(0, last + 1 - first) :]
        missing = max(0, first - last - 1)
        if missing:
            self.lost += missing
            await self._commit.appended(self._gap_record(source, missing))
        await asyncio.gather(*(self._commit.appended(raw) for raw in new))
        self.taken += len(new)
        place = msgspec.json.encode(SourcePlace(max(last, first + len(raws) - 1)))
        expected = 0 if document is None else document.version
        self._state.apply([Change(SOURCE_KIND, source, place, expected=expected)])
        return {"recorded": len(new), "repeated": len(raws) - len(new), "missing": missing}

    def _caller(self, request: ObservedRequest) -> Principal:
        scope = read_scope(request)
        credential = self._identities.find(scope.access_key_id) if scope is not None else None
        verify(request, scope, signing_secret(credential), self._clock.now(), service=SIGNING_NAME)
        assert credential is not None
        return credential.principal


def _records(request: ObservedRequest, account: str) -> list[bytes]:
    if request.body_length > MAX_BODY_BYTES:
        raise InvalidInput(f"{request.body_length} bytes; at most {MAX_BODY_BYTES} are taken")
    raws = request.body.split(b"\n")
    for number, raw in enumerate(raws, 1):
        if len(raw) > MAX_RECORD_BYTES:
            raise InvalidInput(
                f"line {number} has {len(raw)} bytes; expected <= {MAX_RECORD_BYTES}"
            )
        try:
            head = read_record(raw).head
        except InvalidInput as problem:
            raise InvalidInput(f"line {number}: {problem}") from problem
        if head.recipient_account_id != account:
            raise InvalidInput(
                f"line {number} is a record of account {head.recipient_account_id}; "
                f"expected {account}, the signing key's"
            )
    return raws


def _place(request: ObservedRequest) -> tuple[str, int]:
    source = request.header(SOURCE_HEADER.lower()) or ""
    first = request.header(FIRST_HEADER.lower()) or ""
    plain = source.replace("-", "").isalnum() and source.isascii() and len(source) <= MAX_SOURCE
    if not plain or not (first.isascii() and first.isdigit() and len(first) < 16) or first == "0":
        raise InvalidInput(
            f"{SOURCE_HEADER} must name the source and {FIRST_HEADER} number its first record"
        )
    return source, int(first)


def _identity(principal: Principal) -> dict[str, object]:
    return {
        "type": str(principal.type),
        "accountId": principal.account_id,
        "principalId": principal.principal_id,
        "arn": principal.arn,
        "userName": principal.user_name,
    }


def _told(content: dict[str, object]) -> Answer:
    return Answer(200, (("Content-Type", "application/json"),), msgspec.json.encode(content))
