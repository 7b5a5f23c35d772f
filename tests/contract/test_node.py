"""A Node program with version 3 of the AWS SDK; it says itself what it sent, to CloudWatch in CBOR too."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from running import Running

from opentrail.aws.models import service_model
from opentrail.recording.names import event_name

FOLDER = Path(__file__).parent / "node"

pytestmark = pytest.mark.contract


def test_what_the_sdk_says_it_sent_is_what_is_recorded(server: Running) -> None:
    done = subprocess.run(
        ["node", str(FOLDER / "calls.mjs")], env=server.environment(), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    sent = [json.loads(line) for line in done.stdout.splitlines()]

    records = [
        one
        for one in server.records()
        if "aws-sdk-js/3" in one["userAgent"] and one["eventType"] == "AwsApiCall"
    ]
    wanted = [
        event_name(one["service"], service_model(one["service"]).operation_model(one["operation"]))
        for one in sent
    ]
    assert [one["eventName"] for one in records] == wanted
    assert [one["status"] >= 400 for one in sent] == ["errorCode" in one for one in records]
    assert {one["contentType"] for one in sent if one["service"] == "cloudwatch"} == {
        "application/cbor",
        "application/x-amz-json-1.0",
    }
    by_name = {one["eventName"]: one for one in records}
    json_metric, cbor_metric = (one for one in records if one["eventName"] == "PutMetricData")
    assert json_metric["requestParameters"] == cbor_metric["requestParameters"]
    assert cbor_metric["eventSource"] == "monitoring.amazonaws.com"
    (datum,) = cbor_metric["requestParameters"]["metricData"]
    when = datetime.strptime(datum.pop("timestamp"), "%b %d, %Y, %I:%M:%S %p").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=5)
    assert datum == {"metricName": "calls", "value": 1.5}
    puts = [one["requestParameters"]["key"] for one in records if one["eventName"] == "PutObject"]
    assert puts == ["a b/ü.txt", "stream"]
    stream = next(one for one in records if (one["requestParameters"] or {}).get("key") == "stream")
    assert stream["additionalEventData"]["bytesTransferredIn"] == 70_000
    assert by_name["CopyObject"]["requestParameters"]["x-amz-copy-source"] == "node-sdk/stream"
    assert by_name["SendMessage"]["requestParameters"]["messageBody"].startswith("HIDDEN")
    assert not [one for one in records if "opentrail" in (one.get("additionalEventData") or {})]
    deleted = [one for one in server.records(name="DeleteObject")
               if one["requestParameters"]["bucketName"] == "node-sdk"]  # fmt: skip
    assert [one["requestParameters"]["key"] for one in deleted] == ["copy", "parts"]


def test_a_trails_whole_life_in_another_language(server: Running) -> None:
    server.client("s3").create_bucket(Bucket="js-logs")
    done = subprocess.run(
        ["node", str(FOLDER / "trails.mjs")], env=server.environment(), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    output = {name: one["output"] for name, one in said.items() if "output" in one}

    assert output["GetEventSelectors"]["AdvancedEventSelectors"] == said["advanced"]
    assert output["UpdateTrail"]["IsMultiRegionTrail"] is True
    assert output["GetEventConfiguration"]["AggregationConfigurations"] == [
        {"Templates": ["API_ACTIVITY"], "EventCategory": "Data"}
    ]
    assert said["GetInsightSelectors"] == {"error": "InsightNotEnabledException", "modelled": True}
    assert output["PutInsightSelectors"]["InsightSelectors"][0]["EventCategories"] == ["Data"]
    assert output["ListInsightsMetricData"]["Values"] == []
    assert output["GetTrailStatus"]["IsLogging"] is True
    assert output["ListTags"]["ResourceTagList"][0]["TagsList"] == [{"Key": "a", "Value": "1"}]
    assert said["GetTrail"] == {"error": "TrailNotFoundException", "modelled": True}
    assert said["ListChannels"]["error"] == "UnsupportedOperationException"
    assert all(one["requestId"] for name, one in said.items() if "output" in one)
    names = [one["eventName"] for one in server.records() if "trails.mjs" not in str(one)]
    assert {"PutEventConfiguration", "PutInsightSelectors", "DeleteTrail"} <= set(names)
