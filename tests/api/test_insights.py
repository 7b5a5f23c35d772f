"""Insight selectors, the configuration of aggregated events, and figures of Insights in pages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_world import ApiWorld
from botocore.exceptions import ClientError

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
