"""Log groups, streams, tags and filters by boto3, and AWS's errors for what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER
from logs_world import GROUP, LogsWorld, made, now, refused, transformation

from opentrail.access.policy import parse_policy
from opentrail.alarms.metric_filter import METRIC_FILTER_KIND
from opentrail.logs.group import RETENTION_DAYS
from opentrail.logs.subscription import SUBSCRIPTION_KIND
from opentrail.trail.feeds import FEED_KIND

VECTORS = Path(__file__).parents[1] / "vectors" / "filter_patterns" / "logs_api_errors.jsonl"
RECORDED = {
    one["case"].partition("::")[2]: (one["expected"]["code"], one["expected"]["message"])
    for one in map(json.loads, VECTORS.read_text().splitlines())
}
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.fixture
def logs(tmp_path: Path) -> LogsWorld:
    return made(tmp_path)


# Groups


def with_an_event(logs: LogsWorld) -> Any:
    """A client; there is an event in the stream `s` of the group `g`."""
    client = logs.client()
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": now(), "message": "m"}
    client.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    return client


@pytest.mark.parametrize(
    ("operation", "named"),
    [("delete_log_group", {}), ("delete_log_stream", {"logStreamName": "s"})],
)
def test_a_deletion_that_is_not_recorded_loses_no_event(
    logs: LogsWorld, operation: str, named: dict[str, str]
) -> None:
    client = with_an_event(logs)
    logs.world.keeps = False
    getattr(client, operation)(logGroupName="g", **named)

    logs.world.keeps = True
    assert len(client.filter_log_events(logGroupName="g")["events"]) == 1


def test_a_group_of_the_name_of_another_that_is_gone_is_empty(logs: LogsWorld) -> None:
    client = with_an_event(logs)
    client.delete_log_group(logGroupName="g")
    client.create_log_group(logGroupName="g")

    assert client.filter_log_events(logGroupName="g")["events"] == []
    assert client.describe_log_streams(logGroupName="g")["logStreams"] == []
    (told,) = client.describe_log_groups()["logGroups"]
    assert told["storedBytes"] == 0


def test_a_group_is_made_shown_changed_and_removed(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g", tags={"b": "2", "a": ""}, kmsKeyId="arn:aws:kms:x")
    client.put_retention_policy(logGroupName="g", retentionInDays=30)

    (shown,) = client.describe_log_groups()["logGroups"]

    assert abs(shown.pop("creationTime") - now()) < 60_000
    assert shown == {
        "logGroupName": "g", "retentionInDays": 30, "metricFilterCount": 0, "storedBytes": 0,
        "arn": f"{GROUP.arn}:*", "logGroupArn": GROUP.arn, "logGroupClass": "STANDARD",
        "kmsKeyId": "arn:aws:kms:x", "deletionProtectionEnabled": False,
    }  # fmt: skip
    client.delete_retention_policy(logGroupName="g")
    client.disassociate_kms_key(logGroupName="g")
    (shown,) = client.describe_log_groups()["logGroups"]
    assert "retentionInDays" not in shown
    assert "kmsKeyId" not in shown
    client.associate_kms_key(resourceIdentifier=GROUP.arn, kmsKeyId="arn:aws:kms:y")
    assert client.describe_log_groups()["logGroups"][0]["kmsKeyId"] == "arn:aws:kms:y"
    client.delete_log_group(logGroupName="g")
    assert client.describe_log_groups()["logGroups"] == []


def test_groups_are_found_by_prefix_part_identifier_and_class_in_pages(logs: LogsWorld) -> None:
    client = logs.client()
    for name in ("/aws/B", "/aws/a", "other", "z"):
        kind = "INFREQUENT_ACCESS" if name == "z" else "STANDARD"
        client.create_log_group(logGroupName=name, logGroupClass=kind)

    def names(**values: Any) -> list[str]:
        return [one["logGroupName"] for one in client.describe_log_groups(**values)["logGroups"]]

    assert names() == ["/aws/B", "/aws/a", "other", "z"]
    assert names(logGroupNamePrefix="/aws") == ["/aws/B", "/aws/a"]
    assert names(logGroupNamePattern="AWS/b") == ["/aws/B"]
    assert names(logGroupIdentifiers=["z", f"{GROUP.arn[:-1]}other"]) == ["other", "z"]
    assert names(logGroupClass="INFREQUENT_ACCESS") == ["z"]
    pages = client.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [one["logGroupName"] for page in pages for one in page["logGroups"]] == names()
    first = client.describe_log_groups(limit=2)
    client.delete_log_group(logGroupName="/aws/a")
    client.create_log_group(logGroupName="/aws/0")
    assert names(nextToken=first["nextToken"]) == ["other", "z"]
    assert [
        one["logGroupName"]
        for one in client.list_log_groups(logGroupNamePattern="^OTH")["logGroups"]
    ] == ["other"]


def test_nobody_sees_the_groups_of_another_account_or_region(logs: LogsWorld) -> None:
    logs.client().create_log_group(logGroupName="g")

    for client in (logs.client(account=OTHER), logs.client(region="eu-west-1")):
        assert client.describe_log_groups()["logGroups"] == []
        code = "ResourceNotFoundException"
        assert refused(client.delete_log_group, logGroupName="g")[0] == code
        assert refused(client.list_tags_for_resource, resourceArn=GROUP.arn)[0] == code
        assert refused(
            client.get_log_events, logGroupIdentifier=GROUP.arn, logStreamName="s"
        )[0] == code  # fmt: skip


def test_a_protected_group_stays(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g", deletionProtectionEnabled=True)

    assert refused(client.delete_log_group, logGroupName="g")[0] == "ValidationException"
    client.put_log_group_deletion_protection(
        logGroupIdentifier="g", deletionProtectionEnabled=False
    )
    client.delete_log_group(logGroupName="g")


def test_with_a_group_goes_all_that_is_its(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")
    client.create_log_group(logGroupName="g2")
    for group in ("g", "g2"):
        client.create_log_stream(logGroupName=group, logStreamName="s")
        client.put_metric_filter(
            logGroupName=group, filterName="f", filterPattern="",
            metricTransformations=transformation(),
        )  # fmt: skip
        client.put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern="", destinationArn=LAMBDA
        )
    logs.feed()

    client.delete_log_group(logGroupName="g")

    left = [
        one.key
        for kind in (METRIC_FILTER_KIND, SUBSCRIPTION_KIND, FEED_KIND)
        for one in logs.world.state.list(kind)
    ]
    assert left == [f"{ACCOUNT}/us-east-1/g2:f"] * 2
    client.create_log_group(logGroupName="g")
    assert client.describe_log_streams(logGroupName="g")["logStreams"] == []


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_every_span_of_aws_is_allowed(logs: LogsWorld, days: int) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")

    client.put_retention_policy(logGroupName="g", retentionInDays=days)
    assert client.describe_log_groups()["logGroups"][0]["retentionInDays"] == days


def test_no_other_span_is(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")

    code, message = refused(client.put_retention_policy, logGroupName="g", retentionInDays=2)

    assert code == "InvalidParameterException"
    assert "Value '2' at 'retentionInDays'" in message


def test_tags_are_kept_by_arn_and_in_the_older_way(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g", tags={"a": "1"})

    client.tag_resource(resourceArn=GROUP.arn, tags={"b": "2", "a": "3"})
    client.tag_log_group(logGroupName="g", tags={"c": ""})
    client.untag_resource(resourceArn=GROUP.arn, tagKeys=["b", "none"])

    assert client.list_tags_for_resource(resourceArn=GROUP.arn)["tags"] == {"a": "3", "c": ""}
    client.untag_log_group(logGroupName="g", tags=["a"])
    assert client.list_tags_log_group(logGroupName="g")["tags"] == {"c": ""}
    many = {f"k{number}": "v" for number in range(50)}
    code = refused(client.tag_resource, resourceArn=GROUP.arn, tags=many)[0]
    assert code == "TooManyTagsException"
    assert (
        refused(client.tag_resource, resourceArn="g", tags={"a": "b"})[0]
        == "InvalidParameterException"
    )
    assert (
        refused(client.tag_log_group, logGroupName="g", tags={"aws:x": "b"})[0]
        == "InvalidParameterException"
    )


# Streams


def test_streams_are_listed_by_name_and_by_their_last_event(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")
    start = now()
    for name, when in (("a", 30), ("b", 10), ("c", 20)):
        client.create_log_stream(logGroupName="g", logStreamName=name)
        event = {"timestamp": start - when, "message": "x"}
        client.put_log_events(logGroupName="g", logStreamName=name, logEvents=[event])

    def names(**values: Any) -> list[str]:
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName="g", PaginationConfig={"PageSize": 2}, **values
        )
        return [one["logStreamName"] for page in pages for one in page["logStreams"]]

    assert names() == ["a", "b", "c"]
    assert names(descending=True) == ["c", "b", "a"]
    assert names(orderBy="LastEventTime") == ["a", "c", "b"]
    assert names(orderBy="LastEventTime", descending=True) == ["b", "c", "a"]
    assert names(logStreamNamePrefix="b") == ["b"]
    shown = client.describe_log_streams(logGroupName="g")["logStreams"][0]
    assert shown["arn"] == f"{GROUP.arn}:log-stream:a"
    assert shown["firstEventTimestamp"] == shown["lastEventTimestamp"] == start - 30
    assert abs(shown["lastIngestionTime"] - start) < 60_000
    client.delete_log_stream(logGroupName="g", logStreamName="a")
    assert names() == ["b", "c"]


def test_resource_policies_are_kept(logs: LogsWorld) -> None:
    client = logs.client()
    for number in range(10):
        client.put_resource_policy(policyName=f"p{number}", policyDocument="{}")
    client.put_resource_policy(policyName="p0", policyDocument='{"a":1}')

    shown = client.describe_resource_policies()["resourcePolicies"]

    assert [one["policyName"] for one in shown] == [f"p{number}" for number in range(10)]
    assert shown[0]["policyDocument"] == '{"a":1}'
    client.delete_resource_policy(policyName="p0")
    assert len(client.describe_resource_policies()["resourcePolicies"]) == 9


# Errors as they were recorded from AWS

LONG = "X" * 513


def recorded_calls(client: Any) -> dict[str, Any]:
    """The calls of the recorded cases that are about what is answered here."""
    for group in ("g", "full"):
        client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName="g", logStreamName="s")
    for name in ("a", "b"):
        client.put_subscription_filter(
            logGroupName="full", filterName=name, filterPattern="", destinationArn=LAMBDA
        )
    for number in range(10):
        client.put_resource_policy(policyName=f"p{number}", policyDocument="{}")
    event = {"timestamp": now(), "message": "x"}
    earlier = {"timestamp": now() - 1000, "message": "x"}
    first = transformation(metricName="metric1", metricNamespace="namespace1")
    second = transformation(metricName="metric2", metricNamespace="namespace2")
    put_filter = {
        "logGroupName": "g", "filterName": "f", "filterPattern": "",
        "metricTransformations": transformation(),
    }  # fmt: skip
    elsewhere = f"arn:aws:lambda:us-east-1:{OTHER}:function:f"
    kinesis = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"

    def subscribe(group: str, name: str, destination: str) -> Any:
        return lambda: client.put_subscription_filter(
            logGroupName=group, filterName=name, filterPattern="", destinationArn=destination
        )

    return {
        "test_put_log_events_to_invalid_stream error-invalid-stream": lambda: (
            client.put_log_events(logGroupName="g", logStreamName="no", logEvents=[event])
        ),
        "test_put_log_events_wrong_order error-wrong-order": lambda: (
            client.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event, earlier])
        ),
        "test_get_log_events_invalid_token error-invalid-token": lambda: (
            client.get_log_events(logGroupName="g", logStreamName="s", nextToken="x")
        ),
        "test_get_log_events_limit_validation error-limit-exceeded": lambda: (
            client.get_log_events(logGroupName="g", logStreamName="s", limit=10001)
        ),
        "test_resource_does_not_exist error-log-group-does-not-exist": lambda: (
            client.get_log_events(logGroupName="no", logStreamName="s")
        ),
        "test_resource_does_not_exist error-log-stream-does-not-exist": lambda: (
            client.get_log_events(logGroupName="g", logStreamName="no")
        ),
        "test_filter_log_events_limit_validation error-limit-exceeded": lambda: (
            client.filter_log_events(logGroupName="g", limit=10001)
        ),
        "test_filter_log_events_unknown_token invalid-token": lambda: (
            client.filter_log_events(logGroupName="g", nextToken="x")
        ),
        "test_create_log_group_duplicate_error error-duplicate-log-group": lambda: (
            client.create_log_group(logGroupName="g")
        ),
        "test_create_log_group_invalid_name_length error-invalid-name-length": lambda: (
            client.create_log_group(logGroupName=LONG)
        ),
        "test_describe_log_groups_prefix_and_pattern_error error-prefix-and-pattern": lambda: (
            client.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="b")
        ),
        "test_put_metric_filter_invalid_filter_name error-invalid-filter-name": lambda: (
            client.put_metric_filter(**put_filter | {"filterName": LONG})
        ),
        "test_put_metric_filter_invalid_filter_pattern error-invalid-filter-pattern": lambda: (
            client.put_metric_filter(**put_filter | {"filterPattern": "X" * 1025})
        ),
        "test_put_metric_filter_too_many_transformations error-too-many-transformations": lambda: (
            client.put_metric_filter(**put_filter | {"metricTransformations": first + second})
        ),
        "test_delete_metric_filter_invalid_filter_name error-invalid-filter-name": lambda: (
            client.delete_metric_filter(logGroupName="g", filterName=LONG)
        ),
        "test_delete_metric_filter_invalid_log_group_name error-invalid-log-group-name": lambda: (
            client.delete_metric_filter(logGroupName=LONG, filterName="f")
        ),
        "test_describe_metric_filters_invalid_parameters error-invalid-filter-prefix": lambda: (
            client.describe_metric_filters(logGroupName="g", filterNamePrefix=LONG)
        ),
        "test_describe_metric_filters_invalid_parameters error-invalid-metric-name": lambda: (
            client.describe_metric_filters(metricName="X" * 256, metricNamespace="n")
        ),
        "test_delete_resource_policy_not_found error-policy-not-found": lambda: (
            client.delete_resource_policy(policyName="non-existent")
        ),
        "test_put_resource_policy_limit_exceeded error-limit-exceeded": lambda: (
            client.put_resource_policy(policyName="more", policyDocument="{}")
        ),
        "test_create_log_stream_duplicate_error error-duplicate-log-stream": lambda: (
            client.create_log_stream(logGroupName="g", logStreamName="s")
        ),
        "test_describe_log_streams_with_log_group_identifier error-both-name-and-identifier": (
            lambda: client.describe_log_streams(logGroupName="g", logGroupIdentifier=GROUP.arn)
        ),
        "test_describe_subscription_filters_log_group_not_found error-log-group-not-found": lambda: (
            client.describe_subscription_filters(logGroupName="no")
        ),
        "test_put_subscription_filter_limit_exceeded error-limit-exceeded": (
            subscribe("full", "c", LAMBDA)
        ),
        "test_delete_subscription_filter_errors error-log-group-not-found": lambda: (
            client.delete_subscription_filter(logGroupName="no", filterName="f")
        ),
        "test_delete_subscription_filter_errors error-filter-not-found": lambda: (
            client.delete_subscription_filter(logGroupName="g", filterName="no")
        ),
        "test_put_subscription_filter_errors error-log-group-not-found": (
            subscribe("no", "f", elsewhere)
        ),
        "test_put_subscription_filter_errors error-lambda-not-found": subscribe("g", "f", elsewhere),
        "test_put_subscription_filter_errors error-kinesis-not-found": subscribe("g", "f", kinesis),
    }  # fmt: skip


ELSEWHERE = (
    "test_put_delivery_destination", "test_get_delivery", "test_delete_delivery",
    "test_put_delivery_source", "test_create_export_task", "test_cancel_export_task",
    "test_start_query",
)  # fmt: skip
"""Operations that are not answered, and StartQuery, which has tests of its own."""

CASES = [case for case in RECORDED if not case.startswith(ELSEWHERE)]


@pytest.mark.parametrize("case", CASES)
def test_the_error_is_the_one_that_aws_gave(logs: LogsWorld, case: str) -> None:
    client = logs.client(parameter_validation=False)

    assert refused(recorded_calls(client)[case]) == RECORDED[case]


def test_rights_are_asked_for_the_group_and_the_stream(logs: LogsWorld) -> None:
    world = logs.world
    world.by_policies = True
    world.serve()
    arn = next(iter(world.identities.all_credentials())).principal.arn
    allowed = {
        "Statement": {
            "Effect": "Allow", "Action": "logs:*",
            "Resource": [f"{GROUP.arn}:*", f"{GROUP.arn}:log-stream:s", GROUP.arn],
        }
    }  # fmt: skip
    world.identities.attached[arn] = [parse_policy(json.dumps(allowed))]
    client = logs.client()

    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    client.tag_resource(resourceArn=GROUP.arn, tags={"a": "b"})
    for call in (
        lambda: client.create_log_group(logGroupName="h"),
        client.describe_log_groups,
        lambda: client.put_resource_policy(policyName="p", policyDocument="{}"),
    ):
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            call()


def test_a_role_is_passed_to_a_subscription_only_by_who_may(logs: LogsWorld) -> None:
    world = logs.world
    logs.client().create_log_group(logGroupName="g")
    world.by_policies = True
    world.serve()
    arn = next(iter(world.identities.all_credentials())).principal.arn
    allowed = {"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}}
    world.identities.attached[arn] = [parse_policy(json.dumps(allowed))]
    values = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": LAMBDA}
    client = logs.client()

    client.put_subscription_filter(**values)
    with pytest.raises(client.exceptions.ClientError, match="iam:PassRole"):
        client.put_subscription_filter(**values, roleArn=f"arn:aws:iam::{ACCOUNT}:role/admin")
