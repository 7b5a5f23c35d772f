"""M of N, and what periods without datapoints count as."""

from itertools import product
from typing import Any

import pytest

from alarm_samples import T, metric_alarm, rows
from opentrail.alarms.alarm import Comparison, State, Treatment
from opentrail.alarms.evaluation import (
    EXTRA_PERIODS,
    Band,
    Point,
    breaches,
    breaks_early,
    evaluate,
    range_of,
)

BAND = Band(1.0, 1.0)


def points(text: str) -> list[Point | None]:
    """`0` is OK, `X` breaches, `-` is missing; oldest first."""
    values = {"0": 0.0, "X": 2.0}
    return [
        Point(T + 60 * number, values[one], BAND) if one in values else None
        for number, one in enumerate(text.split())
    ]


@pytest.mark.parametrize("row", rows("missing_data"), ids=lambda row: row["id"])
def test_missing_data_counts_as_documented(row: dict[str, Any]) -> None:
    alarm = metric_alarm(
        periods=row["evaluation_periods"],
        datapoints=row["datapoints_to_alarm"],
        treatment=row["treat_missing_data"],
    )

    found = evaluate(alarm, points(" ".join(row["datapoints"])))

    expected = row["expected"]["state"]
    assert (found.state or "RETAIN") == expected or (
        expected == "not ALARM" and found.state is not State.ALARM
    )


TABLES = {
    # Datapoints: M, then missing, ignore, breaching, notBreaching.
    "0 - X - X": (3, "OK", "OK", "OK", "OK"),
    "0 - - - -": (3, "OK", "OK", "OK", "OK"),
    "- - - - -": (3, "INSUFFICIENT_DATA", None, "ALARM", "OK"),
    "0 X X - X": (3, "ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": (3, "ALARM", None, "ALARM", "OK"),
    "0 0 X 0 X": (2, "ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - - ": (2, "OK", "OK", "ALARM", "OK"),
    "- - - - 0": (2, "OK", "OK", "ALARM", "OK"),
    "- - - X -": (2, "ALARM", None, "ALARM", "OK"),
    "- - - - X": (2, "INSUFFICIENT_DATA", None, "ALARM", "OK"),
}


@pytest.mark.parametrize(("text", "expected"), TABLES.items())
def test_of_three_periods(text: str, expected: tuple[Any, ...]) -> None:
    needed, *states = expected
    treatments = (
        Treatment.MISSING, Treatment.IGNORE, Treatment.BREACHING, Treatment.NOT_BREACHING,
    )  # fmt: skip

    found = [
        evaluate(metric_alarm(periods=3, datapoints=needed, treatment=one), points(text)).state
        for one in treatments
    ]

    assert found == states


@pytest.mark.parametrize("treatment", Treatment)
@pytest.mark.parametrize("needed", [1, 2, 3])
def test_with_all_datapoints_the_treatment_does_not_matter(
    needed: int, treatment: Treatment
) -> None:
    alarm = metric_alarm(periods=3, datapoints=needed, treatment=treatment)
    for chosen in product("0X", repeat=5):
        found = evaluate(alarm, points(" ".join(chosen)))

        assert found.state is (State.ALARM if chosen[-3:].count("X") >= needed else State.OK)
        assert [one.time for one in found.points] == [T + 60 * number for number in (2, 3, 4)]


def test_one_more_breaching_datapoint_never_ends_an_alarm() -> None:
    for treatment, needed, text in product(Treatment, (1, 2, 3), product("0X-", repeat=5)):
        alarm = metric_alarm(periods=3, datapoints=needed, treatment=treatment)
        before = evaluate(alarm, points(" ".join(text)))
        for place in (number for number, one in enumerate(text) if one == "0"):
            worse = [*text[:place], "X", *text[place + 1 :]]
            after = evaluate(alarm, points(" ".join(worse)))
            assert before.state is not State.ALARM or after.state is State.ALARM


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanThreshold", False, False, True),
        ("GreaterThanOrEqualToThreshold", False, True, True),
        ("LessThanThreshold", True, False, False),
        ("LessThanOrEqualToThreshold", True, True, False),
    ],
)
def test_thresholds(comparison: str, below: bool, at: bool, above: bool) -> None:
    found = [breaches(Comparison(comparison), Point(T, value, BAND)) for value in (0.9, 1.0, 1.1)]

    assert found == [below, at, above]


@pytest.mark.parametrize(
    ("comparison", "below", "above"),
    [
        ("LessThanLowerOrGreaterThanUpperThreshold", True, True),
        ("LessThanLowerThreshold", True, False),
        ("GreaterThanUpperThreshold", False, True),
    ],
)
def test_bands(comparison: str, below: bool, above: bool) -> None:
    band = Band(1.0, 2.0)
    values = (0.5, 1.0, 1.5, 2.0, 2.5)

    found = [breaches(Comparison(comparison), Point(T, value, band)) for value in values]

    assert found == [below, False, False, False, above]


def test_more_periods_are_looked_at_than_are_judged() -> None:
    assert range_of(metric_alarm(periods=3)) == 3 + EXTRA_PERIODS == 5


@pytest.mark.parametrize(
    ("stat", "comparison", "minimum", "early"),
    [
        ("Sum", "GreaterThanThreshold", 0.0, True),
        ("Sum", "GreaterThanThreshold", -1.0, False),
        ("Sum", "LessThanThreshold", 0.0, False),
        ("SampleCount", "GreaterThanOrEqualToThreshold", -1.0, True),
        ("Maximum", "GreaterThanThreshold", -1.0, True),
        ("Maximum", "LessThanThreshold", 0.0, False),
        ("Minimum", "LessThanThreshold", 0.0, True),
        ("Average", "GreaterThanThreshold", 0.0, False),
        ("p99", "GreaterThanThreshold", 0.0, False),
    ],
)
def test_only_what_no_later_value_takes_back_counts_early(
    stat: str, comparison: str, minimum: float, early: bool
) -> None:
    alarm = metric_alarm(stat=stat, comparison=Comparison(comparison))
    value = 2.0 if "Greater" in comparison else 0.0

    assert breaks_early(alarm, Point(T, value, BAND), minimum) is early
    assert not breaks_early(alarm, Point(T, 1.0 if "OrEqual" not in comparison else 0.5, BAND), 0.0)


@pytest.mark.parametrize(("stat", "samples", "kept"), [
    ("p99", 999, True), ("p99", 1001, False), ("p10", 99, True), ("p10", 100, False), ("Sum", 1, False),
])  # fmt: skip
def test_percentiles_of_few_samples_change_nothing_where_asked(
    stat: str, samples: int, kept: bool
) -> None:
    few = [Point(T, 2.0, BAND, samples=float(samples))]

    ignoring = evaluate(metric_alarm(stat=stat, low_samples="ignore"), few)
    judging = evaluate(metric_alarm(stat=stat, low_samples="evaluate"), few)

    assert ignoring.state is (None if kept else State.ALARM)
    assert judging.state is State.ALARM
