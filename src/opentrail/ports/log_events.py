"""Log groups: the events that PutLogEvents brings, their streams, and what groups show.

What trails deliver is not in here but in the store of events (ports.events); the streams in which
it shows are noted here all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.logs.names import GroupKey
from opentrail.ports.destinations import LogEvent
from opentrail.ports.state import StateStore
from opentrail.trail.feeds import FEED_KIND, FeedSpan, feed_prefix

__all__ = [
    "GroupKey", "LogEvent", "LogEventQuery", "LogEventStore", "LogStream", "StoredLogEvent",
    "log_group", "log_groups", "spans_shown",
]  # fmt: skip


def log_group(state: StateStore, key: GroupKey) -> LogGroup | None:
    """What is known of a group; None if there is none."""
    document = state.get(LOG_GROUP_KIND, key.state_key)
    return None if document is None else msgspec.json.decode(document.body, type=LogGroup)


def log_groups(state: StateStore, prefix: str = "") -> list[LogGroup]:
    """All groups whose `account/region/name` begins so, in that order."""
    documents = state.list(LOG_GROUP_KIND, prefix)
    return [msgspec.json.decode(one.body, type=LogGroup) for one in documents]


def spans_shown(state: StateStore, key: GroupKey) -> tuple[FeedSpan, ...]:
    """What a group shows of the store of events."""
    documents = state.list(FEED_KIND, feed_prefix(key.arn))
    return tuple(msgspec.json.decode(one.body, type=FeedSpan) for one in documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStream:
    """A stream; times in milliseconds since 1970.

    Attributes:
        first: The time of its oldest event, None without events; `last` of its newest.
        ingested: When the last event came in, None without events.
        stored_bytes: Of the messages kept here.
    """

    name: str
    created: int
    first: int | None = None
    last: int | None = None
    ingested: int | None = None
    stored_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLogEvent:
    """An event as it is kept; times in milliseconds.

    Attributes:
        number: Given once, growing with each event put.
        access_key_id: The key that signed the call that brought it, "" if none did.
    """

    group: GroupKey
    stream: str
    number: int
    milliseconds: int
    ingested: int
    message: str
    access_key_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEventQuery:
    """Which events of a group to read; times in milliseconds.

    Attributes:
        streams: Their names; None for all.
        stream_prefix: What the names begin with.
        start: Inclusive.
        end: Exclusive; None for no bound.
        after: (time, number) behind which to go on, in the order asked for.
    """

    streams: tuple[str, ...] | None = None
    stream_prefix: str = ""
    start: int = 0
    end: int | None = None
    newest_first: bool = False
    after: tuple[int, int] | None = None


class LogEventStore(Protocol):
    """Streams and events; several processes may put and read.

    Every method raises Unavailable when the disk does not take or give it.
    """

    def create_stream(self, group: GroupKey, name: str, now: int) -> bool:
        """Durable on return; False if there is such a stream already."""
        ...

    def delete_stream(self, group: GroupKey, name: str) -> bool:
        """Gone with its events on return; False if there was none."""
        ...

    def delete_group(self, group: GroupKey) -> None:
        """No stream of the group is found by its key any more, nor its events, from the return on.

        What it held is kept, under its number alone, until `forget_group`.
        """
        ...

    def groups(self) -> dict[int, GroupKey]:
        """All groups that have had streams, by numbers that are never given again.

        The key of a deleted group is no group's.
        """
        ...

    def forget_group(self, number: int) -> None:
        """The streams and events of the group of that number are gone on return."""
        ...

    def stream(self, group: GroupKey, name: str) -> LogStream | None:
        """One stream, None if there is none."""
        ...

    def streams(self, group: GroupKey, prefix: str = "") -> tuple[LogStream, ...]:
        """The streams whose names begin so, ordered by name (as UTF-8 bytes)."""
        ...

    def stored_bytes(self, groups: Sequence[GroupKey]) -> dict[GroupKey, int]:
        """The bytes of the messages kept here of each group; groups without any may be left out."""
        ...

    def put(
        self,
        group: GroupKey,
        stream: str,
        events: Sequence[LogEvent],
        ingested: int,
        access_key_id: str = "",
    ) -> bool:
        """Durable on return; False (and nothing is put) if there is no such stream.

        Args:
            access_key_id: The key that signed the call that brings them, "" if none did.
        """
        ...

    def note(self, group: GroupKey, stream: str, *, first: int, last: int, ingested: int) -> None:
        """A trail's records of these times show in the stream, which is made if it is not there."""
        ...

    def read(self, group: GroupKey, query: LogEventQuery) -> Iterator[StoredLogEvent]:
        """The events by time, then by number; with bounded memory."""
        ...

    def since(self, number: int, limit: int) -> tuple[StoredLogEvent, ...]:
        """Events of all groups whose number is higher, in the order of their numbers."""
        ...

    def newest(self) -> int:
        """The highest number given so far; 0 before the first."""
        ...

    def expire(self, group: GroupKey, before: int) -> int:
        """Forget events older than `before`; how many."""
        ...
