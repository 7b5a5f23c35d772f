"""Series with a past of ordinary days, made without chance where it does not matter."""

from collections.abc import Iterable

import numpy as np

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, NORMAL, learn
from opentrail.insights.counts import CALL_RATE, ERROR_RATE, SeriesKey
from opentrail.insights.detect import Detection
from opentrail.insights.season import weekday_of

FIRST_DAY = 20_003
"""A Monday since the epoch: weekday_of(20_003) is 0 for Monday, checked in the tests."""

DAYS = 28
START = (FIRST_DAY + DAYS) * DAY


def series(name: str = "RunInstances", error_code: str = "") -> SeriesKey:
    kind = ERROR_RATE if error_code else CALL_RATE
    return SeriesKey(
        "111122223333", "eu-west-1", "Management", "ec2.amazonaws.com", name, kind, error_code
    )


def office_days(mean: float = 4.0, seed: int = 1) -> np.ndarray:
    """28 days of minutes: calls around 13:00 of working days, few else."""
    random = np.random.default_rng(seed)
    minutes = np.arange(DAYS * DAY)
    hour, weekday = minutes % DAY / 60, minutes // DAY % 7
    day = np.exp(-(((hour - 13) / 3) ** 2)) * np.where(weekday < 5, 1.0, 0.05)
    return random.poisson(mean * day + 0.01)


def watching(past: np.ndarray, key: SeriesKey | None = None) -> tuple[Detection, SeriesKey]:
    """Detection at the first midnight after the past."""
    key = key or series()
    detection = Detection(START - 1)
    lately = past[-480:]
    detection.add(key, [(START - 480 + at, int(count)) for at, count in enumerate(lately)])
    detection.learn(key, learn(past, weekday_of(FIRST_DAY), NORMAL), START // DAY)
    return detection, key


def judged(
    detection: Detection, key: SeriesKey, counts: Iterable[int], beside: SeriesKey | None = None
) -> list[Alert]:
    """The alerts that began or ended.

    Args:
        beside: Another series that is called every ten minutes; nothing is told of it.
    """
    if beside is not None:
        detection.add(beside)
    return [
        alert
        for minute, count in enumerate(counts)
        for alert in detection.tick(
            ({key: int(count)} if count else {})
            | ({beside: 1} if beside is not None and minute % 10 == 0 else {})
        )
        if not alert.is_over
    ]
