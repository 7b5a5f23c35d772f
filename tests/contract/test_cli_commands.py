"""Every command of `aws cloudtrail` whose operation is done here, unmodified, one after the other."""

import json
from pathlib import Path

import pytest
from botocore import xform_name
from running import ACCOUNT, running, wait_for

from opentrail.api.cloudtrail.operations import HANDLERS

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
CHANNEL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/11111111-2222-3333-4444-555555555555"
DATA = '[{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]'
ALLOW = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'
MEMBER = "222222222222"

COMMANDS: list[tuple[str, tuple[str, ...], str]] = [
    ("create-trail", ("--name", "main", "--s3-bucket-name", "cli-logs",
                      "--is-multi-region-trail", "--enable-log-file-validation"), ARN),
    ("describe-trails", ("--trail-name-list", "main"), ARN),
    ("get-trail", ("--name", ARN), ARN),
    ("list-trails", (), ARN),
    ("update-trail", ("--name", "main", "--s3-key-prefix", "kept"), '"S3KeyPrefix": "kept"'),
    ("start-logging", ("--name", "main"), ""),
    ("get-trail-status", ("--name", "main"), '"IsLogging": true'),
    ("put-event-selectors", ("--trail-name", "main", "--event-selectors", DATA), "arn:aws:s3"),
    ("get-event-selectors", ("--trail-name", "main"), "arn:aws:s3"),
    ("put-insight-selectors", ("--trail-name", "main", "--insight-selectors",
                               '[{"InsightType": "ApiErrorRateInsight"}]'), "ApiErrorRate"),
    ("get-insight-selectors", ("--trail-name", "main"), "ApiErrorRateInsight"),
    ("put-event-configuration", ("--trail-name", "main", "--aggregation-configurations",
                                 '[{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]'),
     "API_ACTIVITY"),
    ("get-event-configuration", ("--trail-name", "main"), "API_ACTIVITY"),
    ("list-insights-data", ("--insight-source", ARN, "--data-type", "InsightsEvents"), "Events"),
    ("list-insights-metric-data", ("--event-source", "s3.amazonaws.com", "--event-name",
                                   "PutObject", "--insight-type", "ApiCallRateInsight"),
     '"Values": []'),
    ("add-tags", ("--resource-id", ARN, "--tags-list", "Key=owner,Value=audit"), ""),
    ("list-tags", ("--resource-id-list", ARN), '"owner"'),
    ("remove-tags", ("--resource-id", ARN, "--tags-list", "Key=owner"), ""),
    ("lookup-events", ("--max-items", "1"), "CloudTrailEvent"),
    ("list-public-keys", (), "PublicKeyList"),
    ("register-organization-delegated-admin", ("--member-account-id", MEMBER), ""),
    ("deregister-organization-delegated-admin", ("--delegated-admin-account-id", MEMBER), ""),
    ("stop-logging", ("--name", "main"), ""),
    ("delete-trail", ("--name", "main"), ""),
]  # fmt: skip

REFUSED: list[tuple[str, tuple[str, ...], str]] = [
    ("get-resource-policy", ("--resource-arn", CHANNEL), "ResourceNotFoundException"),
    ("put-resource-policy", ("--resource-arn", CHANNEL, "--resource-policy", ALLOW),
     "ResourceNotFoundException"),
    ("delete-resource-policy", ("--resource-arn", CHANNEL), "ResourceNotFoundException"),
    ("list-event-data-stores", (), "UnsupportedOperationException"),
]  # fmt: skip


def test_each_command_does_what_its_operation_does(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.run("opentrail", "org", "create")
        server.run("opentrail", "org", "add-account", MEMBER)
        server.client("s3").create_bucket(Bucket="cli-logs")
        wait_for(lambda: server.client("cloudtrail").lookup_events()["Events"])

        for command, words, told in COMMANDS:
            done = server.run("aws", "cloudtrail", command, *words)
            assert told in done.stdout, command
            assert not done.stdout or json.loads(done.stdout)
        for command, words, code in REFUSED:
            done = server.run("aws", "cloudtrail", command, *words, check=False)
            assert f"({code})" in done.stderr
            assert done.returncode in (254, 255)


def test_no_operation_that_is_done_is_left_out() -> None:
    run = {command for command, _, _ in (*COMMANDS, *REFUSED)}

    assert {xform_name(one, "-") for one in HANDLERS} <= run
