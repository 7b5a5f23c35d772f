"""Which segments may hold an eventID, told without asking each: a Bloom filter a segment.

Filters of one length stand in one table, so one look at three of its columns asks hundreds of
segments. Between 12 and 24 bits an event: at most one segment in a hundred is asked in vain.
Segments that came since are asked one by one, until they are many enough to be taken in.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.directory import MANY
from opentrail.adapters.events.segments.segment import Segment

_BITS_AN_EVENT = 12
_LEAST_BITS = 4096
_SHIFTS = (0, 20, 40)
"""Where in a hash of 64 bits the three places of it are read."""

_Filter = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Table:
    """Filters of one length, a row a segment."""

    numbers: npt.NDArray[np.int64]
    filters: npt.NDArray[np.uint8]

    def may_hold(self, hashed: int) -> list[int]:
        """The numbers of segments."""
        found = np.ones(len(self.numbers), np.uint8)
        for place in _places(hashed, self.filters.shape[1] * 8):
            found &= self.filters[:, place >> 3] >> (place & 7)
        return [int(one) for one in self.numbers[found != 0]]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was taken in; `filters` are the tables' rows by the number of the segment."""

    tables: tuple[_Table, ...]
    filters: dict[int, _Filter]


class IdFilters:
    """Of one store; safe from several threads. It keeps no segment open that is no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = _Known((), {})

    def possible(self, segments: Sequence[Segment], hashed: int) -> list[Segment]:
        """Those that may hold an event whose id has this hash, and a few that are to be asked.

        Args:
            segments: All that there are now.
        """
        known = self._known
        others = [one for one in segments if one.entry.number not in known.filters]
        if len(others) > MANY:
            known, others = self._taken_in(segments), []
        named = {number for table in known.tables for number in table.may_hold(hashed)}
        return others + [one for one in segments if one.entry.number in named]

    def _taken_in(self, segments: Sequence[Segment]) -> _Known:
        # Others wait: they would do the same again.
        with self._lock:
            old = self._known.filters
            if any(one.entry.number not in old for one in segments):
                filters = {
                    number: old[number] if number in old else _filter(one)
                    for one in segments
                    for number in [one.entry.number]
                }
                tables = _tables(filters)
                rows = {
                    int(number): row
                    for table in tables
                    for number, row in zip(table.numbers, table.filters, strict=True)
                }
                self._known = _Known(tables, rows)
            return self._known


def _filter(segment: Segment) -> _Filter:
    hashes = segment.arrays["by_id"]
    length = max(_LEAST_BITS, 1 << (len(hashes) * _BITS_AN_EVENT - 1).bit_length())
    bits = np.zeros(length, np.bool_)
    for shift in _SHIFTS:
        bits[(hashes >> np.uint64(shift)) & np.uint64(length - 1)] = True
    return np.packbits(bits, bitorder="little")


def _places(hashed: int, length: int) -> list[int]:
    return [(hashed >> shift) & (length - 1) for shift in _SHIFTS]


def _tables(filters: dict[int, _Filter]) -> tuple[_Table, ...]:
    by_length: dict[int, list[int]] = {}
    for number, one in filters.items():
        by_length.setdefault(len(one), []).append(number)
    return tuple(
        _Table(np.array(numbers, np.int64), np.stack([filters[number] for number in numbers]))
        for numbers in by_length.values()
    )
