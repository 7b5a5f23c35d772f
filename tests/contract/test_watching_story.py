"""One story through everything that watches and answers.

Root makes a user with the AWS CLI. The trail's log group shows the call, a metric filter counts it,
the alarm turns, its topic posts to a webhook and runs a function, the function quarantines the new
user at the service behind the endpoint, and all of it is in the trail.
"""

import gzip
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, Running, make, wait_for
from webhooks import Receiver, receiver

pytestmark = [pytest.mark.contract, pytest.mark.timeout(240)]

GROUP = "/aws/cloudtrail/main"
SERVICE = {"Service": "cloudtrail.amazonaws.com"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/responder"
HANDLER = '''
import json

import boto3

DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


def handler(event, context):
    """Quarantine every user that the events tell of."""
    user = event["detail"]["requestParameters"]["userName"]
    boto3.client("iam").put_user_policy(
        UserName=user, PolicyName="quarantine", PolicyDocument=json.dumps(DENY)
    )
    return {"quarantined": user}
'''


def set_up(server: Running, hook: Receiver, directory: Path) -> None:
    s3, trails, logs = server.client("s3"), server.client("cloudtrail"), server.client("logs")
    s3.create_bucket(Bucket="audit")
    logs.create_log_group(logGroupName=GROUP)
    iam = server.client("iam")
    trust = {"Statement": {"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"}}
    to_logs = iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=json.dumps(trust))
    may = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}:log-stream:*",
    }
    iam.put_role_policy(
        RoleName="to-logs",
        PolicyName="to-logs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    trails.create_trail(
        Name="main",
        S3BucketName="audit",
        IsMultiRegionTrail=True,
        CloudWatchLogsLogGroupArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}:*",
        CloudWatchLogsRoleArn=to_logs["Role"]["Arn"],
    )
    trails.start_logging(Name="main")
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName="root-makes-users",
        filterPattern='{ $.userIdentity.type = "Root" && $.eventName = "CreateUser" }',
        metricTransformations=[
            {"metricName": "RootMakesUsers", "metricNamespace": "Watch", "metricValue": "1"}
        ],
    )
    topic = server.client("sns").create_topic(Name="alerts")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url("/alerts"))
    server.client("cloudwatch").put_metric_alarm(
        AlarmName="root-makes-users",
        Namespace="Watch",
        MetricName="RootMakesUsers",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )
    file = directory / "quarantine.py"
    file.write_text(HANDLER)
    function = server.run(
        "opentrail", "functions", "add", "quarantine",
        "--python", f"{file}:handler", "--role", ROLE,
    ).stdout.strip().splitlines()[-1]  # fmt: skip
    events = server.client("events")
    events.put_rule(
        Name="quarantine",
        EventPattern=json.dumps(
            {
                "source": ["aws.iam"],
                "detail": {"eventName": ["CreateUser"], "userIdentity": {"type": ["Root"]}},
            }
        ),
    )
    answer = events.put_targets(
        Rule="quarantine",
        Targets=[
            {"Id": "function", "Arn": function},
            {"Id": "webhook", "Arn": hook.url("/rules")},
        ],
    )
    assert answer["FailedEntryCount"] == 0, answer


def confirmed(hook: Receiver) -> None:
    """Follow the link of the topic's first message, as a subscriber does."""
    (first, *_) = hook.wait(1)
    assert first.json["Type"] == "SubscriptionConfirmation"
    with urllib.request.urlopen(first.json["SubscribeURL"]) as answer:
        assert answer.status == 200


def of_path(hook: Receiver, path: str) -> list[Any]:
    return [one.json for one in hook.got if one.path == path]


