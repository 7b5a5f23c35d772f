"""Terraform creates, changes and destroys through the gateway; its own log says what it called."""

import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from running import Running, running, wait_for
from terraforming import Workspace, needs_terraform

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


def test_what_terraform_says_it_called_is_what_is_recorded(tmp_path: Path, server: Running) -> None:
    work = Workspace.of("terraform", tmp_path, server)
    with zipfile.ZipFile(work.folder / "code.zip", "w") as code:
        code.writestr("main.py", "def handler(event, context):\n    return 1\n")

    logs = "".join(
        work.run(*words)
        for words in (
            ("apply", "-auto-approve"),
            ("apply", "-auto-approve", "-var", "comment=second"),
            ("destroy", "-auto-approve"),
        )
    )

    records = [one for one in server.records() if "Terraform/" in one["userAgent"]]
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


def test_a_trail_with_every_block_is_made_changed_imported_and_destroyed(tmp_path: Path) -> None:
    """After every change a second plan finds nothing to do."""
    advanced = ("-var", "selectors=advanced")
    single = ("-var", "multi_region=false", "-var", "extras=false")
    organization = ("-var", "organization=true")

    with running(tmp_path / "data", OPENTRAIL_BUCKET_POLICIES="check") as server:
        server.run("opentrail", "org", "create")
        server.run("opentrail", "org", "add-account", "222222222222")
        work = Workspace.of("terraform_trail", tmp_path, server)
        wait_for(lambda: server.client("organizations").describe_organization())
        work.apply()
        # Going to one region turns global service events off; the second run turns them on again.
        work.apply(*advanced, *single, times=2)
        work.apply(*advanced, *organization)
        trail = server.client("cloudtrail").get_trail(Name="complete")["Trail"]
        work.adopt("aws_cloudtrail.complete", trail["TrailARN"], *advanced, *organization)
        doctor = server.run("opentrail", "trails", "doctor", "complete")
        work.destroy(*advanced, *organization)
        left = server.client("cloudtrail").list_trails()["Trails"]
        records = [one for one in server.records() if one["eventSource"].startswith("cloudtrail")]

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


def test_event_rules_are_made_changed_and_destroyed(tmp_path: Path) -> None:
    """After every change a second plan finds nothing to do."""
    changed = ("-var", "description=second", "-var", "enabled=DISABLED", "-var", "attempts=0")

    with running(tmp_path / "data") as server:
        work = Workspace.of("terraform_events", tmp_path, server)
        work.apply()
        work.apply(*changed)
        events = server.client("events")
        rule = events.describe_rule(Name="root-use")
        (target,) = events.list_targets_by_rule(Rule="order", EventBusName="orders")["Targets"]
        known_as = f"orders/order/{target['Id']}"
        work.adopt("aws_cloudwatch_event_target.ordered", known_as, *changed)
        work.destroy(*changed)
        left = events.list_rules()["Rules"]
        buses = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]

    assert (rule["State"], rule["Description"]) == ("DISABLED", "second")
    assert (left, buses) == ([], ["default"])
