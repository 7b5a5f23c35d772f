"""Weeks of made traffic imported, then a real burst: what Insights tell of both, over a kill."""

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from insight_server import delivered, keys, looked_up, told, told_of, trail
from running import ACCOUNT, Running, running, wait_for
from webhooks import receiver
from weeks import DAYS, JUDGED, Weeks, of_label

from opentrail.clock import iso_seconds

pytestmark = [pytest.mark.contract, pytest.mark.timeout(400)]

BURST = 40


def counted(client: Any, weeks: Weeks) -> dict[str, int]:
    """The calls of each API, all of them, as ListInsightsMetricData sums hours up."""
    found = {}
    for source, name, error in {(one.source, one.name, one.error) for one in weeks.calls}:
        series = {"InsightType": "ApiErrorRateInsight", "ErrorCode": error} if error else {
            "InsightType": "ApiCallRateInsight"}  # fmt: skip
        answer = client.list_insights_metric_data(
            EventSource=source, EventName=name, Period=3600,
            StartTime=weeks.end - timedelta(days=DAYS + 2), EndTime=weeks.end, **series,
        )  # fmt: skip
        found[name] = int(sum(answer["Values"]))
    return found


def replayed(server: Running, weeks: Weeks) -> list[dict[str, Any]]:
    since = iso_seconds(weeks.end - timedelta(days=JUDGED))
    done = server.run("opentrail", "insights", "replay", "--since", since, "--format", "jsonl")
    return [json.loads(line) for line in done.stdout.splitlines()]


def valid_log_files(server: Running) -> int:
    """How many the unmodified validate-logs holds for valid; no other kind may be there."""
    done = server.run(
        "aws", "cloudtrail", "validate-logs", "--trail-arn",
        f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/all", "--start-time", "2020-01-01T00:00:00Z",
    )  # fmt: skip
    assert "INVALID" not in done.stdout + done.stderr
    return int(re.search(r"(\d+)/\1 log files valid", done.stdout)[1])


def test_imported_weeks_and_a_real_burst_are_told_of(tmp_path: Path) -> None:
    weeks = Weeks(datetime.now(UTC).replace(second=0, microsecond=0))
    weeks.write(tmp_path / "past", ACCOUNT)
    with (
        receiver() as hook,
        running(
            tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8",
            OPENTRAIL_DIGEST_INTERVAL_SECONDS="5",
        ) as server,
    ):  # fmt: skip
        client = trail(server)
        told(server, hook)
        server.run("opentrail", "import", str(tmp_path / "past"))
        server.kill()
        server.start()
        client = server.client("cloudtrail")
        made = Counter(one.name for one in weeks.calls)
        wait_for(lambda: counted(client, weeks) == made, seconds=60)

        time.sleep(3)  # what was imported is learnt
        for number in range(BURST):
            server.client("sns").create_topic(Name=f"burst-{number}")
        burst = time.monotonic()

        alerts = replayed(server, weeks)
        right = {label.name: list(of_label(alerts, label)) for label in weeks.labels}
        assert all(right.values()), alerts
        assert [
            one for one in alerts
            if one["event_name"] != "CreateTopic"
            and not any(one in those for those in right.values())
        ] == []  # fmt: skip

        def start() -> dict[str, Any] | None:
            found = [
                one for one in looked_up(client)
                if one["insightDetails"]["eventName"] == "CreateTopic"
            ]  # fmt: skip
            return found[0] if found else None

        record = wait_for(start, seconds=120)
        wait_for(lambda: record in delivered(server), seconds=60)
        wait_for(lambda: told_of(hook, record["eventID"]), seconds=60)
        assert time.monotonic() - burst < 120
        assert record["insightDetails"]["state"] == "Start"
        assert looked_up(client) == [record]  # nothing that was imported is told of as new
        shown = json.loads(
            server.run("aws", "cloudtrail", "lookup-events", "--event-category", "insight").stdout
        )
        assert json.loads(shown["Events"][0]["CloudTrailEvent"]) == record

        insights = keys(server, f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/")
        digests = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"
        before = len(keys(server, digests))
        wait_for(lambda: len(keys(server, digests)) > before + 1, seconds=40)
        assert valid_log_files(server) > len(insights) > 0
