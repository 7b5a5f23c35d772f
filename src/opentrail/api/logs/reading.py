"""The events of a group in one order: those that a trail delivers, and those of PutLogEvents.

What a trail delivers is read in the store of events, with the store's own search; its time is that
of the event, in whole seconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from opentrail.api.logs.backends import LogsBackends
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.group import LogGroup
from opentrail.ports.events import Position, Search
from opentrail.ports.log_events import LogEventQuery, spans_shown
from opentrail.predicate.expression import EVERYTHING, All, Any, Expression
from opentrail.trail.feeds import FeedView, stream_bound

_LAST_SEQUENCE = 2**62


@dataclass(frozen=True, slots=True)
class Read:
    """An event that was looked at; times in milliseconds.

    Attributes:
        stream: None: the group does not show it.
    """

    place: EventPlace
    stream: str | None
    message: bytes
    ingested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which events to read; times in milliseconds.

    Attributes:
        streams: Their names; None for all.
        start: Inclusive.
        end: Exclusive; None for no bound.
        after: Behind which to go on, in the order asked for.
        bound: Holds for every record that is wanted.
    """

    streams: tuple[str, ...] | None = None
    stream_prefix: str = ""
    start: int = 0
    end: int | None = None
    newest_first: bool = False
    after: EventPlace | None = None
    bound: Expression = EVERYTHING

    def wants(self, stream: str) -> bool:
        """Whether it is one of the streams."""
        named = self.streams is None or stream in self.streams
        return named and stream.startswith(self.stream_prefix)


def view_of(group: LogGroup, backends: LogsBackends) -> FeedView:
    """What the group shows of the store of events."""
    return FeedView(spans_shown(backends.state, group.key))


def read(group: LogGroup, view: FeedView, asked: Asked, backends: LogsBackends) -> Iterator[Read]:
    """The events in order; with bounded memory."""
    own = _own(group, asked, backends)
    if not view:
        return own
    both = (_shown(view, asked, backends), own)
    return heapq.merge(*both, key=lambda one: one.place, reverse=asked.newest_first)


def _own(group: LogGroup, asked: Asked, backends: LogsBackends) -> Iterator[Read]:
    after = asked.after
    query = LogEventQuery(
        streams=asked.streams,
        stream_prefix=asked.stream_prefix,
        start=asked.start,
        end=asked.end,
        newest_first=asked.newest_first,
        # Of the same millisecond, the store's events come first.
        after=None
        if after is None
        else (after.milliseconds, after.number if after.source == Keeper.OWN else -1),
    )
    for one in backends.log_events.read(group.key, query):
        place = EventPlace(one.milliseconds, Keeper.OWN, one.number)
        yield Read(place, one.stream, one.message.encode(), one.ingested)


def _shown(view: FeedView, asked: Asked, backends: LogsBackends) -> Iterator[Read]:
    search = _search(view, asked)
    if search is None:
        return
    for event in backends.events.stream(search):
        milliseconds = event.position.event_time * 1000
        place = EventPlace(milliseconds, Keeper.STORE, event.position.sequence)
        stream = view.stream(event.position.sequence, event.raw)
        wanted = stream if stream is not None and asked.wants(stream) else None
        yield Read(place, wanted, event.raw, milliseconds)


def _search(view: FeedView, asked: Asked) -> Search | None:
    """What to look for in the store; None if no stream asked for can be there."""
    bounds = [asked.bound, view.bound]
    if asked.streams is not None:
        streams = [bound for one in asked.streams if (bound := stream_bound(one)) is not None]
        if not streams:
            return None
        bounds.append(Any(tuple(streams)))
    first, behind = view.sequences
    return Search(
        where=All(tuple(bound for bound in bounds if bound != EVERYTHING)),
        start=-(-asked.start // 1000),
        end=None if asked.end is None else -(-asked.end // 1000),
        accounts=view.accounts,
        newest_first=asked.newest_first,
        after=None if asked.after is None else _position(asked.after),
        limit=None,
        sequence_from=first,
        sequence_before=behind,
    )


def _position(after: EventPlace) -> Position:
    seconds, rest = divmod(after.milliseconds, 1000)
    exact = after.source == Keeper.STORE and not rest
    return Position(seconds, after.number if exact else _LAST_SEQUENCE)
