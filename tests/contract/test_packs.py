"""The CIS pack at a real server: installed once, seen by others, removed without a trace."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, Running, running, wait_for
from test_audit_tools import log_group

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("d") / "data") as made:
        yield made


def init(here: Running, *words: str, code: int = 0) -> dict[str, Any]:
    done = here.run("opentrail", "init", *words, "--format", "json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def there(here: Running) -> tuple[int, int, list[str], list[str]]:
    """Filters, alarms, topics and log groups."""
    logs, alarms, sns = here.client("logs"), here.client("cloudwatch"), here.client("sns")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    filters = logs.describe_metric_filters()["metricFilters"]
    return (
        len([one for one in filters if one["filterName"].startswith("opentrail-cis-")]),
        len(alarms.describe_alarms(AlarmNamePrefix="opentrail-cis-")["MetricAlarms"]),
        [one["TopicArn"].rpartition(":")[2] for one in sns.list_topics()["Topics"]],
        groups,
    )


def test_a_pack_is_installed_once_and_removed_whole(here: Running) -> None:
    here.client("logs").create_log_group(logGroupName="mine")
    here.client("sns").create_topic(Name="mine")
    here.client("cloudwatch").put_metric_alarm(
        AlarmName="mine", Namespace="N", MetricName="m", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    words = ("--pack", "cis", "--log-group", "trail", "--subscribe", "mailto:a@example.com")

    dry = init(here, *words, "--dry-run")
    assert {one["verb"] for one in dry["steps"]} == {"create"}
    assert there(here) == (0, 0, ["mine"], ["mine"])

    made = init(here, *words)
    assert made["refused"] == []
    assert "No trail delivers" in made["notes"][0]
    assert there(here) == (17, 18, ["mine", "opentrail-cis"], ["mine", "trail"])

    again = init(here, *words)
    assert {one["verb"] for one in again["steps"]} == {"keep"}

    (alarm,) = here.client("cloudwatch").describe_alarms(AlarmNames=["opentrail-cis-root-usage"])["MetricAlarms"]  # fmt: skip
    assert alarm["AlarmActions"] == [f"arn:aws:sns:us-east-1:{ACCOUNT}:opentrail-cis"]

    gone = init(here, "--remove", "cis")
    assert {one["verb"] for one in gone["steps"]} == {"delete"}
    assert there(here) == (0, 0, ["mine"], ["mine"])
    assert init(here, "--remove", "cis")["steps"] == []
    names = [
        one["AlarmName"] for one in here.client("cloudwatch").describe_alarms()["MetricAlarms"]
    ]
    assert names == ["mine"]


def test_the_calls_are_recorded_like_any_other(here: Running) -> None:
    calls = {
        "PutMetricFilter": 17, "PutMetricAlarm": 18, "CreateTopic": 1,
        "DeleteMetricFilter": 17, "DeleteTopic": 1,
    }  # fmt: skip
    before = {name: len(here.records(name=name)) for name in calls}

    init(here, "--pack", "cis", "--log-group", "other")
    init(here, "--remove", "cis")

    assert {name: len(here.records(name=name)) - before[name] for name in calls} == calls


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a trail that delivers to a log group, and the pack in that."""
    directory = tmp_path_factory.mktemp("d") / "data"
    with running(directory, OPENTRAIL_BUCKET_POLICIES="check") as made:
        made.run("aws", "cloudtrail", "create-subscription", "--name", "main",
                 "--s3-new-bucket", "main-logs")  # fmt: skip
        group, role = log_group(made)
        made.client("cloudtrail").update_trail(
            Name="main", IsMultiRegionTrail=True, CloudWatchLogsLogGroupArn=group,
            CloudWatchLogsRoleArn=role,
        )  # fmt: skip
        found = init(made, "--pack", "cis")
        assert not any("No trail" in one for one in found["notes"])
        yield made


def state(here: Running, control: str) -> str:
    name = f"opentrail-cis-{control}"
    (alarm,) = here.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(alarm["StateValue"])


def test_an_alarm_of_the_pack_turns_when_what_it_watches_happens(fed: Running) -> None:
    wait_for(lambda: state(fed, "s3-policy") == "OK")

    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::main-logs/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    fed.client("iam").create_policy(PolicyName="p", PolicyDocument=json.dumps(document))
    document["Statement"] = [statement | {"Principal": "*"}]
    fed.client("s3").put_bucket_policy(Bucket="main-logs", Policy=json.dumps(document))

    for control in ("iam-policy", "s3-policy", "audit-tampering"):
        wait_for(lambda control=control: state(fed, control) == "ALARM")  # type: ignore[misc]
    assert state(fed, "vpc") == "OK"


def test_people_are_told_what_is_missing(here: Running) -> None:
    unknown = here.run("opentrail", "init", "--pack", "cis", check=False)
    wrong = here.run("opentrail", "init", "--pack", "pci", check=False)
    none = here.run("opentrail", "init", check=False)

    assert (unknown.returncode, wrong.returncode, none.returncode) == (2, 2, 2)
    assert "which log group of us-east-1? no trail delivers to one" in unknown.stderr
    assert "expected cis" in wrong.stderr


def test_without_a_server_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    server = Running(tmp_path / "data", 1, {})
    done = server.run("opentrail", "init", "--pack", "cis", check=False)

    assert done.returncode == 3
    assert "no server runs" in done.stderr
