"""Counts of the last minutes of many series: sums of windows, kept up minute by minute.

A row is a series. A minute holds less than 2^24 calls, so that sums fit into 32 bits. The cost of a
minute grows with the rows, not with the windows' lengths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.baseline import SLOT, WINDOWS
from opentrail.insights.drops import DROP_WINDOWS

LENGTHS = tuple(sorted({*WINDOWS, *DROP_WINDOWS}))
SLOTS_KEPT = 32
LEVEL_FROM, LEVEL_TO = 28, 4
"""The level is that of the slots from seven hours ago to one hour ago."""

_FIRST_ROWS = 64


class Windows:
    """The sums, by row.

    Attributes:
        sums: By window and row; they end at `minute`, inclusive.
        minute: The newest; minutes follow each other without a gap.
    """

    def __init__(self, minute: int, lengths: tuple[int, ...] = LENGTHS) -> None:
        """Of windows of these lengths (minutes, ascending), all 0 at `minute`."""
        self.minute = minute
        self.rows = 0
        self._lengths = lengths
        self._reach = max(lengths)
        self._ring = np.zeros((self._reach, _FIRST_ROWS), np.int32)
        self._slots = np.zeros((SLOTS_KEPT, _FIRST_ROWS), np.int32)
        self._sums = np.zeros((len(lengths), _FIRST_ROWS), np.int32)

    @property
    def sums(self) -> NDArray[np.int32]:
        return self._sums[:, : self.rows]

    def add_row(self) -> int:
        """A row of zeros."""
        if self.rows == self._ring.shape[1]:
            self._ring = np.concatenate((self._ring, np.zeros_like(self._ring)), 1)
            self._slots = np.concatenate((self._slots, np.zeros_like(self._slots)), 1)
            self._sums = np.concatenate((self._sums, np.zeros_like(self._sums)), 1)
        self.rows += 1
        return self.rows - 1

    def clear(self, row: int) -> None:
        """Back to zeros."""
        self._ring[:, row] = self._slots[:, row] = self._sums[:, row] = 0

    def advance(self, rows: NDArray[np.int64], counts: NDArray[np.int32]) -> None:
        """One minute on; rows that are not named had no calls. A row is named once."""
        self.minute = minute = self.minute + 1
        used = self.rows
        for place, length in enumerate(self._lengths):
            self._sums[place, :used] -= self._ring[(minute - length) % self._reach, :used]
        newest = self._ring[minute % self._reach]
        newest[:] = 0
        newest[rows] = counts
        slot = self._slots[minute // SLOT % SLOTS_KEPT]
        if minute % SLOT == 0:
            slot[:] = 0
        slot[rows] += counts
        self._sums[:, rows] += counts

    def late(self, row: int, minute: int, count: int) -> None:
        """Calls that are told of after their minute; no matter when they are too old."""
        age = self.minute - minute
        if count <= 0 or not 0 <= age < SLOT * (SLOTS_KEPT - 1):
            return
        self._slots[minute // SLOT % SLOTS_KEPT, row] += count
        if age >= self._reach:
            return
        self._ring[minute % self._reach, row] += count
        for place, length in enumerate(self._lengths):
            if age < length:
                self._sums[place, row] += count

    def load(self, row: int, counts: Sequence[tuple[int, int]]) -> None:
        """The past of a new row: minutes and calls."""
        for minute, count in counts:
            self.late(row, minute, count)

    def level(self, rows: NDArray[np.int64], minute: int) -> NDArray[np.int64]:
        """Calls of the six hours that end about an hour before `minute`, whole slots.

        Args:
            minute: The newest, or up to half an hour before.
        """
        now = minute // SLOT
        places = np.arange(now - LEVEL_FROM, now - LEVEL_TO) % SLOTS_KEPT
        return np.asarray(self._slots[places][:, rows].sum(0, dtype=np.int64))

    def had_calls(self, row: int, minute: int) -> bool:
        """Whether a minute had any; of the minutes that the longest window holds."""
        held = 0 <= self.minute - minute < self._reach
        return held and bool(self._ring[minute % self._reach, row])

    def lately(self, row: int, length: int) -> list[int]:
        """The counts of the last minutes of a row, oldest first."""
        minutes = np.arange(self.minute - length + 1, self.minute + 1) % self._reach
        return [int(one) for one in self._ring[minutes, row]]
