"""Events of many segments in one order, found as lazily as that order allows."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from opentrail.adapters.events.segments.records import BLOCK_RECORDS
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.events.states import MAYBE, NO, Rows, States
from opentrail.ports.events import Position, Search
from opentrail.predicate.expression import All, Any, Expression, Operator, Test

_ACCOUNT = ("recipientAccountId",)

Matches = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that a search finds."""

    position: Position
    segment: Segment
    row: int


class Blocks:
    """The blocks of a segment, the last one read kept: neighbours are asked for one by one."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._number = -1
        self._block: list[bytes] = []

    def at(self, row: int) -> bytes:
        """The bytes of a record."""
        number = row // BLOCK_RECORDS
        if number != self._number:
            self._block, self._number = self._segment.records.block(number), number
        return self._block[row % BLOCK_RECORDS]


def whole(search: Search) -> Expression:
    """All that is asked of a record, the accounts included."""
    if search.accounts is None:
        return search.where
    own = (Test(_ACCOUNT, Operator.EQUALS, one) for one in sorted(search.accounts))
    return All((Any(tuple(own)), search.where))


def possible(segments: Sequence[Segment], search: Search) -> list[Segment]:
    """Segments that the times, sequences and the page before do not rule out."""
    start, end = _times(search)
    return [
        one
        for one in segments
        if (start is None or one.entry.newest >= start)
        and (end is None or one.entry.oldest < end)
        and (search.sequence_from is None or one.entry.sequence_end > search.sequence_from)
        and (
            search.sequence_before is None
            or one.entry.numbered
            or one.entry.first_sequence < search.sequence_before
        )
    ]


def _times(search: Search) -> tuple[int | None, int | None]:
    """The bounds of time, those of the page before among them."""
    start, end, after = search.start, search.end, search.after
    if after is not None and search.newest_first:
        end = after.event_time + 1 if end is None else min(end, after.event_time + 1)
    elif after is not None:
        start = after.event_time if start is None else max(start, after.event_time)
    return start, end


def row_span(segment: Segment, search: Search) -> tuple[int, int]:
    """The first row within the times and the one behind the last; maybe not below each other."""
    start, end = _times(search)
    first = 0 if start is None else segment.row_at(start)
    return first, segment.entry.rows if end is None else segment.row_at(end)


def rows_in_range(segment: Segment, search: Search) -> Rows:
    """The rows that time, sequence and the page before leave, oldest first."""
    times, after = segment.times, search.after
    first, last = row_span(segment, search)
    rows = np.arange(first, max(first, last))
    if after is not None and len(rows):
        sequences = segment.sequences(rows)
        same = times[rows] == after.event_time
        behind = sequences < after.sequence if search.newest_first else sequences > after.sequence
        rows = rows[~same | behind]
    if search.sequence_from is not None and len(rows):
        rows = rows[segment.sequences(rows) >= search.sequence_from]
    if search.sequence_before is not None and len(rows):
        rows = rows[segment.sequences(rows) < search.sequence_before]
    return rows


def hits_of(
    segment: Segment, rows: Rows, states: States, matches: Matches, *, newest_first: bool
) -> Iterator[Hit]:
    """What a segment holds of a search, in its order; records are asked where columns can't tell.

    Args:
        rows: Oldest first.
        states: Of each row.
    """
    there = np.flatnonzero(states > NO)
    rows, states = rows[there], states[there]
    sequences = segment.sequences(rows)
    times = segment.times[rows]
    blocks = Blocks(segment)
    numbers = range(len(rows) - 1, -1, -1) if newest_first else range(len(rows))
    for number in numbers:
        row = int(rows[number])
        if states[number] == MAYBE and not matches(blocks.at(row)):
            continue
        yield Hit(Position(int(times[number]), int(sequences[number])), segment, row)


def in_order(
    segments: Sequence[Segment], hits: Callable[[Segment], Iterator[Hit]], *, newest_first: bool
) -> Iterator[Hit]:
    """The hits of all segments by position; a segment is looked into when its time has come."""
    sign = -1 if newest_first else 1

    def begins(segment: Segment) -> int:
        return -segment.entry.newest if newest_first else segment.entry.oldest

    waiting = sorted(segments, key=begins, reverse=True)
    heap: list[tuple[int, int, int, Hit, Iterator[Hit]]] = []
    number = 0
    while waiting or heap:
        while waiting and (not heap or begins(waiting[-1]) <= heap[0][0]):
            source = hits(waiting.pop())
            hit = next(source, None)
            if hit is not None:
                number += 1
                heapq.heappush(heap, (*_key(hit, sign), number, hit, source))
        if not heap:
            continue
        _, _, own, hit, source = heap[0]
        yield hit
        following = next(source, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (*_key(following, sign), own, following, source))


def _key(hit: Hit, sign: int) -> tuple[int, int]:
    return sign * hit.position.event_time, sign * hit.position.sequence
