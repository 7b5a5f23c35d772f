"""A search as it is asked for in words, and the Search that it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from opentrail.errors import InvalidInput
from opentrail.ports.events import EventReader, Position, Search
from opentrail.predicate.expression import DERIVED, Expression, Test
from opentrail.search.invalid import shown
from opentrail.search.parser import parse_filter
from opentrail.search.times import TimeRange, parse_range, parse_time

Rewrite = Callable[[Expression], Expression]

_POSITION = re.compile(r"(-?[0-9]{1,15}):([0-9]{1,18})", re.ASCII)


def unchanged(expression: Expression) -> Expression:
    """The expression itself."""
    return expression


@dataclass(frozen=True, slots=True)
class Searching:
    """What every search goes through, whoever asks.

    Attributes:
        rewrite: Says fields of ours (`person`, `session`) by fields that records have.
    """

    events: EventReader
    rewrite: Rewrite = unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A search in words; "" where nothing is said.

    Attributes:
        filter: See docs/reference/filter-language.md.
        since: A time; events from then on.
        until: A time; events before it, or of the whole day.
        between: A range, instead of the two.
        after: The position of the last event of the page before.
    """

    filter: str = ""
    since: str = ""
    until: str = ""
    between: str = ""
    accounts: frozenset[str] | None = None
    newest_first: bool = True
    limit: int | None = 50
    after: str = ""
    sequence_before: int | None = None


def make_search(ask: Ask, now: datetime, rewrite: Rewrite = unchanged) -> Search:
    """What is asked for.

    Raises:
        InvalidInput: a filter, time or position that can't be read (InvalidFilter tells where).
    """
    within = read_range(ask.since, ask.until, ask.between, now)
    return Search(
        where=rewrite(parse_filter(ask.filter)),
        start=within.start,
        end=within.end,
        accounts=ask.accounts,
        newest_first=ask.newest_first,
        after=parse_position(ask.after) if ask.after else None,
        limit=ask.limit,
        sequence_before=ask.sequence_before,
    )


def read_range(since: str, until: str, between: str, now: datetime) -> TimeRange:
    """The range of time that the three say together.

    Raises:
        InvalidInput: a time that can't be read, or a range that ends before it begins.
    """
    if between:
        if since or until:
            raise InvalidInput("a range (between) stands alone; found since or until beside it")
        return parse_range(between, now)
    start = parse_time(since, now) if since else None
    end = parse_range(f"..{until}", now).end if until else None
    if start is not None and end is not None and start >= end:
        raise InvalidInput(f"until {shown(until)} is not after since {shown(since)}")
    return TimeRange(start, end)


def parse_field(text: str) -> tuple[str, ...]:
    """The path of a field's name or short name, of which values are to be counted or shown.

    Raises:
        InvalidInput: no such field (the message names the nearest), or one that no record has.
    """
    found = parse_filter(f"{text} exists")
    if not isinstance(found, Test):
        raise InvalidInput(f"found {shown(text)}; expected a field such as userIdentity.arn")
    if found.path[0] in DERIVED:
        raise InvalidInput(f"{found.path[0]} can be searched for; no record has it to be counted")
    return found.path


def position_text(position: Position) -> str:
    """A position as text: `1783072800:42`, time and sequence."""
    return f"{position.event_time}:{position.sequence}"


def parse_position(text: str) -> Position:
    """The position of such a text.

    Raises:
        InvalidInput: it is none.
    """
    found = _POSITION.fullmatch(text)
    if found is None:
        raise InvalidInput(f"found {shown(text)}; expected a position such as 1783072800:42")
    return Position(int(found[1]), int(found[2]))
