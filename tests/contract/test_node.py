"""A Node program with version 3 of the AWS SDK; it says itself what it sent, to CloudWatch in CBOR too."""

import json
import subprocess
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
    assert datum == {"metricName": "calls", "value": 1.5, "timestamp": "Nov 14, 2023, 10:13:20 PM"}
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