def test_what_root_does_is_seen_told_and_answered(tmp_path: Path) -> None:
    server = make(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8")
    server.start()
    with (server.data / "identities.toml").open("a") as file:
        file.write(
            f'\n[[roles]]\naccount = "{ACCOUNT}"\nrole = "responder"\n'
            'role_id = "AROARESPONDER00000001"\n'
        )
    try:
        with receiver() as hook:
            set_up(server, hook, tmp_path)
            confirmed(hook)
            told(server, hook)
    finally:
        server.stop()


def told(server: Running, hook: Receiver) -> None:
    made = server.run("opentrail", "keys", "create", "--user", "").stdout
    root = dict(line.split("=", 1) for line in made.split())
    began = time.monotonic()
    server.run(
        "aws", "iam", "create-user", "--user-name", "mallory", **root
    )  # fmt: skip

    # The event rule's webhook.
    (event,) = wait_for(lambda: of_path(hook, "/rules"))
    called = time.monotonic() - began
    assert event["detail-type"] == "AWS API Call via CloudTrail"
    assert event["detail"]["userIdentity"]["type"] == "Root"
    # The alarm's message.
    (message,) = wait_for(
        lambda: [one for one in of_path(hook, "/alerts") if one["Type"] == "Notification"]
    )
    assert json.loads(message["Message"])["NewStateValue"] == "ALARM"
    # The function's work at the service behind the endpoint.
    iam = server.client("iam")
    wait_for(lambda: iam.list_user_policies(UserName="mallory")["PolicyNames"] == ["quarantine"])
    assert called < 10

    logs = server.client("logs")
    seen = wait_for(
        lambda: logs.filter_log_events(logGroupName=GROUP, filterPattern='"mallory"')["events"]
    )
    assert any(json.loads(one["message"])["eventName"] == "CreateUser" for one in seen)
    cloudwatch = server.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["root-makes-users"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
    assert "was greater than or equal to the threshold (1.0)" in alarm["StateReason"]

    # All of it is in the trail.
    in_the_trail(server, event["detail"]["eventID"])


def in_the_trail(server: Running, event_id: str) -> None:
    found = wait_for(lambda: responses(server, event_id))
    assert {one["eventName"] for one in found} >= {"FunctionRun", "WebhookSent"}
    (quarantined,) = wait_for(lambda: server.records(name="PutUserPolicy"))
    assert quarantined["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == ROLE
    assert quarantined["requestParameters"]["userName"] == "mallory"
    (assumed,) = server.records(name="AssumeRole")
    assert assumed["requestParameters"]["roleArn"] == ROLE
    (published,) = wait_for(lambda: server.records(name="MessagePublished"))
    assert published["additionalEventData"]["cause"].endswith(":alarm:root-makes-users")
    wanted = {
        one["eventID"]: one for one in (*found, quarantined, assumed, published)
    }  # fmt: skip

    files = wait_for(lambda: delivered(server, {event_id, *wanted}))

    assert {name: files[name] for name in wanted} == wanted
    assert files[event_id]["eventName"] == "CreateUser"
    assert files[event_id]["userIdentity"]["type"] == "Root"
    assert files[event_id]["requestParameters"] == {"userName": "mallory"}


def delivered(server: Running, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """The records of every log file in the bucket by eventID, once all that are wanted are there."""
    s3 = server.client("s3")
    found: dict[str, dict[str, Any]] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="audit"):
        for one in page.get("Contents", ()):
            if "/CloudTrail/" in one["Key"]:
                body = s3.get_object(Bucket="audit", Key=one["Key"])["Body"].read()
                records = json.loads(gzip.decompress(body))["Records"]
                assert not found.keys() & {each["eventID"] for each in records}
                found |= {each["eventID"]: each for each in records}
    return found if wanted <= found.keys() else {}


def responses(server: Running, event_id: str) -> list[dict[str, Any]]:
    found = [
        one
        for one in server.records()
        if one["eventSource"] == "opentrail.amazonaws.com"
        and event_id in one.get("additionalEventData", {}).get("causeEventIDs", ())
    ]
    names = {one["eventName"] for one in found}
    return found if {"FunctionRun", "WebhookSent"} <= names else []
