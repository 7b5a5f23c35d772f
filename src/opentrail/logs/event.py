"""Log events: their order, their numbers and the tokens that name a place among them.

Events are in the order of their times, then of where and when they were kept, so a place never
changes while others come in. A place is told as 56 digits, as AWS's event ids are.
Source: CloudWatch Logs API reference, GetLogEvents, FilterLogEvents and PutLogEvents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from opentrail.errors import InvalidInput

MOST_EVENTS = 10_000
"""Events of one PutLogEvents, and of one page."""
MOST_BYTES = 1_048_576
"""Bytes of one PutLogEvents, and of one page, counted as `event_bytes` does."""
EVENT_BYTES = 26
"""What Logs counts for an event beside its message."""
MOST_FUTURE = 2 * 3600 * 1000
MOST_PAST = 14 * 86_400_000
MOST_SPAN = 86_400_000
"""Milliseconds: how far events may be ahead, behind, and apart within one request."""

_TIME_DIGITS, _SOURCE_DIGITS, _NUMBER_DIGITS = 20, 1, 35
_GREATEST = 2**53
"""No time or number that was given is greater."""
_PLACE = re.compile(r"[0-9]{56}")
_TOKEN = re.compile(r"([fb])/([0-9]{56})/s")


class InvalidLogEvents(InvalidInput):
    """Events that PutLogEvents does not take."""


class InvalidPageToken(InvalidInput):
    """A token that was never given."""

    def __init__(self) -> None:
        super().__init__("The specified nextToken is invalid.")


class Keeper:
    """Who keeps an event."""

    STORE = 0
    """The store of events, among those that a trail takes."""
    OWN = 1
    """The store of log events, as PutLogEvents brought it."""


class EventPlace(NamedTuple):
    """Where an event stands among those of its group.

    Attributes:
        milliseconds: Its time.
        source: Of Keeper.
        number: Its number there.
    """

    milliseconds: int
    source: int
    number: int

    @property
    def digits(self) -> str:
        """56 digits, in the same order as the places."""
        return (
            f"{self.milliseconds:0{_TIME_DIGITS}}{self.source:0{_SOURCE_DIGITS}}"
            f"{self.number:0{_NUMBER_DIGITS}}"
        )


BEFORE_ALL = EventPlace(0, 0, 0)


def read_place(digits: str) -> EventPlace:
    """The place that `digits` tell.

    Raises:
        InvalidPageToken: they tell none.
    """
    if not _PLACE.fullmatch(digits):
        raise InvalidPageToken
    behind = _TIME_DIGITS + _SOURCE_DIGITS
    place = EventPlace(
        int(digits[:_TIME_DIGITS]), int(digits[_TIME_DIGITS:behind]), int(digits[behind:])
    )
    if max(place.milliseconds, place.number) > _GREATEST:
        raise InvalidPageToken
    return place


class StreamToken(NamedTuple):
    """A place of GetLogEvents.

    Attributes:
        forward: Whether the page lies behind the place; else before it.
    """

    forward: bool
    place: EventPlace

    @property
    def text(self) -> str:
        """As AWS spells them."""
        return f"{'f' if self.forward else 'b'}/{self.place.digits}/s"


def read_stream_token(text: str) -> StreamToken:
    """The place that a token of GetLogEvents tells.

    Raises:
        InvalidPageToken: it is none.
    """
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise InvalidPageToken
    return StreamToken(found[1] == "f", read_place(found[2]))


@dataclass(frozen=True, slots=True)
class Rejected:
    """Events of a request that are left out, by their places in it; None for none.

    Attributes:
        too_new_from: The first of those too far ahead.
        too_old_before: Behind the last of those too far behind.
        expired_before: Behind the last of those that retention would remove at once.
    """

    too_new_from: int | None = None
    too_old_before: int | None = None
    expired_before: int | None = None


def check_events(times: Sequence[int], messages: Sequence[str]) -> None:
    """Nothing, if PutLogEvents takes such a batch; at least one event.

    Raises:
        InvalidLogEvents: they are not in order, too far apart or too many bytes.
    """
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InvalidLogEvents(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    if times[-1] - times[0] > MOST_SPAN:
        raise InvalidLogEvents(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )
    size = sum(map(event_bytes, messages))
    if size > MOST_BYTES:
        raise InvalidLogEvents(f"Upload too large: {size} bytes exceeds limit of {MOST_BYTES}")


def event_bytes(message: str) -> int:
    """What an event counts for."""
    return len(message.encode()) + EVENT_BYTES


def rejected(times: Sequence[int], now: int, kept_from: int) -> Rejected:
    """Which events of an ordered batch are left out; times in milliseconds.

    Args:
        kept_from: Older ones are removed at once.
    """
    too_new = next((place for place, one in enumerate(times) if one > now + MOST_FUTURE), None)
    oldest = now - MOST_PAST
    too_old = sum(one < oldest for one in times)
    expired = sum(one < kept_from for one in times) if kept_from > oldest else 0
    return Rejected(too_new, too_old or None, expired or None)
