"""PutLogEvents, GetLogEvents and FilterLogEvents.

A page ends with what fills it, or after as many events looked at as keep an answer quick; then its
token goes on from the last one looked at, as AWS's pages may be empty and go on.
Source: CloudWatch Logs API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import find_group, invalid, key_in, key_of, not_found
from opentrail.api.logs.reading import Asked, Read, read, view_of
from opentrail.api.outcome import Caller, Reply
from opentrail.logs.event import (
    BEFORE_ALL,
    EVENT_BYTES,
    MOST_BYTES,
    MOST_EVENTS,
    EventPlace,
    Rejected,
    StreamToken,
    check_events,
    read_place,
    read_stream_token,
    rejected,
)
from opentrail.logs.group import LogGroup
from opentrail.ports.log_events import LogEvent
from opentrail.trail.feeds import FeedView, stream_bound

LATEST = 2**53
"""Milliseconds since 1970 in 285,000 years: later than any event."""

MOST_LOOKED_AT = 50_000
"""Events of the store, or of PutLogEvents, that are looked at for one page: a second or two."""


def put_log_events(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The events are kept, durably, but for those too old or too new."""
    key = key_of(parameters["logGroupName"], caller)
    group, _ = find_group(key, backends)
    now = milliseconds(caller)
    events = [LogEvent(one["timestamp"], one["message"]) for one in parameters["logEvents"]]
    times = [one.milliseconds for one in events]
    check_events(times, [one.message for one in events])
    left_out = rejected(times, now, group.kept_from(now))
    first = max(left_out.too_old_before or 0, left_out.expired_before or 0)
    kept = events[first : left_out.too_new_from]
    name = parameters["logStreamName"]
    if backends.log_events.stream(key, name) is None:
        raise not_found("log stream")
    signed = caller.credential.access_key_id
    if kept and not backends.log_events.put(key, name, kept, now, signed):
        raise not_found("log stream")
    told: dict[str, Any] = {"nextSequenceToken": f"{backends.log_events.newest():056}"}
    info = _rejected(left_out)
    return Reply(told | ({"rejectedLogEventsInfo": info} if info else {}))


def _rejected(left_out: Rejected) -> dict[str, int]:
    told = {
        "tooNewLogEventStartIndex": left_out.too_new_from,
        "tooOldLogEventEndIndex": left_out.too_old_before,
        "expiredLogEventEndIndex": left_out.expired_before,
    }
    return {name: place for name, place in told.items() if place is not None}


def get_log_events(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A page of one stream, oldest first, and the places before and behind it."""
    group, _ = find_group(key_in(parameters, caller), backends)
    name = parameters["logStreamName"]
    view = view_of(group, backends)
    _check_stream(group, view, name, backends)
    token = parameters.get("nextToken")
    begun = read_stream_token(token) if token else None
    forward = parameters.get("startFromHead", False) if begun is None else begun.forward
    asked = Asked(
        streams=(name,),
        start=_start(parameters, group, caller),
        end=min(parameters.get("endTime", LATEST), LATEST),
        newest_first=not forward,
        after=None if begun is None else begun.place,
    )
    page = _Page(parameters.get("limit", MOST_EVENTS))
    page.fill(read(group, view, asked, backends))
    shown = page.shown if forward else page.shown[::-1]
    before, behind = _around(shown, page.last, begun, forward=forward)
    return Reply(
        {
            "events": [
                {
                    "timestamp": one.place.milliseconds,
                    "message": _text(one),
                    "ingestionTime": one.ingested,
                }
                for one in shown
            ],
            "nextForwardToken": StreamToken(True, behind).text,
            "nextBackwardToken": StreamToken(False, before).text,
        }
    )


def _around(
    shown: list[Read], last: EventPlace | None, begun: StreamToken | None, *, forward: bool
) -> tuple[EventPlace, EventPlace]:
    """The places before and behind a page.

    Args:
        last: The event looked at last, if the page is not the end.
        begun: Where the page began.
    """
    start = BEFORE_ALL if begun is None else begun.place
    before = shown[0].place if shown else start
    behind = shown[-1].place if shown else start
    if last is not None and forward:
        behind = last
    elif last is not None:
        before = last
    return before, behind


def filter_log_events(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A page of a group's events that a pattern matches."""
    group, _ = find_group(key_in(parameters, caller), backends)
    view = view_of(group, backends)
    names, prefix = parameters.get("logStreamNames"), parameters.get("logStreamNamePrefix", "")
    if names and prefix:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    for name in names or ():
        _check_stream(group, view, name, backends)
    pattern = FilterPattern(parameters.get("filterPattern", ""))
    token = parameters.get("nextToken")
    end = parameters.get("endTime")
    asked = Asked(
        streams=tuple(names) if names else None,
        stream_prefix=prefix,
        start=_start(parameters, group, caller),
        # An event of that very time is still shown.
        end=None if end is None else min(end, LATEST) + 1,
        newest_first=not parameters.get("startFromHead", True),
        after=read_place(token) if token else None,
        bound=pattern.bound,
    )
    page = _Page(parameters.get("limit", MOST_EVENTS), pattern)
    page.fill(read(group, view, asked, backends))
    told: dict[str, Any] = {
        "events": [
            {
                "logStreamName": one.stream,
                "timestamp": one.place.milliseconds,
                "message": _text(one),
                "ingestionTime": one.ingested,
                "eventId": one.place.digits,
            }
            for one in page.shown
        ],
        "searchedLogStreams": [],
    }
    if page.last is not None:
        told["nextToken"] = page.last.digits
    return Reply(told)


class _Page:
    """Events of an answer.

    Attributes:
        last: The event looked at last, if there may be more; None at the end.
    """

    def __init__(self, limit: int, pattern: FilterPattern | None = None) -> None:
        self.shown: list[Read] = []
        self.last: EventPlace | None = None
        self._limit = limit
        self._pattern = pattern

    def fill(self, events: Iterator[Read]) -> None:
        """Take events until the page is full, or they end."""
        size = 0
        for looked_at, one in enumerate(events):
            wanted = one.stream is not None and self._matches(one)
            length = len(one.message) + EVENT_BYTES if wanted else 0
            full = len(self.shown) >= self._limit or (self.shown and size + length > MOST_BYTES)
            if (wanted and full) or looked_at >= MOST_LOOKED_AT:
                return
            self.last = one.place
            if wanted:
                self.shown.append(one)
                size += length
        self.last = None

    def _matches(self, one: Read) -> bool:
        return self._pattern is None or self._pattern.matches(LogMessage(one.message))


def _start(parameters: Parameters, group: LogGroup, caller: Caller) -> int:
    asked: int = min(parameters.get("startTime", 0), LATEST)
    return max(asked, group.kept_from(milliseconds(caller)), 0)


def _check_stream(group: LogGroup, view: FeedView, name: str, backends: LogsBackends) -> None:
    if backends.log_events.stream(group.key, name) is not None:
        return
    # A trail's stream is noted with its first delivery; its records show before that.
    if not view or stream_bound(name) is None:
        raise not_found("log stream")


def _text(one: Read) -> str:
    return one.message.decode("utf-8", "replace")
