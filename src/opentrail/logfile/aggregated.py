"""Aggregated events: how often what happened to data, in windows of five minutes.

Source: spec: record contents, section 9. How many values of a dimension AWS keeps is not
documented; here it is the most frequent MOST_VALUES, and what is beyond them is told as `others`.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from datetime import datetime, timedelta

import msgspec

from opentrail.clock import iso_seconds, parse_iso_seconds
from opentrail.record import RecordHead

AGGREGATED_KIND = "aggregated"
"""The state documents of Windows, keyed by trail ARN."""

WINDOW = timedelta(minutes=5)
LATE = timedelta(minutes=1)
"""A window waits this long behind its end for records that are under way."""

MOST_VALUES = 100
OTHERS = "others"

PRIMARY = {
    "API_ACTIVITY": "eventName",
    "RESOURCE_ACCESS": "resourceARN",
    "USER_ACTIONS": "userIdentity",
}
"""The dimension that each template has an event for every value of."""

DIMENSIONS = (
    "eventName",
    "resourceARN",
    "userIdentity",
    "userAgent",
    "sourceIpAddress",
    "errorCodes",
)


class Count(msgspec.Struct):
    """One event to be: calls with the same value of the primary dimension.

    Attributes:
        details: By dimension, calls by value.
    """

    calls: int = 0
    details: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)

    def add(self, values: dict[str, str], primary: str) -> None:
        """One more call."""
        self.calls += 1
        for name, value in values.items():
            if name == primary:
                continue
            counts = self.details.setdefault(name, {})
            kept = value if value in counts or len(counts) < MOST_VALUES else OTHERS
            counts[kept] = counts.get(kept, 0) + 1


class Key(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What one event is about; the window by the second it starts at."""

    window: str
    account_id: str
    region: str
    event_source: str
    template: str
    value: str


class Windows(msgspec.Struct):
    """The windows of one trail that are not closed yet."""

    counts: list[tuple[Key, Count]] = msgspec.field(default_factory=list)


class Aggregation:
    """Counts the data events of one trail."""

    def __init__(self, windows: Windows | None = None) -> None:
        self._counts = dict(windows.counts) if windows is not None else {}
        self._ended: frozenset[Key] = frozenset()

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, head: RecordHead, templates: tuple[str, ...], account_id: str) -> None:
        """Count a record; only data events are counted."""
        if head.event_category != "Data":
            return
        window = _window(head.event_time)
        values = _values(head)
        for template in templates:
            primary = PRIMARY[template]
            if primary not in values:
                continue
            key = Key(
                window,
                account_id,
                head.aws_region,
                head.event_source or "",
                template,
                values[primary],
            )
            count = self._counts.get(key)
            if count is None:
                count = self._counts[key] = Count()
            count.add(values, primary)

    def end_all_but(self, accounts: Container[str]) -> None:
        """No record of another account comes any more: its windows are over."""
        self._ended = frozenset(key for key in self._counts if key.account_id not in accounts)

    def over(self, now: datetime) -> list[Key]:
        """The keys of windows that are over at `now`, in order."""
        latest = iso_seconds(now - WINDOW - LATE)
        return sorted(key for key in self._counts if key.window <= latest or key in self._ended)

    def take(self, now: datetime) -> list[tuple[Key, Count]]:
        """The counts of windows that are over at `now`; they are gone."""
        return [(key, self._counts.pop(key)) for key in self.over(now)]

    def windows(self) -> Windows:
        """What is not taken yet, to be kept."""
        return Windows(sorted(self._counts.items(), key=lambda item: item[0]))


def aggregated_event(key: Key, count: Count, event_id: str) -> bytes:
    """The aggregated event, as JSON."""
    primary = PRIMARY[key.template]
    end = parse_iso_seconds(key.window) + WINDOW
    event = {
        "eventVersion": "1.0",
        "accountId": key.account_id,
        "eventId": event_id,
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": key.region,
        "eventSource": key.event_source,
        "timeWindow": {
            "windowStart": key.window,
            "windowEnd": iso_seconds(end),
            "windowSize": "PT5M",
        },
        "summary": {
            "primaryDimension": _dimension(primary, {key.value: count.calls}),
            "details": [
                _dimension(name, count.details[name])
                for name in DIMENSIONS
                if name in count.details
            ],
        },
    }
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _dimension(name: str, counts: dict[str, int]) -> dict[str, object]:
    ordered = sorted(counts.items(), key=lambda item: (item[0] == OTHERS, -item[1], item[0]))
    return {
        "dimension": name,
        "statistics": [{"name": value, "value": calls} for value, calls in ordered],
        "aggregationType": "Count",
    }


def _values(head: RecordHead) -> dict[str, str]:
    return dict(_named(head))


def _named(head: RecordHead) -> Iterator[tuple[str, str]]:
    identity = head.user_identity
    who = identity and (identity.arn or identity.invoked_by or identity.principal_id)
    arns = (one.arn or one.arn_prefix for one in head.resources or ())
    found = {
        "eventName": head.event_name,
        "resourceARN": next((arn for arn in arns if arn), None),
        "userIdentity": who,
        "userAgent": head.user_agent,
        "sourceIpAddress": head.source_ip_address,
        "errorCodes": head.error_code,
    }
    for name, value in found.items():
        if value:
            yield name, value


def _window(event_time: str) -> str:
    when = parse_iso_seconds(event_time)
    return iso_seconds(when - timedelta(minutes=when.minute % 5, seconds=when.second))
