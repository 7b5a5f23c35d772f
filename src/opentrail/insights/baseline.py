"""What is ordinary for a series: refitted every day on its last 28 days.

1. The season: calls expected in each hour of the week (`season`).
2. Windows of 1, 5, 15 and 60 minutes: the variance of their counts is `mean * (1 + own + mean *
   swinging)`; `own` is how calls come together, `swinging` how the level moves.
3. How strange each window of the past was, against what the other days expect (`tail`).
4. The threshold is what the strangest windows of the past let expect once in `return_days`: of the
   twelve strangest of different two hours, Hill's estimate of the tail leaning on a prior, and
   Weissman's quantile. At hours whose own past is quieter it is lower, down to eight tenths.
5. The same for the minutes that have any calls, in windows of 15 and 60: who works at night
   makes few calls, but minute after minute, and bursts of calls by day say nothing of that.
6. Drops: counts of 15, 60 and 180 minutes that were never low at this time of day (`drops`).

Everything is a function of the counts: the same counts give the same baseline.
Source: design: insights, section 5, with the differences told in docs/explanation/insights.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.drops import DropLimits, learn_drops
from opentrail.insights.season import HOURS, learn_season
from opentrail.insights.tail import Floats, Ints, high

DAY = 1440
SLOT = 15
"""Minutes in which the expected rate is taken for constant."""
SLOTS = DAY // SLOT
WINDOWS = (1, 5, 15, 60)
ACTIVITY_WINDOWS = (15, 60)
MOST_DAYS = 28
LEAST_DAYS = 3
"""Of a younger series nothing is told."""
GROWN_DAYS = 14
"""A younger series is judged by windows of 5 minutes and more, and half as strictly again."""

_YOUNG_FACTOR = 1.5
_YOUNG_WINDOW = 5
_LEAST_OWN = 0.3
_LEAST_EXCESS = 0.05
_CAPPED = 0.9995
_MASS_BELOW = 0.35
_APART = 1.3
_BLOCK = 8
_TOPS = 12
_PRIOR_TAIL = 0.35
_PRIOR_WEIGHT = 6
_ABOVE_STRANGEST = 1.15
_QUIETER = 0.8
_NEAR_SLOTS = 6


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How rare a false alarm is to be.

    Attributes:
        return_days: A series' own past lets such a window expect once in so many days.
        least: No window that is less strange than this power of ten is told.
    """

    name: str
    return_days: float
    least: float


SENSITIVITIES = {
    one.name: one
    for one in (
        Sensitivity("low", 10_000.0, 7.0),
        Sensitivity("normal", 1000.0, 4.0),
        Sensitivity("high", 200.0, 3.5),
    )
}
NORMAL = SENSITIVITIES["normal"]


