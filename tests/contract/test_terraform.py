"""Terraform creates, changes and destroys through the gateway; its own log says what it called."""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, Running, organization, running, wait_for
from terraforming import Workspace, needs_terraform, provider
from test_cloudwatch import alarm

from opentrail.aws.models import service_model
from opentrail.recording.names import event_name

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), needs_terraform]


def sent(log: str) -> Counter[tuple[str, str]]:
    """(event source's first word, event name) of every request in Terraform's log."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in re.split(r"(?m)^(?=\d{4}-\d\d-\d\dT[\d:.]+Z )", log):
        method = re.search(r"rpc\.method=(\w+)", entry)
        service = re.search(r'rpc\.service="?(\w+)', entry)
        if "HTTP Request Sent" not in entry or not method or not service:
            continue
        name = service[1].lower()
        operation = service_model(name).operation_model(method[1])
        found[name, event_name(name, operation)] += 1
    return found


def recorded(records: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["eventSource"].partition(".")[0], one["eventName"]) for one in records)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("d") / "data", OPENTRAIL_BUCKET_POLICIES="check") as made:
        made.run("opentrail", "org", "create")
        made.run("opentrail", "org", "add-account", "222222222222")
        wait_for(lambda: organization(made))
        yield made


@pytest.fixture(scope="module")
def attached(here: Running) -> Iterator[str]:
    with provider(here) as found:
        yield found


def test_what_terraform_says_it_called_is_what_is_recorded(tmp_path: Path, here: Running) -> None:
    before = len(here.records())
    work = Workspace.of("terraform", tmp_path, here)
    with zipfile.ZipFile(work.folder / "code.zip", "w") as code:
        code.writestr("main.py", "def handler(event, context):\n    return 1\n")

    logs = "".join(
        work.logged(*words)
        for words in (
            ("apply", "-auto-approve"),
            ("apply", "-auto-approve", "-var", "comment=second"),
            ("destroy", "-auto-approve"),
        )
    )

    records = [one for one in here.records()[before:] if "Terraform/" in one["userAgent"]]
    assert recorded(records) == sent(logs)
    assert len(records) > 150
    assert not [one for one in records if "opentrail" in (one.get("additionalEventData") or {})]
    assert "do-not-keep-me" not in str(records)
    parameters = {one["eventName"]: one["requestParameters"] for one in reversed(records)}
    assert parameters["CreateVpc"]["cidrBlock"] == "10.1.0.0/16"
    assert parameters["CreateRole"]["roleName"] == "function"
    assert parameters["UpdateRoleDescription" if "UpdateRoleDescription" in parameters
                      else "UpdateRole"]["description"] == "second"  # fmt: skip
    assert parameters["PutObject"]["key"] == "folder/code.zip"
    assert parameters["CreateFunction20150331"]["handler"] == "main.handler"
    assert parameters["DeleteVpc"]["vpcId"] == parameters["CreateSubnet"]["vpcId"]


def test_a_trail_with_every_block_is_made_changed_imported_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    """After every change a second plan finds nothing to do."""
    advanced = ("-var", "selectors=advanced")
    single = ("-var", "multi_region=false", "-var", "extras=false")
    organization = ("-var", "organization=true")
    work = Workspace.of("terraform_trail", tmp_path, here, attached)

    work.apply()
    # Going to one region turns global service events off; the second run turns them on again.
    work.apply(*advanced, *single, times=2)
    work.apply(*advanced, *organization)
    trail = here.client("cloudtrail").get_trail(Name="complete")["Trail"]
    work.adopt({"aws_cloudtrail.complete": trail["TrailARN"]}, *advanced, *organization)
    doctor = here.run("opentrail", "trails", "doctor", "complete")
    work.destroy(*advanced, *organization)
    left = here.client("cloudtrail").list_trails()["Trails"]
    records = [one for one in here.records() if one["eventSource"].startswith("cloudtrail")]

    assert trail["IsOrganizationTrail"]
    assert trail["HasInsightSelectors"]
    assert trail["HasCustomEventSelectors"]
    assert trail["SnsTopicARN"].endswith(":complete-delivered")
    assert trail["CloudWatchLogsLogGroupArn"].endswith(":log-group:complete:*")
    assert trail["KmsKeyId"].startswith("arn:aws:kms:us-east-1:123456789012:key/")
    assert "FAIL" not in doctor.stdout
    assert not left
    made = next(one for one in records if one["eventName"] == "CreateTrail")
    assert made["requestParameters"]["s3BucketName"] == "complete-logs"
    assert made["responseElements"]["trailARN"] == trail["TrailARN"]
    assert {"UpdateTrail", "PutEventSelectors", "PutInsightSelectors", "DeleteTrail"} <= {
        one["eventName"] for one in records
    }


def test_event_rules_are_made_changed_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    """After every change a second plan finds nothing to do."""
    changed = ("-var", "description=second", "-var", "enabled=DISABLED", "-var", "attempts=0")
    work = Workspace.of("terraform_events", tmp_path, here, attached)

    work.apply()
    work.apply(*changed)
    events = here.client("events")
    rule = events.describe_rule(Name="root-use")
    (target,) = events.list_targets_by_rule(Rule="order", EventBusName="orders")["Targets"]
    known_as = f"orders/order/{target['Id']}"
    work.adopt({"aws_cloudwatch_event_target.ordered": known_as}, *changed)
    work.destroy(*changed)
    left = events.list_rules()["Rules"]
    buses = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]

    assert (rule["State"], rule["Description"]) == ("DISABLED", "second")
    assert (left, buses) == ([], ["default"])


def test_alarms_are_made_changed_imported_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    """After every change a second plan finds nothing to do."""
    changed = ("-var", "threshold=7", "-var", "periods=3")
    client = here.client("cloudwatch")
    work = Workspace.of("terraform_alarms", tmp_path, here, attached)

    work.apply()
    first = alarm(client, "root-use")
    work.apply(*changed)
    second, both, unusual = (alarm(client, one) for one in ("root-use", "both", "unusual"))
    body = json.loads(client.get_dashboard(DashboardName="trail")["DashboardBody"])
    known_as = {
        "aws_cloudwatch_metric_alarm.share": "share-of-errors",
        "aws_cloudwatch_composite_alarm.both": "both",
        "aws_cloudwatch_dashboard.main": "trail",
    }
    work.adopt(known_as, *changed)
    work.destroy(*changed)
    left = client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    dashboards = client.list_dashboards()["DashboardEntries"]
    names = {
        one["eventName"]
        for one in here.records()
        if one["eventSource"] == "monitoring.amazonaws.com"
    }

    assert (first["Threshold"], second["Threshold"], second["EvaluationPeriods"]) == (1.0, 7.0, 3)
    assert (
        first["AlarmActions"]
        == first["OKActions"]
        == [f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms-told"]
    )
    assert second["Dimensions"] == [
        {"Name": "Account", "Value": "all"},
        {"Name": "Region", "Value": "us-east-1"},
    ]
    assert (both["ActionsSuppressor"], both["ActionsSuppressorExtensionPeriod"]) == (
        "share-of-errors",
        3,
    )
    assert {"ANOMALY_DETECTION_BAND(calls, 3)"} <= {
        one.get("Expression") for one in unusual["Metrics"]
    }
    assert body["widgets"][0]["properties"]["title"] == "Root use above 7"
    assert not left["MetricAlarms"] + left["CompositeAlarms"] + dashboards
    assert {
        "PutMetricAlarm",
        "PutCompositeAlarm",
        "PutDashboard",
        "DeleteAlarms",
        "DeleteDashboards",
        "TagResource",
    } <= names


def test_saved_queries_are_made_changed_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    changed = ("-var", "most=5")
    work = Workspace.of("terraform_queries", tmp_path, here, attached)

    work.apply()
    work.apply(*changed)
    logs = here.client("logs")
    everywhere, denied = logs.describe_query_definitions()["queryDefinitions"]
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:query-definition:{denied['queryDefinitionId']}"
    work.adopt({"aws_cloudwatch_query_definition.denied": arn}, *changed)
    work.destroy(*changed)
    left = logs.describe_query_definitions()["queryDefinitions"]

    assert everywhere["queryString"].endswith("limit 5")
    assert denied["logGroupNames"] == ["trails"]
    assert left == []


def test_topics_are_made_changed_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    changed = ("-var", "name=Other", "-var", 'kinds=["root"]')
    work = Workspace.of("terraform_topics", tmp_path, here, attached)

    work.apply()
    work.apply(*changed)
    sns = here.client("sns")
    topics = sns.list_topics()["Topics"]
    (alerts,) = [one["TopicArn"] for one in topics if one["TopicArn"].endswith(":alerts")]
    attributes = sns.get_topic_attributes(TopicArn=alerts)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=alerts)["Subscriptions"]
    (queue,) = [one for one in subscriptions if one["Protocol"] == "sqs"]
    kept = sns.get_subscription_attributes(SubscriptionArn=queue["SubscriptionArn"])["Attributes"]
    work.adopt({"aws_sns_topic.alerts": alerts}, *changed)
    work.destroy(*changed)
    left = sns.list_topics()["Topics"], sns.list_subscriptions()["Subscriptions"]

    assert len(topics) == 2
    assert attributes["DisplayName"] == "Other"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "Trail"
    assert json.loads(kept["FilterPolicy"])["kind"] == ["root"]
    assert left == ([], [])


def test_log_groups_filters_and_subscriptions_are_made_changed_and_destroyed(
    tmp_path: Path, here: Running, attached: str
) -> None:
    work = Workspace.of("terraform_logs", tmp_path, here, attached)

    work.apply()
    logs = here.client("logs")
    filters = logs.describe_metric_filters()["metricFilters"]
    work.apply("-var", "retention=30")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/app")["logGroups"]
    work.destroy()
    left = logs.describe_log_groups()["logGroups"]

    assert len(filters) == 3
    assert group["retentionInDays"] == 30
    assert not left
