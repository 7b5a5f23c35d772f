"""Audit tools from PyPI, unmodified: Prowler's CloudTrail checks and awslabs' MCP server."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Running, running, wait_for

pytestmark = pytest.mark.contract

TOOLS = Path(__file__).parents[2] / ".venv-audit"
PROWLER = TOOLS / "prowler" / "bin" / "prowler"
MCP_PYTHON = TOOLS / "mcp" / "bin" / "python"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("d") / "data", OPENTRAIL_BUCKET_POLICIES="check") as made:
        yield made


def findings(here: Running, folder: Path, *services: str) -> dict[str, set[str]]:
    """Prowler's findings about some services: the status of each check."""
    done = subprocess.run(
        [str(PROWLER), "aws", "--service", *services, "--output-formats", "json-ocsf",
         "--output-directory", str(folder), "--output-filename", "found", "--no-banner",
         "--region", "us-east-1", "eu-west-1"],
        env=here.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, set[str]] = {}
    for one in json.loads((folder / "found.ocsf.json").read_text()):
        found.setdefault(one["metadata"]["event_code"], set()).add(one["status_code"])
    return found


def of_trails(found: dict[str, set[str]]) -> dict[str, set[str]]:
    begin = "cloudtrail_"
    return {check[len(begin) :]: told for check, told in found.items() if check.startswith(begin)}


NEEDS_THE_STORE = {
    "bucket_requires_mfa_delete",
    "logs_s3_bucket_access_logging_enabled",
}
"""Settings of the bucket that SeaweedFS does not have."""

MONITORING = "cloudwatch_log_metric_filter_", "cloudwatch_changes_to_", "cloudwatch_alarm_"


def test_prowler_tells_a_bare_trail_from_a_good_one_with_the_pack(
    here: Running, tmp_path: Path
) -> None:
    trails, kms = here.client("cloudtrail"), here.client("kms")
    here.run("aws", "cloudtrail", "create-subscription", "--name", "main",
             "--s3-new-bucket", "main-logs")  # fmt: skip
    bare = of_trails(findings(here, tmp_path / "bare", "cloudtrail"))

    service = {"Service": "cloudtrail.amazonaws.com"}
    allow = {"Effect": "Allow", "Principal": service, "Resource": "*"}
    key = kms.create_key(Policy=json.dumps({"Statement": [allow | {"Action": "kms:*"}]}))
    group, role = log_group(here)
    trails.update_trail(
        Name="main", IsMultiRegionTrail=True, EnableLogFileValidation=True,
        KmsKeyId=key["KeyMetadata"]["Arn"], CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=role,
    )  # fmt: skip
    everything = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    trails.put_event_selectors(TrailName="main", EventSelectors=[{"DataResources": [everything]}])
    trails.put_insight_selectors(
        TrailName="main", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}]
    )
    for region in ("us-east-1", "eu-west-1"):
        here.client("ec2", region).describe_vpcs()
        delivered(here.client("cloudtrail", region))
    here.run("opentrail", "init", "--pack", "cis")
    # Both at once: Prowler takes most of its time to read its own descriptions of checks.
    found = findings(here, tmp_path / "good", "cloudtrail", "cloudwatch")
    good = of_trails(found)
    controls = {check: told for check, told in found.items() if check.startswith(MONITORING)}

    assert {check for check, told in bare.items() if "FAIL" in told} >= {
        "cloudwatch_logging_enabled", "insights_exist", "kms_encryption_enabled",
        "log_file_validation_enabled", "multi_region_enabled", "s3_dataevents_read_enabled",
        "s3_dataevents_write_enabled",
    }  # fmt: skip
    assert {check for check, told in good.items() if told != {"PASS"}} == NEEDS_THE_STORE
    assert len(good) == 12
    assert len(controls) == 17
    assert all(told == {"PASS"} for told in controls.values()), controls


def delivered(trails: Any) -> None:
    """Wait until a region's events reached the log group."""
    arn = "arn:aws:cloudtrail:us-east-1:123456789012:trail/main"
    wait_for(lambda: trails.get_trail_status(Name=arn).get("LatestCloudWatchLogsDeliveryTime"))


def log_group(here: Running) -> tuple[str, str]:
    here.client("logs").create_log_group(logGroupName="trails")
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                           "Principal": {"Service": "cloudtrail.amazonaws.com"}}}  # fmt: skip
    allow = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    may = {"Version": "2012-10-17", "Statement": allow}
    iam = here.client("iam")
    role = iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="to-logs", PolicyName="p", PolicyDocument=json.dumps(may))
    return "arn:aws:logs:us-east-1:123456789012:log-group:trails:*", role["Arn"]


def ask(here: Running, tool: str, **arguments: Any) -> dict[str, Any]:
    done = subprocess.run(
        [str(MCP_PYTHON), str(Path(__file__).with_name("ask_mcp.py")), tool, json.dumps(arguments)],
        env=here.environment(), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_mcp_server_finds_events_and_tells_what_is_not_here(here: Running) -> None:
    here.client("iam").create_user(UserName="asked-for")
    wait_for(lambda: here.client("cloudtrail").lookup_events(LookupAttributes=[
        {"AttributeKey": "ResourceName", "AttributeValue": "asked-for"}])["Events"])  # fmt: skip

    found = ask(here, "lookup_events", start_time="1 hour ago", attribute_key="EventName",
                attribute_value="CreateUser", region="us-east-1")  # fmt: skip
    lake = ask(here, "list_event_data_stores", region="us-east-1")

    assert not found["failed"]
    (event,) = json.loads(found["text"][0])["events"]
    assert event["Resources"] == [{"ResourceType": "AWS::IAM::User", "ResourceName": "asked-for"}]
    assert lake["failed"]
