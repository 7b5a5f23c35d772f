import json

import msgspec
import pytest

from insight_series import series
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.attributions import Attribute, attributions
from opentrail.insights.record import Period, baseline_start, explanation, insight_record
from opentrail.record import read_record

MIDNIGHT = 20_031 * 1440
NOON = MIDNIGHT + 720
PEOPLE = {f"arn:aws:iam::111122223333:user/{name}": 7 - at for at, name in enumerate("abcdefg")}
INSIGHT = Period(
    28,
    4,
    {
        Attribute.PRINCIPAL: PEOPLE,
        Attribute.USER_AGENT: {"boto3": 28},
        Attribute.ERROR_CODE: {"null": 28},
    },
)
BASELINE = Period(10_800, 10_800, {Attribute.PRINCIPAL: {"arn:x": 10_800}})


def alert(**changed):
    fields = {
        "series": series(),
        "kind": Kind.HIGH,
        "since": NOON,
        "seen": NOON + 3,
        "window": 5,
        "observed": 28,
        "expected": 4.96,
        "limit": 25,
    } | changed
    return Alert(**fields)


def shown(one, insight=INSIGHT, baseline=BASELINE):
    return json.loads(insight_record(one, insight, baseline))


def test_start_and_end_are_a_pair():
    start = shown(alert())
    end = shown(alert(ended=NOON + 9))

    assert start["sharedEventID"] == end["sharedEventID"]
    assert len({start["eventID"], end["eventID"], start["sharedEventID"]}) == 3
    assert start["eventTime"] == "2024-11-04T12:00:00Z"
    assert end["eventTime"] == "2024-11-04T12:09:00Z"
    assert [one["insightDetails"]["state"] for one in (start, end)] == ["Start", "End"]


def test_a_record_has_the_members_that_insights_have():
    start = shown(alert())

    assert set(start) == {
        "eventVersion", "eventTime", "awsRegion", "eventID", "eventType", "recipientAccountId",
        "sharedEventID", "insightDetails", "eventCategory", "addendum",
    }  # fmt: skip
    details = start["insightDetails"]
    assert set(details) == {"state", "eventSource", "eventName", "insightType", "insightContext"}
    assert start["eventType"] == "AwsCloudTrailInsight"
    assert start["eventCategory"] == "Insight"
    assert read_record(insight_record(alert(), INSIGHT, BASELINE)).head.user_identity is None


def test_statistics_are_of_a_minute():
    statistics = shown(alert())["insightDetails"]["insightContext"]["statistics"]

    assert statistics == {
        "baseline": {"average": 1},
        "insight": {"average": 7},
        "insightDuration": 4,
        "baselineDuration": 7 * 1440 + 720,
    }
    assert baseline_start(alert()) == MIDNIGHT - 7 * 1440


def test_five_values_the_highest_first_and_their_averages_add_up():
    found = attributions((INSIGHT.values, 7.0), (BASELINE.values, 1.0), with_error_codes=True)
    principals, agents, codes = found

    assert [one["value"][-1] for one in principals["insight"]] == list("abcde")
    assert [one["average"] for one in principals["insight"]] == [1.75, 1.5, 1.25, 1, 0.75]
    assert agents["insight"] == [{"value": "boto3", "average": 7}]
    assert codes["insight"] == [{"value": "null", "average": 7}]
    assert codes["baseline"] == []


def test_an_error_rate_names_its_code_and_attributes_no_codes():
    one = alert(series=series(error_code="AccessDenied"))
    details = shown(one)["insightDetails"]

    assert details["errorCode"] == "AccessDenied"
    assert [each["attribute"] for each in details["insightContext"]["attributions"]] == [
        "userIdentityArn",
        "userAgent",
    ]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({}, "had 28 calls in 5 minutes up to 2024-11-04T12:04:00Z; 5 are expected"),
        (
            {"window": 1, "series": series(error_code="NoSuchKey")},
            "28 NoSuchKey errors in 1 minute",
        ),
        ({"kind": Kind.DROP, "observed": 0, "expected": 64.2}, "64 are expected"),
        ({"kind": Kind.ACTIVE}, "had calls in 28 of 5 minutes up to"),
        ({"kind": Kind.NEVER_SEEN}, "was not seen in this account and region"),
    ],
)
def test_it_is_explained_in_one_sentence(changed, part):
    text = explanation(alert(**changed))

    assert part in text
    assert text.count(". ") == 0


def test_the_same_alert_makes_the_same_bytes():
    again = msgspec.json.decode(msgspec.json.encode(alert()), type=Alert)

    assert insight_record(again, INSIGHT, BASELINE) == insight_record(alert(), INSIGHT, BASELINE)
