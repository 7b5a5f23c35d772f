"""LookupEvents. Source: spec: api, section 6.

AWS allows two calls a second; OpenTrail does not slow its users down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.errors import InvalidInput
from opentrail.history.lookup import LookupQuery, parse_lookup
from opentrail.history.page import After, make_token, read_token
from opentrail.history.row import HistoryRow, history_row
from opentrail.ports.events import Position, StoredEvent
from opentrail.record import read_record


def lookup_events(parameters: Mapping[str, Any], caller: Caller, backends: Backends) -> Reply:
    """A page of events, newest first."""
    query = parse_lookup(
        parameters, account_id=caller.account_id, region=caller.region, now=caller.now
    )
    token = parameters.get("NextToken")
    after = None
    if token:
        behind = read_token(token, query, backends.token_secret)
        after = Position(behind.event_time, behind.sequence)
        query = replace(
            query,
            start=datetime.fromtimestamp(behind.start, UTC),
            end=datetime.fromtimestamp(behind.end, UTC),
        )
    found = backends.events.lookup(query, after)
    page = found[: query.limit]
    output: dict[str, Any] = {"Events": [shown_event(one) for one in page]}
    if len(found) > query.limit:
        output["NextToken"] = make_token(_behind(page[-1], query), query, backends.token_secret)
    return Reply(output)


def _behind(event: StoredEvent, query: LookupQuery) -> After:
    return After(event.position.event_time, event.position.sequence, *query.seconds)


def shown_event(event: StoredEvent) -> dict[str, Any]:
    """An event as AWS lists it."""
    # Exactly the bytes that were recorded.
    shown: dict[str, Any] = {"CloudTrailEvent": event.raw.decode("utf-8", "replace")}
    try:
        row = history_row(read_record(event.raw))
    except (InvalidInput, ValueError):
        return shown
    name, source = _about(row, event.raw)
    shown |= {
        "EventId": row.event_id,
        "EventName": name,
        "ReadOnly": row.read_only,
        "AccessKeyId": row.access_key_id,
        "EventTime": row.event_time,
        "EventSource": source,
        "Username": row.username,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in row.resources],
    }
    return {name: value for name, value in shown.items() if value != ""}


class _Insight(msgspec.Struct):
    details: _Details = msgspec.field(name="insightDetails")


class _Details(msgspec.Struct):
    event_name: str = msgspec.field(default="", name="eventName")
    event_source: str = msgspec.field(default="", name="eventSource")


def _about(row: HistoryRow, raw: bytes) -> tuple[str, str]:
    """Name and source; an Insights event names those of the calls that it is about."""
    if row.event_name or row.event_source:
        return row.event_name, row.event_source
    try:
        details = msgspec.json.decode(raw, type=_Insight).details
    except msgspec.MsgspecError:
        return "", ""
    return details.event_name, details.event_source
