"""Baselines of many series, compiled to whole numbers that a minute's sums are compared with.

The limits of a row are renewed every 15 minutes, at a minute of the quarter that its key decides,
so that every minute costs the same. Between, a minute is a comparison of integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.baseline import DAY, SLOT, Rates
from opentrail.insights.drops import DROP_WINDOWS, MARKS, DropLimits
from opentrail.insights.season import THURSDAY
from opentrail.insights.tail import Floats, high, least_strange
from opentrail.insights.windows import LEVEL_FROM, LEVEL_TO

LEAST_CALLS = 5
"""Fewer calls in a window are never told."""
NEVER = np.iinfo(np.int32).max

_HOURS = 168
_MINUTES = 60
_LEVEL_CALLS = 20
_HIGHEST_LEVEL = 2.0
_FIRST_ROWS = 64

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of rows in each of the windows, by window and row."""

    means: Floats
    excess: Floats


class Limits:
    """By row: what was learnt, and what it means just now.

    Attributes:
        high: By window of the windows and row: the least count that is strange.
        present: By row: the least count of 15 minutes above what is expected.
    """

    def __init__(self, windows: tuple[int, ...]) -> None:
        self.rows = 0
        self._windows = windows
        self._room = 0
        self._week = np.zeros((0, _HOURS), np.float32)
        self._dispersion = np.zeros((2, len(self._windows), 0), np.float32)
        self._thresholds = np.zeros((0, len(self._windows), 24), np.float32)
        self._means = np.zeros((len(self._windows), 0), np.float32)
        self._high = np.zeros((len(self._windows), 0), np.int32)
        self._present = np.zeros(0, np.int32)

    @property
    def high(self) -> NDArray[np.int32]:
        return self._high[:, : self.rows]

    @property
    def present(self) -> NDArray[np.int32]:
        return self._present[: self.rows]

    def add_row(self) -> None:
        """A row that nothing is known of: nothing is strange."""
        if self.rows == self._room:
            more = max(_FIRST_ROWS, self._room)
            self._room += more
            self._week = np.concatenate((self._week, np.ones((more, _HOURS), np.float32)))
            self._dispersion = _wider(self._dispersion, more, 1)
            self._thresholds = np.concatenate(
                (self._thresholds, np.full((more, len(self._windows), 24), np.inf, np.float32))
            )
            self._means = _wider(self._means, more, 1)
            self._high = _wider(self._high, more, NEVER)
            self._present = _wider(self._present, more, NEVER)
        self.rows += 1

    def clear(self, row: int) -> None:
        """As if it had just been added."""
        self._week[row] = self._dispersion[:, :, row] = self._means[:, row] = 1
        self._thresholds[row] = np.inf
        self._high[:, row] = self._present[row] = NEVER

    def set(self, row: int, rates: Rates) -> None:
        """What a row's days taught; it holds from the row's next renewal on."""
        self._week[row] = rates.week
        self._dispersion[0, :, row] = rates.own
        self._dispersion[1, :, row] = rates.swinging
        self._thresholds[row] = rates.thresholds

    def renew(self, rows: NDArray[np.int64], minute: int, level: NDArray[np.int64]) -> None:
        """The limits for the 15 minutes from `minute` on.

        Args:
            level: Calls of the six hours up to an hour ago (`Windows.level`).
        """
        factor = self._level(rows, minute, level)
        rates = self._rates(rows, minute + SLOT / 2 - SLOT * np.arange(5)) * factor
        means = np.stack([_mean(rates, window) for window in self._windows])
        hour = (minute + SLOT // 2) // _MINUTES % 24
        thresholds = self._thresholds[rows, :, hour].T.astype(float)
        excess = self._excess(rows, means)
        told = np.isfinite(thresholds)
        found = least_strange(np.where(told, thresholds, 1.0), means, excess)
        self._means[:, rows] = means
        self._high[:, rows] = np.where(told, np.clip(found, LEAST_CALLS, NEVER), NEVER)
        present = np.floor(means[self._windows.index(SLOT)]).astype(np.int64) + 1
        self._present[rows] = np.where(told.any(0), present, NEVER)

    def expected(self, rows: NDArray[np.int64]) -> Expected:
        means = self._means[:, rows].astype(float)
        return Expected(means, self._excess(rows, means))

    def strangeness(self, rows: NDArray[np.int64], counts: NDArray[np.int32]) -> Floats:
        """By window of its windows and row."""
        expected = self.expected(rows)
        return high(counts.astype(float), expected.means, expected.excess)

    def thresholds(self, rows: NDArray[np.int64], minute: int) -> Floats:
        """As strangeness, by window of its windows and row; infinite where nothing is told."""
        hour = minute // _MINUTES % 24
        return np.asarray(self._thresholds[rows, :, hour].T, float)

    def _excess(self, rows: NDArray[np.int64], means: Floats) -> Floats:
        own, swinging = self._dispersion[:, :, rows]
        return np.asarray(own + swinging * means, float)

    def _level(self, rows: NDArray[np.int64], minute: int, level: NDArray[np.int64]) -> Floats:
        """How much more than expected there was for hours, at most twice: a busy day."""
        slots = np.arange(minute // SLOT - LEVEL_FROM, minute // SLOT - LEVEL_TO)
        expected = self._rates(rows, slots * SLOT + SLOT / 2).sum(0) * SLOT
        factor = (level + _LEVEL_CALLS) / (expected + _LEVEL_CALLS)
        return np.asarray(np.clip(factor, 1.0, _HIGHEST_LEVEL))

    def _rates(self, rows: NDArray[np.int64], minutes: NDArray[Any]) -> Floats:
        """Calls a minute at these minutes since the epoch, by minute and row."""
        place = (minutes / _MINUTES - 0.5 + THURSDAY * 24) % _HOURS
        before = np.floor(place).astype(int) % _HOURS
        share = (place - np.floor(place))[:, None]
        week = self._week[rows]
        first, second = week[:, before].T, week[:, (before + 1) % _HOURS].T
        return np.asarray(first * (1 - share) + second * share, float)


class Drops:
    """The limits of those rows that may not be low."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._rows = np.zeros(0, np.int64)
        self._days = np.zeros(0, np.int64)
        self._low = np.zeros((MARKS, len(DROP_WINDOWS), 0), np.int32)
        self._recovered = np.zeros((MARKS, len(DROP_WINDOWS), 0), np.int32)
        self._expected = np.zeros((MARKS, len(DROP_WINDOWS), 0), np.float32)

    @property
    def rows(self) -> NDArray[np.int64]:
        """In the order in which they were first set."""
        return self._rows[: len(self._places)]

    def set(self, row: int, limits: DropLimits | None, day: int = 0) -> None:
        """The limits of a row, for a day since the epoch."""
        place = self._places.get(row)
        if limits is None:
            if place is not None:
                self._low[:, :, place] = self._recovered[:, :, place] = -1
            return
        if place is None:
            place = self._places[row] = len(self._places)
            if place == len(self._rows):
                self._grow()
            self._rows[place] = row
        self._days[place] = day
        self._low[:, :, place] = limits.low.T
        self._recovered[:, :, place] = limits.recovered.T
        self._expected[:, :, place] = limits.expected.T

    def at(self, minute: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Low and expected at this minute, by window and place in `rows`.

        Nothing is low by the limits of another day: what runs on working days only is not missed
        on a Saturday that is not learnt yet.
        """
        mark = minute % DAY * MARKS // DAY
        used = len(self._places)
        is_today = self._days[:used] == minute // DAY
        low = np.where(is_today, self._low[mark, :, :used], np.int32(-1))
        return low, self._expected[mark, :, :used]

    def recovered(self, rows: NDArray[np.int64], minute: int) -> NDArray[np.int32]:
        """By window and row; -1 for rows without limits."""
        places = np.array([self._places.get(row, -1) for row in rows.tolist()])
        found = self._recovered[minute % DAY * MARKS // DAY][:, places]
        return np.where(places < 0, np.int32(-1), found)

    def _grow(self) -> None:
        more = max(_FIRST_ROWS, len(self._rows))
        self._rows = _wider(self._rows, more, 0)
        self._days = _wider(self._days, more, 0)
        self._low = _wider(self._low, more, -1)
        self._recovered = _wider(self._recovered, more, -1)
        self._expected = _wider(self._expected, more, 0)


def _mean(rates: Floats, window: int) -> Floats:
    """Calls of a window, from the rates of the quarter of an hour around its end and before."""
    if window < SLOT:
        return np.asarray(rates[0] * window)
    whole = window // SLOT
    return np.asarray((rates[0] + rates[whole]) * (SLOT / 2) + rates[1:whole].sum(0) * SLOT)


def _wider(array: NDArray[Kind], more: int, value: float) -> NDArray[Kind]:
    extra = np.full((*array.shape[:-1], more), value, array.dtype)
    return np.concatenate((array, extra), -1)
