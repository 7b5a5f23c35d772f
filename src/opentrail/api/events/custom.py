"""PutEvents and TestEventPattern.

Source: EventBridge API reference; the codes and messages of refused entries are those that AWS
gave.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.events.permissions import may_put
from opentrail.api.events.rules import invalid_pattern
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    bus_in_arn,
    find_bus,
    missing_bus,
)
from opentrail.api.outcome import Caller, Reply
from opentrail.clock import iso_seconds
from opentrail.errors import InvalidInput
from opentrail.predicate.reading import decoded
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom
from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import parse_pattern
from opentrail.rules.reader import InvalidEventPattern
from opentrail.rules.rule import DEFAULT_BUS

MOST_BYTES = 1024 * 1024
"""Of all entries of one PutEvents."""

_OUTER_BYTES = 14
"""Of an entry that has a time (EventBridge user guide, "Calculating event entry size")."""

_NEEDED = ("id", "account", "source", "time", "region", "detail-type")


class _Refused(Exception):
    """An entry that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def put_events(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Events put on buses; what rules make of those that are taken is durable."""
    entries = parameters["Entries"]
    if sum(map(_size, entries)) > MOST_BYTES:
        raise ApiError(
            "ValidationException",
            "Total size of the entries in the request is over the limit.",
        )
    taken: list[tuple[Bus, Custom]] = []
    results: list[dict[str, str]] = []
    for entry in entries:
        try:
            bus, custom = _taken(entry, caller, backends)
        except _Refused as refused:
            results.append({"ErrorCode": refused.code, "ErrorMessage": str(refused)})
            continue
        taken.append((bus, custom))
        results.append({"EventId": custom.id})
    if taken:
        try:
            backends.publish(taken, caller.credential.access_key_id)
        except InvalidInput as problem:
            raise ApiError("ValidationException", str(problem)) from problem
    return Reply({"FailedEntryCount": len(entries) - len(taken), "Entries": results})


def test_event_pattern(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:  # noqa: ARG001 - a handler's
    """Whether an event passes a pattern."""
    event = decoded(parameters["Event"].encode())
    if event is None or any(name not in event for name in _NEEDED):
        raise ApiError("ValidationException", "Parameter Event is not valid.")
    try:
        pattern = parse_pattern(parameters["EventPattern"])
    except InvalidEventPattern as problem:
        raise invalid_pattern(problem) from None
    return Reply({"Result": Matcher(pattern).holds_for_any(event)})


def _size(entry: Parameters) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail")]
    texts += entry.get("Resources", ())
    return sum(len(text.encode()) for text in texts if text) + (
        _OUTER_BYTES if "Time" in entry else 0
    )


def _taken(entry: Parameters, caller: Caller, backends: EventsBackends) -> tuple[Bus, Custom]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            raise _Refused(
                "InvalidArgument",
                f"Parameter {name} is not valid. Reason: {name} is a required argument.",
            )
    if entry["Source"].startswith("aws."):
        raise _Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    detail = decoded(entry["Detail"].encode())
    if detail is None:
        raise _Refused("MalformedDetail", "Detail is malformed.")
    bus = _bus(entry.get("EventBusName", DEFAULT_BUS), caller, backends)
    return bus, Custom(
        id=backends.ids.event_id(),
        source=entry["Source"],
        detail_type=entry["DetailType"],
        account_id=caller.account_id,
        region=bus[1],
        time=_time(entry.get("Time"), caller),
        resources=tuple(entry.get("Resources", ())),
        detail=detail,
        detail_text=entry["Detail"],
    )


def _time(given: Any, caller: Caller) -> str:
    if given is None:
        return iso_seconds(caller.now)
    try:
        return iso_seconds(datetime.fromtimestamp(given, UTC))
    except (ValueError, OverflowError, OSError):
        raise _Refused("InvalidArgument", "Parameter Time is not valid.") from None


def _bus(given: str, caller: Caller, backends: EventsBackends) -> Bus:
    """The bus that an entry is for; one of another account whose policy lets the caller in."""
    account_id, region, name = (
        bus_in_arn(given) if given.startswith("arn:") else (caller.account_id, caller.region, given)
    )
    found = find_bus((account_id, region, name), backends)
    if found is None:
        raise _Refused("ResourceNotFoundException", str(missing_bus(name)))
    if account_id != caller.account_id and not may_put(found[0], caller):
        raise _Refused(
            "AccessDeniedException", f"Not authorized to put events on event bus {name}."
        )
    return account_id, region, name
