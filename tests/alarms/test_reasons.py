"""Reasons are told in AWS's words."""

import json

import pytest

from alarm_samples import T, metric_alarm, rows
from opentrail.alarms.alarm import FIRST_REASON, Comparison
from opentrail.alarms.evaluation import Band, Point, evaluate
from opentrail.alarms.telling.reasons import number, reason, reason_data


def told(values: list[float | None], threshold: float = 21.0, **alarm: object) -> str:
    made = metric_alarm(threshold=threshold, periods=len(values), **alarm)
    band = Band(threshold, threshold)
    points = [
        None if value is None else Point(T + 60 * place, value, band)
        for place, value in enumerate(values)
    ]
    return reason(made, evaluate(made, points))


def test_the_recorded_ones() -> None:
    recorded = {
        row["when"]: row["expected"]
        for row in rows("notifications")
        if row["kind"] == "state_reason"
    }

    assert recorded["alarm just created"] == FIRST_REASON
    assert (
        told([None, None], treatment="breaching")
        == recorded["EvaluationPeriods 2, treat breaching, no data"]
    )
    assert (
        told([21.5]).replace("22/11/26 08:00:00", "MM/DD/YY HH:MM:SS")
        == recorded["EvaluationPeriods 1, GreaterThanThreshold 21, Average of period 21.5"]
    )


@pytest.mark.parametrize(("expected", "found"), [
    (("Threshold Crossed: 1 out of the last 1 datapoints [99.5 (22/11/26 08:00:00)] was greater than the "
     "threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."),
     lambda: told([99.5], 50.0, datapoints=1)),
    (("Threshold Crossed: 1 out of the last 1 datapoints [0.5 (22/11/26 08:00:00)] was not greater than the "
     "threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)."),
     lambda: told([0.5], 50.0, datapoints=1)),
    (("Threshold Crossed: 2 out of the last 3 datapoints [60.0 (22/11/26 08:02:00), 70.0 (22/11/26 08:00:00)] "
     "were greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition)."),
     lambda: told([70.0, 1.0, 60.0], 50.0, datapoints=2)),
    (("Threshold Crossed: 3 datapoints [2.0 (22/11/26 08:02:00), 3.0 (22/11/26 08:01:00), 1.0 (22/11/26 08:00:00)] "
     "were greater than the threshold (0.0)."),
     lambda: told([1.0, 3.0, 2.0], 0.0)),
    (("Threshold Crossed: 5 out of the last 5 datapoints were less than the threshold (65.0). The most recent "
     "datapoints which crossed the threshold: [4.0 (22/11/26 08:04:00), 3.0 (22/11/26 08:03:00), "
     "2.0 (22/11/26 08:02:00), 1.0 (22/11/26 08:01:00), 0.0 (22/11/26 08:00:00)] (minimum 5 datapoints for "
     "OK -> ALARM transition)."),
     lambda: told([0.0, 1.0, 2.0, 3.0, 4.0], 65.0, datapoints=5, comparison=Comparison.LESS)),
    ("Insufficient Data: 1 datapoint was unknown.", lambda: told([None])),
    ("Insufficient Data: 5 datapoints were unknown.", lambda: told([None] * 5)),
    (("Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
     "[NonBreaching]."), lambda: told([None], treatment="notBreaching")),
    (("Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as "
     "[Breaching]."), lambda: told([None, None, 99.0], treatment="breaching")),
    (("Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as "
     "[NonBreaching]."), lambda: told([None, None, 99.0], treatment="notBreaching")),
    (("Threshold Crossed: 1 datapoint [1.0 (22/11/26 08:00:00)] was not greater than or equal to the threshold "
     "(21.0)."), lambda: told([1.0], comparison=Comparison.GREATER_OR_EQUAL)),
])  # fmt: skip
def test_reasons(expected: str, found: object) -> None:
    assert callable(found)
    assert found() == expected


def test_a_band_is_told_with_its_ends() -> None:
    alarm = metric_alarm(
        threshold=None, threshold_id="ad1", datapoints=1, comparison=Comparison.OUTSIDE
    )
    low = evaluate(alarm, [Point(T, 0.0, Band(0.5, 1.5))])
    inside = evaluate(alarm, [Point(T, 1.0, Band(0.5, 1.5))])

    assert reason(alarm, low) == (
        "Thresholds Crossed: 1 out of the last 1 datapoints [0.0 (22/11/26 08:00:00)] was less than the lower "
        "thresholds [0.5] or greater than the upper thresholds [1.5] (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert reason(alarm, inside) == (
        "Thresholds Crossed: 1 out of the last 1 datapoints [1.0 (22/11/26 08:00:00)] was not less than the lower "
        "thresholds [0.5] or not greater than the upper thresholds [1.5] (minimum 1 datapoint for ALARM -> OK transition)."
    )


@pytest.mark.parametrize(("value", "spelled"), [
    (21.0, "21.0"), (0.0, "0.0"), (-0.5, "-0.5"), (1e6, "1000000.0"), (1e7, "1.0E7"), (12345678.5, "1.23456785E7"),
    (0.001, "0.001"), (0.0001, "1.0E-4"), (99.50160229693434, "99.50160229693434"), (-2.5e20, "-2.5E20"),
])  # fmt: skip
def test_numbers_are_spelled_as_java_does(value: float, spelled: str) -> None:
    assert number(value) == spelled


def test_the_data_tell_what_was_looked_at() -> None:
    alarm = metric_alarm(periods=3, treatment="notBreaching", unit="Count")
    found = evaluate(alarm, [None, None, Point(T + 60, 2.0, Band(1.0, 1.0), 3.0), None, None])

    data = json.loads(reason_data(alarm, found, [T + 60, T + 120, T + 180], T + 241.5))

    assert data == {
        "version": "1.0",
        "queryDate": "2026-11-22T08:04:01.500+0000",
        "startDate": "2026-11-22T08:01:00.000+0000",
        "unit": "Count",
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [2.0],
        "threshold": 1.0,
        "evaluatedDatapoints": [
            {"timestamp": "2026-11-22T08:03:00.000+0000"},
            {"timestamp": "2026-11-22T08:02:00.000+0000"},
            {"timestamp": "2026-11-22T08:01:00.000+0000", "sampleCount": 3.0, "value": 2.0},
        ],
    }
