"""What was told of is not learnt as ordinary."""

import numpy as np
import pytest

from insight_series import DAYS, FIRST_DAY, START, judged, office_days, series, watching
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.baseline import DAY
from opentrail.insights.cleaning import LEARNT_MINUTES, cleaned

FIRST = FIRST_DAY * DAY
BURST = slice(20 * DAY + 600, 20 * DAY + 630)


def alert(first: int, end: int | None, kind: Kind = Kind.HIGH) -> Alert:
    """Of minutes of the past."""
    return Alert(
        series(), kind, FIRST + first, FIRST + first, 1, 9, 1.0, 8,
        ended=None if end is None else FIRST + end,
    )  # fmt: skip


def limits(past: np.ndarray) -> np.ndarray:
    detection, _ = watching(past)
    return detection._limits._thresholds


def with_burst() -> np.ndarray:
    past = office_days()
    past[BURST] += 60
    return past


def test_a_burst_that_was_told_leaves_limits_as_they_were() -> None:
    told = cleaned(with_burst(), FIRST_DAY, [alert(BURST.start, BURST.stop)])
    ordinary = limits(office_days())[0]

    assert np.allclose(limits(told)[0], ordinary, rtol=0.05)
    assert (limits(with_burst())[0] > 1.5 * ordinary).any()


def test_the_same_burst_is_told_again_on_the_next_day_though_it_was_seen_before() -> None:
    past, found = office_days(), []
    for day in range(3):
        first = (DAYS - 3 + day) * DAY + 600
        past[first : first + 10] += 12
        found.append(alert(first, first + 10))
    today = office_days(seed=2)[:DAY].copy()
    today[600:610] += 12

    learnt, _ = watching(cleaned(past, FIRST_DAY, found))
    poisoned, key = watching(past)

    (start, _) = judged(learnt, key, today)
    assert start.seen - START in range(600, 605)
    assert judged(poisoned, key, today) == []


def test_a_burst_becomes_what_its_hour_has_on_other_days() -> None:
    past = np.full(DAYS * DAY, 2)
    past[BURST] = 60

    found = cleaned(past, FIRST_DAY, [alert(BURST.start, BURST.stop)])

    assert (found == 2).all()
    assert (past[BURST] == 60).all()


@pytest.mark.parametrize(
    ("kind", "there", "left"),
    [(Kind.HIGH, 60, 2), (Kind.HIGH, 0, 0), (Kind.ACTIVE, 60, 2), (Kind.DROP, 0, 2), (Kind.DROP, 9, 9)],
)  # fmt: skip
def test_what_is_high_is_never_raised_and_a_drop_never_lowered(
    kind: Kind, there: int, left: int
) -> None:
    past = np.full(DAYS * DAY, 2)
    past[BURST] = there

    assert (cleaned(past, FIRST_DAY, [alert(BURST.start, BURST.stop, kind)])[BURST] == left).all()


@pytest.mark.parametrize("end", [None, 12 * DAY])
def test_what_lasts_longer_than_six_hours_is_the_new_ordinary(end: int | None) -> None:
    past = np.full(DAYS * DAY, 2)
    first = 10 * DAY
    past[first : 12 * DAY] = 60

    found = cleaned(past, FIRST_DAY, [alert(first, end)])

    assert (found[first : first + LEARNT_MINUTES] < 60).all()
    assert (found[first + LEARNT_MINUTES : 12 * DAY] == 60).all()


def test_alerts_beyond_the_past_count_as_far_as_they_reach_into_it() -> None:
    past = np.full(DAYS * DAY, 2)
    past[:10] = past[-10:] = 60
    both = [alert(-20, 10), alert(len(past) - 10, None)]

    assert (cleaned(past, FIRST_DAY, both) == 2).all()
    assert cleaned(past, FIRST_DAY, [alert(-20, 0), alert(len(past), None)]) is past
