"""LookupEvents over segments: one attribute, one account, one region, newest first."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from opentrail.adapters.events.finding import Hit, row_span
from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.columns import hash_of
from opentrail.adapters.events.segments.postings import (
    ACCOUNT,
    ATTRIBUTES,
    CATEGORY,
    NO_ATTRIBUTE,
    REGION,
    rows_of,
)
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.segment import Segment
from opentrail.history.lookup import LookupQuery
from opentrail.ports.events import Position, Search
from opentrail.predicate.expression import All, Expression, Operator, Test

_INSIGHT_PATHS: dict[str, FieldPath] = {
    "EventId": ("eventID",),
    "EventName": ("insightDetails", "eventName"),
    "EventSource": ("insightDetails", "eventSource"),
}


class _OnlyId(msgspec.Struct):
    event_id: str | None = msgspec.field(default=None, name="eventID")


def search_of(query: LookupQuery, after: Position | None) -> Search:
    """The times and the page of a look-up."""
    first, last = query.seconds
    return Search(start=first, end=last + 1, after=after)


def insight_search(query: LookupQuery, after: Position | None) -> Search:
    """Insights events are few: any search finds them."""
    parts: list[Expression] = [
        Test(CATEGORY, Operator.EQUALS, "Insight"),
        Test(ACCOUNT, Operator.EQUALS, query.account_id),
        Test(REGION, Operator.EQUALS, query.region),
    ]
    if query.attribute:
        parts.append(Test(_INSIGHT_PATHS[query.attribute], Operator.EQUALS, query.value))
    bounds = search_of(query, after)
    return Search(
        where=All(tuple(parts)),
        start=bounds.start,
        end=bounds.end,
        after=after,
        limit=query.limit + 1,
    )


def hits(segment: Segment, query: LookupQuery, after: Position | None, seed: int) -> Iterator[Hit]:
    """What a segment holds of a look-up, newest first."""
    rows = _rows(segment, query, seed)
    if not len(rows):
        return
    first, last = row_span(segment, search_of(query, after))
    some = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
    yield from _as_hits(segment, some[::-1], after)


def _rows(segment: Segment, query: LookupQuery, seed: int) -> Array:
    """The rows of the attribute's value in the account and region, oldest first."""
    nothing = np.zeros(0, np.uint32)
    if query.attribute == "EventId":
        # Few segments have it: asked first.
        with_id = _rows_with_id(segment, query.value, seed)
        if not with_id:
            return nothing
    code: int | None = 0
    if query.attribute in ATTRIBUTES:
        code = segment.code(ATTRIBUTES[query.attribute], query.value)
        if code is None:
            return nothing
    account = segment.code(ACCOUNT, query.account_id)
    region = segment.code(REGION, query.region)
    if account is None or region is None:
        return nothing
    if query.attribute != "EventId":
        return rows_of(segment.arrays, query.attribute, (account, region), code or 0)
    rows = np.array(with_id, np.uint32)
    return rows[np.isin(rows, rows_of(segment.arrays, NO_ATTRIBUTE, (account, region), 0))]


def _as_hits(segment: Segment, rows: Array, after: Position | None) -> Iterator[Hit]:
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        sequences = segment.sequences(some).tolist()
        for row, time, sequence in zip(
            some.tolist(), segment.times[some].tolist(), sequences, strict=True
        ):
            position = Position(time, sequence)
            if after is None or position < after:
                yield Hit(position, segment, row)


_AT_ONCE = 64
"""A little more than a page."""


def _rows_with_id(segment: Segment, event_id: str, seed: int) -> list[int]:
    """Hashes may be equal by chance: the record tells."""
    return sorted(
        row
        for row in segment.rows_with_id(hash_of(event_id, seed))
        if _event_id(segment.records.at(row)) == event_id
    )


def _event_id(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=_OnlyId).event_id
    except (msgspec.MsgspecError, ValueError):
        return None
