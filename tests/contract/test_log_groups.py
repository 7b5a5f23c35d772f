"""CloudWatch Logs of a running server, by boto3 and the AWS CLI."""

import base64
import gzip
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backends import adopt_key, backends
from running import ACCOUNT, BIN, Running, make, running, wait_for

from opentrail.adapters.metrics import FILE_NAME, SqliteMetricStore
from opentrail.ports.metrics import Series

pytestmark = pytest.mark.contract

STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"
TRUST = {
    "Statement": {
        "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("logs") / "data") as made:
        yield made


def group_arn(name: str) -> str:
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"


def feed(here: Running, name: str) -> None:
    """A group and a trail that delivers to it."""
    here.client("logs").create_log_group(logGroupName=name)
    iam, trails = here.client("iam"), here.client("cloudtrail")
    may = {
        "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group_arn(name)}:log-stream:*",
    }  # fmt: skip
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="logs",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": may}))  # fmt: skip
    here.client("s3").create_bucket(Bucket=f"{name}-logs")
    trails.create_trail(
        Name=name, S3BucketName=f"{name}-logs", CloudWatchLogsLogGroupArn=f"{group_arn(name)}:*",
        CloudWatchLogsRoleArn=role["Arn"],
    )  # fmt: skip
    trails.start_logging(Name=name)


def counted(here: Running, name: str) -> float:
    store = SqliteMetricStore(here.data / FILE_NAME)
    series = Series(ACCOUNT, "us-east-1", "Trails", name)
    end = int(time.time()) + 60
    found = sum(one.sum for one in store.read(series, end - 3600, end, 60))
    store.close()
    return found


def test_the_cli_puts_filters_and_finds_events(here: Running) -> None:
    logs = ("aws", "logs")
    now = int(time.time() * 1000)
    here.run(*logs, "create-log-group", "--log-group-name", "app", "--tags", "team=a")
    here.run(*logs, "create-log-stream", "--log-group-name", "app", "--log-stream-name", "web/1")
    events = [{"timestamp": now, "message": "ERROR one"}, {"timestamp": now, "message": '{"n": 5}'}]
    here.run(*logs, "put-log-events", "--log-group-name", "app", "--log-stream-name", "web/1",
             "--log-events", json.dumps(events))  # fmt: skip

    read = here.run(
        *logs, "get-log-events", "--log-group-name", "app", "--log-stream-name", "web/1"
    )
    found = here.run(*logs, "filter-log-events", "--log-group-name", "app", "--filter-pattern",
                     "{ $.n > 4 }", "--query", "events[].message", "--output", "text")  # fmt: skip
    tested = json.loads(
        here.run(*logs, "test-metric-filter", "--filter-pattern", "[level, number]",
                 "--log-event-messages", "ERROR one").stdout
    )  # fmt: skip
    wrong = here.run(*logs, "filter-log-events", "--log-group-name", "app", "--filter-pattern",
                     "a:b", check=False)  # fmt: skip

    assert "ERROR one" in read.stdout
    assert found.stdout.strip() == '{"n": 5}'
    assert tested["matches"][0]["extractedValues"] == {"$level": "ERROR", "$number": "one"}
    assert "Invalid character(s) in term ':'" in wrong.stderr
    (told,) = here.records(name="PutLogEvents")
    assert told["requestParameters"]["logGroupName"] == "app"
    assert "ERROR one" not in json.dumps(told)
    here.run(*logs, "delete-log-group", "--log-group-name", "app")


@pytest.mark.alone
def test_a_trails_records_are_counted_within_seconds_and_reach_a_subscriber(here: Running) -> None:
    logs, iam = here.client("logs"), here.client("iam")
    feed(here, "watched")
    queue = here.client("sqs").create_queue(QueueName="watched")["QueueUrl"]
    pattern = '{ ($.eventSource = "iam.amazonaws.com") && ($.eventName = "CreateUser") }'
    logs.put_metric_filter(
        logGroupName="watched", filterName="users", filterPattern=pattern,
        metricTransformations=[
            {"metricName": "Users", "metricNamespace": "Trails", "metricValue": "1"}
        ],
    )  # fmt: skip
    logs.put_subscription_filter(
        logGroupName="watched", filterName="users", filterPattern=pattern,
        destinationArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:watched",
    )  # fmt: skip

    begun = time.monotonic()
    for number in range(3):
        iam.create_user(UserName=f"counted-{number}")
    wait_for(lambda: counted(here, "Users") == 3, seconds=10)
    took = time.monotonic() - begun
    got: list[dict[str, Any]] = []

    def received() -> bool:
        for one in (
            here.client("sqs")
            .receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            .get("Messages", [])
        ):
            wrapped = json.loads(one["Body"])["awslogs"]["data"]
            got.append(json.loads(gzip.decompress(base64.b64decode(wrapped))))
        return len(got) >= 3

    wait_for(received)
    names = [
        json.loads(event["message"])["requestParameters"]["userName"]
        for said in got for event in said["logEvents"]
    ]  # fmt: skip
    assert sorted(names) == [f"counted-{number}" for number in range(3)]
    assert {one["logStream"] for one in got} == {STREAM}
    assert took < 5

    def shown() -> list[Any]:
        found = logs.filter_log_events(logGroupName="watched", filterPattern=pattern)
        return list(found["events"])

    wait_for(lambda: len(shown()) == 3, seconds=10)
    here.client("cloudtrail").delete_trail(Name="watched")
    assert counted(here, "Users") == 3


def test_nothing_is_lost_or_counted_twice_when_the_server_is_killed(tmp_path: Path) -> None:
    server = make(tmp_path / "data")
    server.start()
    try:
        feed(server, "killed")
        server.client("logs").put_metric_filter(
            logGroupName="killed", filterName="users", filterPattern="{ $.eventName = ListUsers }",
            metricTransformations=[
                {"metricName": "Lists", "metricNamespace": "Trails", "metricValue": "1"}
            ],
        )  # fmt: skip
        calls = 0
        for _ in range(3):
            for _ in range(20):
                server.client("iam").list_users()
                calls += 1
            server.kill()
            server.start()
        pages = server.client("logs").get_paginator("filter_log_events")

        def shown() -> list[str]:
            found = pages.paginate(
                logGroupName="killed", filterPattern="{ $.eventName = ListUsers }"
            )
            return [
                json.loads(one["message"])["eventID"] for page in found for one in page["events"]
            ]

        wait_for(lambda: counted(server, "Lists") >= calls)
        wait_for(lambda: len(shown()) >= calls)
        time.sleep(1)
        ids = shown()
    finally:
        server.stop()

    assert counted(server, "Lists") == calls
    assert len(ids) == len(set(ids)) == calls


def test_with_an_upstream_for_logs_groups_are_there_and_copies_are_sent(tmp_path: Path) -> None:
    with backends() as behind:
        arguments = (*behind.arguments, "--upstream", f"logs={behind.moto}")
        with running(tmp_path / "data", *arguments, **behind.settings) as server:
            adopt_key(server)
            feed(server, "copied")
            server.client("iam").create_user(UserName="copied")
            logs = server.client("logs")

            def copied() -> list[str]:
                found = logs.filter_log_events(logGroupName="copied")["events"]
                return [json.loads(one["message"])["eventName"] for one in found]

            wait_for(lambda: "CreateUser" in copied())
            status = server.client("cloudtrail").get_trail_status(Name="copied")

    assert status["LatestCloudWatchLogsDeliveryTime"]


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "log-groups.md"


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (text,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with running(tmp_path / "data") as server:
        environment = server.environment()
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], env=environment, capture_output=True,
            text=True, timeout=200, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "CreateUser" in done.stdout


def test_a_trail_whose_group_is_gone_tells_so(here: Running) -> None:
    feed(here, "gone")
    here.client("logs").delete_log_group(logGroupName="gone")
    here.client("iam").create_user(UserName="gone")
    trails = here.client("cloudtrail")

    wait_for(
        lambda: trails.get_trail_status(Name="gone").get("LatestCloudWatchLogsDeliveryError"),
        seconds=60,
    )

    told = trails.get_trail_status(Name="gone")["LatestCloudWatchLogsDeliveryError"]
    assert told == "ResourceNotFoundException"
    trails.delete_trail(Name="gone")


def test_a_deleted_stream_is_gone_with_the_answer(here: Running) -> None:
    logs = here.client("logs")
    logs.create_log_group(logGroupName="brief")
    logs.create_log_stream(logGroupName="brief", logStreamName="s")

    logs.delete_log_stream(logGroupName="brief", logStreamName="s")

    assert logs.describe_log_streams(logGroupName="brief")["logStreams"] == []
    (told,) = here.records(name="DeleteLogStream")
    assert told["requestParameters"] == {"logGroupName": "brief", "logStreamName": "s"}
    logs.delete_log_group(logGroupName="brief")
