"""What cannot be undone is done behind the record of its call."""

import asyncio
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from wire import observed_request

from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.state import MemoryStateStore
from opentrail.api.outcome import Outcome
from opentrail.app.door import OwnDoor
from opentrail.aws.observed import ObservedRequest
from opentrail.clock import SystemClock
from opentrail.errors import Unavailable

REQUEST = observed_request(AWSPreparedRequest("POST", "http://127.0.0.1/", {}, b"", False))


class Happened(list[str]):
    """What happened, in order: a service whose one call deletes, and its journal."""

    is_full = False

    def may_change(self, _: ObservedRequest) -> bool:
        return True

    def handle(self, _: ObservedRequest) -> Outcome:
        return Outcome(200, (), b"", behind=lambda: self.append("deleted"))

    async def appended(self, _: bytes) -> tuple[int, int]:
        if self.is_full:
            raise Unavailable("the journal is full")
        self.append("recorded")
        return 0, 1


def call(happened: Any) -> None:
    door = OwnDoor(
        happened, compose=lambda _: b"{}", commit=happened, journal=MemoryJournal(),
        state=MemoryStateStore(), clock=SystemClock(),
    )  # fmt: skip
    try:
        asyncio.run(door(REQUEST))
    finally:
        door.close()


def test_a_deletion_comes_behind_its_record() -> None:
    happened = Happened()

    call(happened)

    assert happened == ["recorded", "deleted"]


def test_nothing_is_deleted_that_is_not_recorded() -> None:
    happened = Happened()
    happened.is_full = True

    with pytest.raises(Unavailable):
        call(happened)

    assert happened == []
