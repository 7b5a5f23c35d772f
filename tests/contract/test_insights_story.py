"""A burst of real calls at a real server: told of in S3, LookupEvents and at a webhook, over kills."""

import gzip
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from insight_server import delivered, looked_up, told, told_of, trail
from running import ACCOUNT, running, wait_for
from webhooks import receiver

from opentrail.clock import iso_seconds

pytestmark = [pytest.mark.contract, pytest.mark.timeout(1500)]

TOPIC_CALLS = 40
LONG = "OPENTRAIL_LONG_TESTS" in os.environ


def past(folder: Path, days: int = 28) -> None:
    """Four weeks of a topic made now and then, as CloudTrail's log files."""
    now = datetime.now(UTC)
    records = []
    for hour in range(24, days * 24, 6):
        when = now - timedelta(hours=hour, minutes=hour % 50)
        records.append({
            "eventVersion": "1.11", "eventID": f"00000000-0000-4000-8000-{hour:012d}",
            "eventTime": iso_seconds(when), "awsRegion": "us-east-1", "eventType": "AwsApiCall",
            "eventCategory": "Management", "managementEvent": True, "readOnly": False,
            "eventSource": "sns.amazonaws.com", "eventName": "CreateTopic",
            "sourceIPAddress": "198.51.100.7", "userAgent": "boto3",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ops",
                             "accountId": ACCOUNT, "principalId": "AIDA", "userName": "ops"},
            "recipientAccountId": ACCOUNT, "requestParameters": None, "responseElements": None,
        })  # fmt: skip
    folder.mkdir()
    name = f"{ACCOUNT}_CloudTrail_us-east-1_20260101T0000Z_aaaaaaaaaaaaaaaa.json.gz"
    (folder / name).write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))


@pytest.mark.parametrize("kills", [0, 6])
def test_a_burst_is_told_of_within_two_minutes_and_so_is_its_end(
    tmp_path: Path, kills: int
) -> None:
    past(tmp_path / "past")
    with (
        receiver() as hook,
        running(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server,
    ):
        client = trail(server)
        server.run("opentrail", "import", str(tmp_path / "past"))
        told(server, hook)
        time.sleep(3)

        for number in range(TOPIC_CALLS):
            server.client("sns").create_topic(Name=f"burst-{number}")
        burst = time.monotonic()
        for _ in range(kills):
            server.kill()
            server.start()
            time.sleep(3)
        client = server.client("cloudtrail")
        wait_for(lambda: looked_up(client), seconds=120)
        wait_for(lambda: delivered(server), seconds=max(1, 120 - (time.monotonic() - burst)))
        took = time.monotonic() - burst

        starts = [
            one for one in looked_up(client)
            if one["insightDetails"]["eventName"] == "CreateTopic"
            and one["insightDetails"]["state"] == "Start"
        ]  # fmt: skip
        (start,) = starts
        assert start in delivered(server)
        assert took < 120
        details = start["insightDetails"]
        assert details["insightType"] == "ApiCallRateInsight"
        assert start["recipientAccountId"] == ACCOUNT
        assert details["insightContext"]["attributions"][0]["attribute"] == "userIdentityArn"
        (event, *again) = wait_for(lambda: told_of(hook, start["eventID"]), seconds=60)
        assert event["detail-type"] == "AWS Insight via CloudTrail"
        assert event["detail"] == start
        assert all(one == event for one in again)
        if kills or not LONG:
            # The end comes a quarter of an hour later; tests/workers sees it at another clock.
            return
        end = wait_for(
            lambda: [
                one for one in looked_up(client)
                if one["sharedEventID"] == start["sharedEventID"]
                and one["insightDetails"]["state"] == "End"
            ],
            seconds=16 * 60,
        )  # fmt: skip
        assert end
