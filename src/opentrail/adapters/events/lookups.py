"""LookupEvents over segments: one attribute, one account, one region, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from opentrail.adapters.events.finding import Hit, rows_in_range
from opentrail.adapters.events.segments.columns import hash_of
from opentrail.adapters.events.segments.schema import (
    FIRST,
    RESOURCE_NAME,
    RESOURCE_TYPE,
    USERNAME,
)
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.events.states import Rows
from opentrail.history.lookup import LookupQuery
from opentrail.ports.events import Position, Search
from opentrail.search.expression import All, Expression, Operator, Test

_FIRST_LOOK = 8192
"""Rows looked at first; frequent values are found among the newest."""

_PATHS: dict[str, FieldPath] = {
    "AccessKeyId": ("userIdentity", "accessKeyId"),
    "EventName": ("eventName",),
    "EventSource": ("eventSource",),
    "ReadOnly": ("readOnly",),
    "Username": USERNAME,
}
_LISTS: dict[str, FieldPath] = {"ResourceName": RESOURCE_NAME, "ResourceType": RESOURCE_TYPE}
_INSIGHT_PATHS: dict[str, FieldPath] = {
    "EventId": ("eventID",),
    "EventName": ("insightDetails", "eventName"),
    "EventSource": ("insightDetails", "eventSource"),
}
_CATEGORY: FieldPath = ("eventCategory",)
_ACCOUNT: FieldPath = ("recipientAccountId",)
_REGION: FieldPath = ("awsRegion",)


class _OnlyId(msgspec.Struct):
    event_id: str | None = msgspec.field(default=None, name="eventID")


def search_of(query: LookupQuery, after: Position | None) -> Search:
    """The times and the page of a look-up."""
    return Search(
        # A start within a second leaves that second's events (which have whole seconds) out.
        start=-int(-query.start.timestamp() // 1),
        end=int(query.end.timestamp()) + 1,
        after=after,
    )


def insight_search(query: LookupQuery, after: Position | None) -> Search:
    """Insights events are few: any search finds them."""
    parts: list[Expression] = [
        Test(_CATEGORY, Operator.EQUALS, "Insight"),
        Test(_ACCOUNT, Operator.EQUALS, query.account_id),
        Test(_REGION, Operator.EQUALS, query.region),
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


def possible(
    segments: Sequence[Segment], query: LookupQuery, after: Position | None
) -> list[Segment]:
    """Segments of the time asked for."""
    bounds = search_of(query, after)
    assert bounds.start is not None
    assert bounds.end is not None
    end = bounds.end if after is None else min(bounds.end, after.event_time + 1)
    return [one for one in segments if one.entry.newest >= bounds.start and one.entry.oldest < end]


def hits(segment: Segment, query: LookupQuery, after: Position | None, seed: int) -> Iterator[Hit]:
    """What a segment holds of a look-up, newest first."""
    wanted = [
        (path, code)
        for path, value in (
            (_CATEGORY, "Management"), (_ACCOUNT, query.account_id), (_REGION, query.region)
        )
        if (code := _code(segment, path, value)) is not None
    ]  # fmt: skip
    if len(wanted) < _SCOPE:
        return
    if query.attribute in _PATHS:
        path = _PATHS[query.attribute]
        code = _code(segment, path, query.value)
        if code is None:
            return
        wanted.insert(0, (path, code))
    rows = rows_in_range(segment, search_of(query, after))
    if query.attribute in _LISTS:
        rows = np.intersect1d(rows, _rows_with(segment, _LISTS[query.attribute], query.value))
    elif query.attribute == "EventId":
        rows = np.intersect1d(rows, _rows_with_id(segment, query.value, seed))
    yield from _newest(segment, rows, wanted)


_SCOPE = 3


def _newest(segment: Segment, rows: Rows, wanted: Sequence[tuple[FieldPath, int]]) -> Iterator[Hit]:
    """Rows with those codes, newest first, looked at piece by piece."""
    end, size = len(rows), _FIRST_LOOK
    while end > 0:
        piece = rows[max(0, end - size) : end]
        end -= size
        size *= 4
        for path, code in wanted:
            codes = segment.codes(path)
            # Rows without a gap are a slice: no copy.
            whole = len(piece) and int(piece[-1] - piece[0]) + 1 == len(piece)
            found = codes[piece[0] : piece[-1] + 1] if whole else codes[piece]
            piece = piece[found == codes.dtype.type(code)]
            if not len(piece):
                break
        piece = piece[::-1]
        sequences = segment.sequences(piece)
        for row, time, sequence in zip(
            piece.tolist(), segment.times[piece].tolist(), sequences.tolist(), strict=True
        ):
            yield Hit(Position(time, sequence), segment, row)


def _code(segment: Segment, path: FieldPath, value: str) -> int | None:
    number = segment.texts(path).find(value)
    return None if number is None else number + FIRST


def _rows_with(segment: Segment, path: FieldPath, value: str) -> Rows:
    code = _code(segment, path, value)
    if code is None:
        return np.zeros(0, np.intp)
    codes = segment.codes(path)
    found = segment.entry_rows(path)[codes == codes.dtype.type(code)]
    rows: Rows = found.astype(np.intp)
    return rows


def _rows_with_id(segment: Segment, event_id: str, seed: int) -> Rows:
    """Hashes may be equal by chance: the record tells."""
    found = [
        row
        for row in segment.rows_with_id(hash_of(event_id, seed))
        if _event_id(segment.records.at(row)) == event_id
    ]
    return np.array(sorted(found), np.intp)


def _event_id(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=_OnlyId).event_id
    except (msgspec.MsgspecError, ValueError):
        return None
