"""What is expected of a series in each hour of the week, learnt from its days.

Means of the same hour of the week, of the same hour on days of its type (working day or not), and
of all hours lean on each other: a cell with little of its own is drawn to the wider one, by one
cluster of calls (the hours' variance over their mean). So a series whose bursts come
at any time does not appear quiet in hours where none has happened to fall yet.

Each past day is also given what the *other* days expect of it. Only against that can a day say how
strange ordinary days are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentrail.insights.tail import Floats

HOURS = 24
WORKING_DAYS = 5
THURSDAY = 3
"""The weekday of the epoch's first day."""
LEAST_A_DAY = 0.3
"""Calls a day that are expected of a series without any."""

_WIDER_WEIGHT = (2.0, 28.0)
"""Days that the wider mean counts for, at least and at most."""

_DAYS = np.arange(7)
_IS_WORKING = _DAYS < WORKING_DAYS


@dataclass(frozen=True, slots=True)
class Season:
    """Expected calls a minute, at the middle of hours.

    Attributes:
        week: 168 hours from Monday 00:00 UTC.
        others: For each hour of the past what the other days expect of it.
    """

    week: Floats
    others: Floats


def weekday_of(day: int) -> int:
    """Of a day since the epoch; 0 for Monday."""
    return (day + THURSDAY) % 7


def learn_season(hours: NDArray[np.int64], first_weekday: int) -> Season:
    """The season of a past.

    Args:
        hours: Calls by day and hour, shape (days, 24); at least one day.
        first_weekday: Of the first day, 0 for Monday.
    """
    days = len(hours)
    smooth = _smoothed(hours.reshape(-1).astype(float)).reshape(days, HOURS)
    weekday = (first_weekday + np.arange(days)) % 7
    working = weekday < WORKING_DAYS
    cluster = max(1.0, float(smooth.var() / max(smooth.mean(), 1e-9)))
    in_all = smooth.sum(0)
    in_type = np.stack([smooth[working == is_working].sum(0) for is_working in _IS_WORKING])
    in_weekday = np.stack([smooth[weekday == day].sum(0) for day in _DAYS])
    of_type = np.where(_IS_WORKING, working.sum(), days - working.sum())[:, None]
    of_weekday = np.bincount(weekday, minlength=7)[:, None]
    week = _leaning(cluster, (in_all[None], days), (in_type, of_type), (in_weekday, of_weekday))
    others = _leaning(
        cluster,
        (in_all[None] - smooth, days - 1),
        (in_type[weekday] - smooth, of_type[weekday] - 1),
        (in_weekday[weekday] - smooth, of_weekday[weekday] - 1),
    )
    return Season(week.reshape(-1), others.reshape(-1))


def _leaning(cluster: float, *levels: tuple[Floats, int | NDArray[np.int64]]) -> Floats:
    """Means by day and hour, a minute: of the last level, drawn to those before it.

    A level is sums of hours and the days that they are of.
    """
    least = LEAST_A_DAY / HOURS
    in_all, days = levels[0]
    mean = np.maximum(in_all.sum(-1, keepdims=True) / np.maximum(days * HOURS, 1), least)
    for sums, count in levels:
        weight = np.clip(cluster / mean, *_WIDER_WEIGHT)
        mean = np.maximum((sums + weight * mean) / (count + weight), 1e-9)
    return np.asarray(np.maximum(mean, least) / 60)


def _smoothed(hours: Floats) -> Floats:
    """Each hour with half of itself and a quarter of those beside it."""
    found = np.empty_like(hours)
    found[1:-1] = (hours[:-2] + 2 * hours[1:-1] + hours[2:]) / 4
    found[0] = (3 * hours[0] + hours[1]) / 4
    found[-1] = (3 * hours[-1] + hours[-2]) / 4
    return found
