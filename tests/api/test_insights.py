"""Insight selectors, the configuration of aggregated events, and figures of Insights in pages."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, ApiWorld
from botocore.exceptions import ClientError

from opentrail.insights.alert import Alert, Kind
from opentrail.insights.counts import SeriesKey
from opentrail.insights.record import Period, insight_record
from opentrail.ports.insights.call_counts import Changes, CountPlace

ABOUT = {
    "EventSource": "s3.amazonaws.com", "EventName": "PutObject", "InsightType": "ApiCallRateInsight",
}  # fmt: skip
DATA = [
    {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]},
                        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]}
]  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Any:
    made = ApiWorld(tmp_path).client()
    made.create_trail(Name="main", S3BucketName="audit")
    return made


def code_of(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


def test_zeros_come_in_pages_that_miss_and_repeat_nothing(client: Any) -> None:
    end = datetime.now(UTC)
    asked = ABOUT | {
        "DataType": "FillWithZeros", "StartTime": end - timedelta(hours=50), "EndTime": end,
    }  # fmt: skip
    whole = client.list_insights_metric_data(**asked)
    found, token = [], {}
    while True:
        page = client.list_insights_metric_data(MaxResults=7, **asked, **token)
        found += page["Timestamps"]
        assert len(page["Values"]) == len(page["Timestamps"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}

    assert len(whole["Timestamps"]) == 50
    assert "NextToken" not in whole
    assert found == whole["Timestamps"]


@pytest.mark.parametrize("token", ["x", "1-2", "0-99999999999", "3600-3600", "7200-3600", "٣-٤"])
def test_a_token_of_somebody_elses_is_refused(client: Any, token: str) -> None:
    code = code_of(client.list_insights_metric_data, NextToken=token, **ABOUT)

    assert code == "InvalidParameterException"


def test_insight_selectors_replace_each_other_and_an_empty_list_ends_them(client: Any) -> None:
    call_rate = {"InsightType": "ApiCallRateInsight"}
    error_rate = {"InsightType": "ApiErrorRateInsight", "EventCategories": ["Management"]}

    client.put_insight_selectors(TrailName="main", InsightSelectors=[call_rate])
    client.put_insight_selectors(TrailName="main", InsightSelectors=[error_rate])
    kept = client.get_insight_selectors(TrailName="main")["InsightSelectors"]
    shown = client.get_trail(Name="main")["Trail"]["HasInsightSelectors"]
    client.put_insight_selectors(TrailName="main", InsightSelectors=[])

    assert kept == [error_rate]
    assert shown is True
    assert code_of(client.get_insight_selectors, TrailName="main") == "InsightNotEnabledException"


def test_insights_need_the_events_that_they_look_at(client: Any) -> None:
    reads = [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]
    client.put_event_selectors(TrailName="main", EventSelectors=reads)

    def put(kind: str, *categories: str) -> Any:
        one = {"InsightType": kind, "EventCategories": list(categories)}
        return client.put_insight_selectors(TrailName="main", InsightSelectors=[one])

    put("ApiErrorRateInsight", "Management")
    for kind, category in (("ApiCallRateInsight", "Management"), ("ApiErrorRateInsight", "Data")):
        with pytest.raises(ClientError, match="InvalidInsightSelectorsException"):
            put(kind, category)
    client.put_event_selectors(TrailName="main", AdvancedEventSelectors=DATA)
    put("ApiCallRateInsight", "Data")
    with pytest.raises(ClientError, match="InvalidInsightSelectorsException"):
        put("ApiErrorRateInsight", "Management", "Data")


def test_aggregated_events_are_configured_for_trails_with_data_events(client: Any) -> None:
    templates = ["API_ACTIVITY", "RESOURCE_ACCESS", "USER_ACTIONS"]
    wanted = [{"Templates": templates, "EventCategory": "Data"}]
    put = client.put_event_configuration

    assert code_of(put, TrailName="main", AggregationConfigurations=wanted) == (
        "InvalidParameterException"
    )
    client.put_event_selectors(TrailName="main", AdvancedEventSelectors=DATA)
    put(TrailName="main", AggregationConfigurations=wanted)
    kept = client.get_event_configuration(TrailName="main")["AggregationConfigurations"]
    put(TrailName="main", AggregationConfigurations=[])
    none = client.get_event_configuration(TrailName="main")["AggregationConfigurations"]

    assert kept == wanted
    assert none == []
    assert code_of(put, TrailName="main", MaxEventSize="Large") == (
        "InvalidParameterCombinationException"
    )


def counted_world(tmp_path: Path) -> tuple[ApiWorld, Any, datetime]:
    world = ApiWorld(tmp_path)
    client = world.client()
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    minute = int(now.timestamp()) // 60
    key = SeriesKey(
        ACCOUNT,
        "us-east-1",
        "Management",
        "s3.amazonaws.com",
        "PutObject",
        "ApiCallRateInsight",
        "",
    )
    other = key._replace(account_id="999999999999")
    changes = Changes({
        (key, minute - 61): 4, (key, minute - 60): 3, (key, minute - 1): 5, (other, minute - 1): 9,
        (key, minute - 20 * 1440): 7,
    })  # fmt: skip
    world.counts.commit(changes, CountPlace(1, minute))
    return world, client, now


@pytest.mark.parametrize(
    ("period", "ages", "values"),
    [
        (60, [61, 60, 1], [4, 3, 5]),
        (300, [20 * 1440, 65, 60, 5], [7, 4, 3, 5]),
        (3600, [20 * 1440, 120, 60], [7, 4, 8]),
    ],
)
def test_figures_are_of_the_callers_account_by_period(
    tmp_path: Path, period: int, ages: list[int], values: list[int]
) -> None:
    _, client, now = counted_world(tmp_path)

    found = client.list_insights_metric_data(Period=period, **ABOUT)

    times = [now - timedelta(minutes=age) for age in ages]
    assert [one.timestamp() for one in found["Timestamps"]] == [one.timestamp() for one in times]
    assert found["Values"] == values


def test_figures_come_in_pages(tmp_path: Path) -> None:
    _, client, _ = counted_world(tmp_path)
    whole = client.list_insights_metric_data(Period=300, **ABOUT)

    found, token = [], {}
    while True:
        page = client.list_insights_metric_data(Period=300, MaxResults=1, **ABOUT, **token)
        found += page["Values"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}

    assert found == whole["Values"]


def test_insights_of_data_events_are_listed_by_trail(tmp_path: Path) -> None:
    world = ApiWorld(tmp_path)
    client = world.client()
    arn = client.create_trail(Name="main", S3BucketName="audit")["TrailARN"]
    now = int(time.time()) // 60
    for category, name in (
        ("Data", "PutObject"),
        ("Data", "GetObject"),
        ("Management", "RunInstances"),
    ):
        key = SeriesKey(
            ACCOUNT, "us-east-1", category, "s3.amazonaws.com", name, "ApiCallRateInsight", ""
        )
        alert = Alert(key, Kind.HIGH, now - 9, now - 9, 1, 9, 1.0, 8)
        world.events.append([insight_record(alert, Period(9, 1, {}), Period(0, 1, {}))])

    everything = client.list_insights_data(InsightSource=arn, DataType="InsightsEvents")
    one = client.list_insights_data(
        InsightSource=arn, DataType="InsightsEvents", Dimensions={"EventName": "GetObject"}
    )
    first = client.list_insights_data(InsightSource=arn, DataType="InsightsEvents", MaxResults=1)
    second = client.list_insights_data(
        InsightSource=arn, DataType="InsightsEvents", MaxResults=1, NextToken=first["NextToken"]
    )

    assert {each["EventName"] for each in everything["Events"]} == {"PutObject", "GetObject"}
    assert [each["EventName"] for each in one["Events"]] == ["GetObject"]
    assert "NextToken" not in second
    assert {each["EventId"] for page in (first, second) for each in page["Events"]} == {
        each["EventId"] for each in everything["Events"]
    }
