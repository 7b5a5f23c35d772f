"""Counts that were never low at this time of day: silent APIs and jobs that did not run.

For windows of 15, 60 and 180 minutes and each five minutes of the day, the lowest window that ended
there, seven minutes earlier or later, on the past days of today's type: a job that begins a little
before its earliest time leaves a window earlier, and is not missed. Where that is five calls or
more, three tenths of it are strange, unless a past day, of either type, was as low beside its
others: an API that sometimes pauses is never missed. The count must also be strange for the mean
and variance of that time (`tail`), so that the noise of small counts is no drop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.season import WORKING_DAYS
from opentrail.insights.tail import Floats, Ints, low

DROP_WINDOWS = (15, 60, 180)
MARK = 5
"""Minutes from one look for drops to the next."""
MARKS = 288

_JITTER = 2
_LEAST_CALLS = 5
_LEAST_DAYS = 6
_LOW = 0.3
_RECOVERED = 0.6
_LEAST_STRANGE = 6.0
_LEAST_EXCESS = 0.05
_HALVINGS = 16


@dataclass(frozen=True, slots=True)
class DropLimits:
    """By window and mark of the day, the next day's; -1 where nothing is told.

    Attributes:
        low: A drop is a count of this or less.
        recovered: It lasts while a count is this or less.
        expected: The mean of that time.
    """

    low: NDArray[np.int32]
    recovered: NDArray[np.int32]
    expected: NDArray[np.float32]


def learn_drops(summed: Ints, first_weekday: int) -> DropLimits | None:
    """The limits for the day after a past; None where no window has any.

    Args:
        summed: Calls up to each minute of whole days, from 0: one more than there are minutes.
        first_weekday: Of the first day, 0 for Monday.
    """
    days = (len(summed) - 1) // (MARK * MARKS)
    weekday = (first_weekday + np.arange(days + 1)) % 7
    today_works = int(weekday[-1]) < WORKING_DAYS
    is_like_today = (weekday[:-1] < WORKING_DAYS) == today_works
    like_today, others = np.flatnonzero(is_like_today), np.flatnonzero(~is_like_today)
    lows, recovered, means = [], [], []
    for window in DROP_WINDOWS:
        rolled = summed[1:].copy()
        rolled[window:] -= summed[1:-window]
        rolled[:window] = rolled[window]
        limit, lowest, mean = _limits(rolled, days, like_today, others)
        lows.append(limit)
        recovered.append(np.where(lowest >= _LEAST_CALLS, (lowest * _RECOVERED), -1))
        means.append(mean)
    found = np.stack(lows)
    if (found < 0).all():
        return None
    silent = found.max(1, keepdims=True) < 0
    settled = np.where(silent, -1, np.stack(recovered))
    return DropLimits(
        found.astype(np.int32), settled.astype(np.int32), np.stack(means).astype(np.float32)
    )


def _limits(
    rolled: Ints, days: int, like_today: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    never = np.full(MARKS, -1)
    marked = rolled.reshape(days, MARKS, MARK)[like_today, :, MARK - 1].astype(float)
    mean = marked.mean(0) if len(like_today) else np.zeros(MARKS)
    if len(like_today) < _LEAST_DAYS or mean.max() < _LEAST_CALLS:
        return never, never, mean
    around = np.append(rolled[_JITTER:], np.repeat(rolled[-1], _JITTER))
    by_day = _with_neighbours(around.reshape(-1, MARK).min(1)).reshape(days, MARKS)
    lowest = np.sort(by_day[like_today], axis=0)[:2]
    if _pauses(lowest) or (
        len(others) >= _LEAST_DAYS and _pauses(np.sort(by_day[others], axis=0)[:2])
    ):
        return never, never, mean
    excess = np.maximum(marked.var(0) / np.maximum(mean, 1e-9) - 1, _LEAST_EXCESS)
    limit = _strange(np.floor(_LOW * lowest[0]), mean, excess)
    return np.where(lowest[0] >= _LEAST_CALLS, limit, -1), lowest[0], mean


def _with_neighbours(lowest: Ints) -> Ints:
    """Of each mark, the lowest there and at the marks beside it."""
    padded = np.pad(lowest, 1, mode="edge")
    return np.minimum(np.minimum(padded[:-2], lowest), padded[2:])


def _pauses(lowest: NDArray[np.int64]) -> bool:
    """Whether one day was low beside all others, at any time."""
    return bool(((lowest[1] >= _LEAST_CALLS) & (lowest[0] <= _LOW * lowest[1])).any())


def _strange(most: Floats, mean: Floats, excess: Floats) -> NDArray[np.int64]:
    """The highest counts up to `most` that are strange enough; -1 where 0 is not."""
    mean = np.maximum(mean, 1e-9)
    least, highest = np.full(len(mean), -1.0), most
    for _ in range(_HALVINGS):
        middle = np.ceil((least + highest) / 2)
        strange = low(np.maximum(middle, 0), mean, excess) >= _LEAST_STRANGE
        least = np.where(strange, np.maximum(middle, least), least)
        highest = np.where(strange, highest, np.maximum(middle - 1, least))
    return least.astype(np.int64)