@dataclass(frozen=True, slots=True)
class Rates:
    """What is ordinary for one measure of a series: its calls, or its minutes with calls.

    Attributes:
        week: Expected a minute at the middle of each hour of the week, from Monday 00:00.
        own: By window: how calls come together.
        swinging: By window: how the level moves.
        thresholds: Strangeness by window and hour of the day; infinite where nothing is told.
    """

    week: NDArray[np.float32]
    own: NDArray[np.float32]
    swinging: NDArray[np.float32]
    thresholds: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What detection knows of a series for one day.

    Attributes:
        calls: Of `WINDOWS`.
        activity: Minutes with calls, of `ACTIVITY_WINDOWS`.
        drops: None for a series that may be low at any time.
    """

    calls: Rates
    activity: Rates
    drops: DropLimits | None


def learn(counts: Ints, first_weekday: int, sensitivity: Sensitivity) -> Baseline:
    """The baseline for the day after a past.

    Args:
        counts: Calls by minute, whole days, oldest first; the last 28 days are used. Minutes of
            anomalies have been replaced (`cleaning`).
        first_weekday: Of the first day, 0 for Monday.
    """
    beyond = max(0, len(counts) // DAY - MOST_DAYS)
    counts, first_weekday = counts[beyond * DAY :], (first_weekday + beyond) % 7
    summed = _summed(counts)
    return Baseline(
        _rates(summed, first_weekday, sensitivity, WINDOWS),
        _rates(_summed(np.minimum(counts, 1)), first_weekday, sensitivity, ACTIVITY_WINDOWS),
        learn_drops(summed, first_weekday) if len(counts) >= GROWN_DAYS * DAY else None,
    )


def _summed(counts: Ints) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _rates(
    summed: Ints, first_weekday: int, sensitivity: Sensitivity, windows: tuple[int, ...]
) -> Rates:
    days = (len(summed) - 1) // DAY
    season = learn_season(np.diff(summed[::60]).reshape(days, HOURS), first_weekday)
    expected = slots_of(season.others)
    sparse = _sparse(expected)
    own, swinging, strange = [], [], []
    for window in windows:
        rolled = _rolled(summed, window)
        together, moving = _dispersion(rolled, expected, window, sparse)
        own.append(together)
        swinging.append(moving)
        strange.append(_strangeness(rolled, expected, window, (together, moving)))
    return Rates(
        season.week.astype(np.float32),
        np.array(own, np.float32),
        np.array(swinging, np.float32),
        _thresholds(np.stack(strange), days, sensitivity, windows).astype(np.float32),
    )


def slots_of(hours: Floats) -> Floats:
    """Linear between the middles of hours: four slots an hour, the hours closed to a ring."""
    before, after = np.roll(hours, 1), np.roll(hours, -1)
    found = np.empty((len(hours), 4))
    for slot, (other, share) in enumerate(
        ((before, 0.375), (before, 0.125), (after, 0.125), (after, 0.375))
    ):
        found[:, slot] = hours * (1 - share) + other * share
    return found.reshape(-1)


def expected_in(slots: Floats, window: int) -> Floats:
    """Expected calls in the windows that end in the middle of each slot; along the last axis."""
    if window < SLOT:
        return slots * window
    whole = window // SLOT
    padded = np.concatenate((np.repeat(slots[..., :1], whole, -1), slots), -1)
    summed = np.concatenate((np.zeros_like(padded[..., :1]), np.cumsum(padded, -1)), -1)
    inner = summed[..., whole + 1 :] - summed[..., 1:-whole]
    return np.asarray((inner + (padded[..., :-whole] - padded[..., whole:]) / 2) * SLOT)


def _rolled(summed: Ints, window: int) -> Ints:
    """Counts of the windows that end at each minute; the first ones are shorter."""
    found = summed[1:].copy()
    found[window:] -= summed[1:-window]
    return found


def _sparse(expected: Floats) -> NDArray[np.bool_]:
    """The slots of the least rates that together have a third of the calls."""
    order = np.argsort(expected)
    mass = np.cumsum(expected[order])
    cut = expected[order[np.searchsorted(mass, mass[-1] * _MASS_BELOW)]]
    return np.asarray(expected <= cut)


def _dispersion(
    rolled: Ints, expected: Floats, window: int, sparse: NDArray[np.bool_]
) -> tuple[float, float]:
    """(2): from windows that don't overlap; one huge window does not decide alone."""
    counts = rolled[window - 1 :: window].astype(float)
    ends = np.arange(window - 1, len(rolled), window) // SLOT
    if window < SLOT:
        means = expected[ends] * window
    else:
        means = expected.reshape(-1, window // SLOT).sum(1) * SLOT
    excess = (counts - means) ** 2 - means
    highest = int(len(excess) * _CAPPED)
    if highest < len(excess) - 1:
        excess = np.minimum(excess, np.partition(excess, highest)[highest])
    low = sparse[ends]
    total = max(_LEAST_EXCESS, float(excess.sum() / means.sum()))
    if low.all():
        return total, 0.0
    low_level, low_excess = _levels(means[low], excess[low])
    high_level, high_excess = _levels(means[~low], excess[~low])
    if high_level <= _APART * low_level or high_excess <= low_excess:
        return total, 0.0
    swinging = (high_excess - low_excess) / (high_level - low_level)
    own = low_excess - swinging * low_level
    least = min(_LEAST_OWN, total)
    if own < least:
        own = least
        swinging = max(0.0, total - own) * float(means.sum() / (means**2).sum())
    return own, swinging


def _levels(means: Floats, excess: Floats) -> tuple[float, float]:
    total = float(means.sum())
    return float((means**2).sum()) / total, max(0.0, float(excess.sum()) / total)


def _strangeness(
    rolled: Ints, expected: Floats, window: int, dispersion: tuple[float, float]
) -> Floats:
    """(3): of the highest window that ends in each slot; one call is never strange."""
    most = rolled.reshape(-1, SLOT).max(1)
    some = np.flatnonzero(most >= 2)
    means = expected_in(expected, window)[some]
    own, swinging = dispersion
    found = np.zeros(len(most))
    found[some] = high(most[some].astype(float), means, own + swinging * means)
    return found


def _thresholds(
    strange: Floats, days: int, sensitivity: Sensitivity, windows: tuple[int, ...]
) -> Floats:
    """(4): by window and hour of the day."""
    shape = (len(windows), HOURS)
    if days < LEAST_DAYS:
        return np.full(shape, np.inf)
    blocks = strange.reshape(len(windows), -1, _BLOCK).max(2)
    tops = np.maximum(-np.sort(-blocks, axis=1)[:, : _TOPS + 1], 1.0)
    tail = np.log(tops[:, :_TOPS] / tops[:, _TOPS:]).mean(1)
    tail = (_PRIOR_WEIGHT * _PRIOR_TAIL + _TOPS * tail) / (_PRIOR_WEIGHT + _TOPS)
    found = tops[:, _TOPS] * (_TOPS * sensitivity.return_days / days) ** tail
    found = np.maximum(found, tops[:, 0] * _ABOVE_STRANGEST)
    near = _near(strange.reshape(len(windows), days, SLOTS).max(1))
    near *= (found / tops[:, 0])[:, None]
    found = np.maximum(np.maximum(near, _QUIETER * found[:, None]), sensitivity.least)
    if days < GROWN_DAYS:
        found *= _YOUNG_FACTOR
        found[np.array(windows) < _YOUNG_WINDOW] = np.inf
    return np.asarray(found)


def _near(strange: Floats) -> Floats:
    """By hour of the day: the strangest slot of it and of an hour and a half around it."""
    ring = np.concatenate((strange[:, -_NEAR_SLOTS:], strange, strange[:, :_NEAR_SLOTS]), 1)
    width = 4 + 2 * _NEAR_SLOTS
    hours = [ring[:, 4 * hour : 4 * hour + width].max(1) for hour in range(HOURS)]
    return np.stack(hours, 1)
