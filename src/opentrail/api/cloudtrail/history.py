"""LookupEvents. Source: spec: api, section 6.

AWS allows two calls a second; OpenTrail does not slow its users down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.history.lookup import LookupQuery, parse_lookup
from opentrail.history.page import After, make_token, read_token
from opentrail.history.row import HistoryRow
from opentrail.ports.journal import JournalReader


def lookup_events(parameters: Mapping[str, Any], caller: Caller, backends: Backends) -> Reply:
    """A page of events, newest first."""
    query = parse_lookup(
        parameters, account_id=caller.account_id, region=caller.region, now=caller.now
    )
    token = parameters.get("NextToken")
    after = None
    if token:
        after = read_token(token, query, backends.token_secret)
        query = replace(
            query,
            start=datetime.fromtimestamp(after.start, UTC),
            end=datetime.fromtimestamp(after.end, UTC),
        )
    rows = backends.history.lookup(query, after)
    page = rows[: query.limit]
    output: dict[str, Any] = {"Events": [_event(row, backends.journal) for row in page]}
    if len(rows) > query.limit:
        output["NextToken"] = make_token(_behind(page[-1], query), query, backends.token_secret)
    return Reply(output)


def _behind(row: HistoryRow, query: LookupQuery) -> After:
    return After(
        row.event_time, row.offset, int(query.start.timestamp()), int(query.end.timestamp())
    )


def _event(row: HistoryRow, journal: JournalReader) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "EventId": row.event_id,
        "EventName": row.event_name,
        "ReadOnly": row.read_only,
        "AccessKeyId": row.access_key_id,
        "EventTime": row.event_time,
        "EventSource": row.event_source,
        "Username": row.username,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in row.resources],
        # Exactly the bytes that were recorded.
        "CloudTrailEvent": journal.read(row.offset, 1)[0].raw.decode("utf-8"),
    }
    return {name: value for name, value in shown.items() if value != ""}
