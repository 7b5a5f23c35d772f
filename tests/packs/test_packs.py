"""Packs: what they find, what a plan makes, and that its removal leaves what is not theirs."""

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.errors import InvalidInput
from opentrail.packs.pack import LONGEST_PATTERN, Control, Pack, read_pack
from opentrail.packs.plan import TAG, Found, Place, Step, Verb, install, missing, remove

CIS = read_pack((files("opentrail.packs") / "data" / "cis.toml").read_text())
CONTROLS = {one.slug: one for one in CIS.controls}
PLACE = Place(account_id="111122223333", region="eu-west-1", log_group="trail", topic="alarms",
              bucket="logs", subscribers=(("email", "a@example.com"),))  # fmt: skip


def taken(pattern: str, record: dict[str, Any]) -> bool:
    return FilterPattern(pattern).matches(LogMessage(json.dumps(record)))


def record(name: str, **values: Any) -> dict[str, Any]:
    usual = {
        "eventName": name, "eventSource": "iam.amazonaws.com", "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "userName": "alice"},
    }  # fmt: skip
    return usual | values


ROOT = {"type": "Root", "arn": "arn:aws:iam::1:root"}
SIGNED_IN = {"ConsoleLogin": "Success"}
FINDS = [
    ("unauthorized-api", record("X", errorCode="Client.UnauthorizedOperation")),
    ("unauthorized-api", record("X", errorCode="AccessDeniedException")),
    ("signin-no-mfa", record("ConsoleLogin", responseElements=SIGNED_IN, additionalEventData={"MFAUsed": "No"})),
    ("root-usage", record("CreateUser", userIdentity=ROOT)),
    ("iam-policy", record("PutRolePolicy")),
    ("cloudtrail-config", record("StopLogging", eventSource="cloudtrail.amazonaws.com")),
    ("console-auth-fail", record("ConsoleLogin", errorMessage="Failed authentication")),
    ("cmk-disable", record("DisableKey", eventSource="kms.amazonaws.com")),
    ("s3-policy", record("PutBucketPolicy", eventSource="s3.amazonaws.com")),
    ("config-change", record("PutDeliveryChannel", eventSource="config.amazonaws.com")),
    ("security-group", record("CreateSecurityGroup", eventSource="ec2.amazonaws.com")),
    ("nacl", record("DeleteNetworkAcl", eventSource="ec2.amazonaws.com")),
    ("gateways", record("AttachInternetGateway", eventSource="ec2.amazonaws.com")),
    ("route-tables", record("CreateRoute", eventSource="ec2.amazonaws.com")),
    ("vpc", record("DeleteVpc", eventSource="ec2.amazonaws.com")),
    ("organizations", record("LeaveOrganization", eventSource="organizations.amazonaws.com")),
    ("audit-tampering", record("PutEventSelectors", eventSource="cloudtrail.amazonaws.com")),
    ("audit-tampering", record("DeleteBucketPolicy", eventSource="s3.amazonaws.com", requestParameters={"bucketName": "logs"})),
    ("root-sign-in", record("ConsoleLogin", userIdentity=ROOT, responseElements=SIGNED_IN)),
]  # fmt: skip
PASSES = [
    ("unauthorized-api", record("X", errorCode="NoSuchEntity")),
    ("signin-no-mfa", record("ConsoleLogin", responseElements=SIGNED_IN, additionalEventData={"MFAUsed": "Yes"})),
    ("root-usage", record("X", userIdentity=ROOT | {"invokedBy": "support.amazonaws.com"})),
    ("root-usage", record("X", userIdentity=ROOT, eventType="AwsServiceEvent")),
    ("iam-policy", record("PutRolePolicy", eventSource="other.amazonaws.com")),
    ("route-tables", record("CreateRoute", eventSource="appmesh.amazonaws.com")),
    ("cmk-disable", record("DisableKey")),
    ("audit-tampering", record("StopLogging", eventSource="redshift.amazonaws.com")),
    ("audit-tampering", record("DeleteBucketPolicy", eventSource="s3.amazonaws.com", requestParameters={"bucketName": "other"})),
    ("root-sign-in", record("ConsoleLogin", userIdentity=ROOT, responseElements={"ConsoleLogin": "Failure"})),
]  # fmt: skip


def patterns() -> dict[str, str]:
    """As they are installed."""
    steps = [one for one in install(CIS, PLACE, Found()) if one.what == "metric filter"]
    return {one.name.removeprefix(CIS.prefix): one.parameters["filterPattern"] for one in steps}


@pytest.mark.parametrize(("slug", "found"), FINDS, ids=str)
def test_a_control_finds_what_it_is_for(slug: str, found: dict[str, Any]) -> None:
    assert taken(patterns()[slug], found)
    assert not taken(patterns()[slug], record("ListUsers"))


@pytest.mark.parametrize(("slug", "passed"), PASSES, ids=str)
def test_a_control_passes_what_it_is_not_for(slug: str, passed: dict[str, Any]) -> None:
    assert not taken(patterns()[slug], passed)


def test_every_control_with_a_pattern_is_tried() -> None:
    assert {slug for slug, _ in FINDS} == set(patterns())
    assert all(len(one) <= LONGEST_PATTERN and "%" not in one for one in patterns().values())


def test_without_a_known_bucket_every_bucket_counts() -> None:
    place = Place(account_id="1", region="r", log_group="g", topic="t")
    found = next(one for one in install(CIS, place, Found()) if one.name.endswith("audit-tampering") and one.what == "metric filter")  # fmt: skip
    other = record("DeleteBucketPolicy", eventSource="s3.amazonaws.com", requestParameters={"bucketName": "other"})  # fmt: skip

    assert taken(found.parameters["filterPattern"], other)


# Plans


def told(steps: tuple[Step, ...]) -> list[tuple[str, str, str]]:
    return [(str(one.verb), one.what, one.name) for one in steps]


def after(steps: tuple[Step, ...]) -> Found:
    """What is there when the steps are done, as services describe it."""
    filters, alarms = {}, {}
    for one in steps:
        if one.what == "metric filter":
            filters[one.parameters["logGroupName"], one.name] = {
                **one.parameters,
                "creationTime": 5,
            }
        elif one.what == "alarm":
            described = {k: v for k, v in one.parameters.items() if k != "Tags"}
            alarms[one.name] = {**described, "StateValue": "OK", "AlarmArn": "arn"}
    return Found(
        log_groups={"trail": True}, filters=filters, alarms=alarms,
        alarm_tags=dict.fromkeys(alarms, "cis"), topics={PLACE.topic_arn: True},
        subscriptions=frozenset(PLACE.subscribers),
    )  # fmt: skip


def test_a_bare_account_gets_everything() -> None:
    steps = install(CIS, PLACE, Found())

    assert {one.verb for one in steps} == {Verb.CREATE}
    whats = [one.what for one in steps]
    assert (whats.count("metric filter"), whats.count("alarm")) == (17, 18)
    assert whats[:3] == ["log group", "topic", "subscription"]
    guessing = next(one for one in steps if one.name.endswith("sign-in-guessing"))
    assert guessing.call == ("cloudwatch", "put_metric_alarm")
    assert guessing.parameters["MetricName"] == "console-auth-fail"
    assert guessing.parameters["Threshold"] == 5
    assert guessing.parameters["AlarmActions"] == ["arn:aws:sns:eu-west-1:111122223333:alarms"]
    assert guessing.parameters["Tags"] == [{"Key": TAG, "Value": "cis"}]


def test_again_there_is_nothing_to_do() -> None:
    steps = install(CIS, PLACE, after(install(CIS, PLACE, Found())))

    assert {one.verb for one in steps} == {Verb.KEEP}
    assert not any(one.call for one in steps)


def test_what_somebody_changed_is_put_right() -> None:
    found = after(install(CIS, PLACE, Found()))
    name = "opentrail-cis-vpc"
    changed = {**found.alarms, name: {**found.alarms[name], "AlarmActions": []}}
    steps = install(CIS, PLACE, Found(log_groups=found.log_groups, filters=found.filters,
                                      alarms=changed, alarm_tags=found.alarm_tags,
                                      topics=found.topics, subscriptions=found.subscriptions))  # fmt: skip

    (update,) = (one for one in steps if one.verb is not Verb.KEEP)
    assert (update.verb, update.name) == (Verb.UPDATE, name)
    assert "Tags" not in update.parameters


def test_removal_takes_away_what_was_made() -> None:
    steps = remove(CIS, after(install(CIS, PLACE, Found())))

    assert {one.verb for one in steps} == {Verb.DELETE}
    whats = [one.what for one in steps]
    assert (whats.count("metric filter"), whats.count("alarm")) == (17, 18)
    assert whats[-2:] == ["topic", "log group"]


def test_what_is_somebody_elses_is_left() -> None:
    group = ("trail", "opentrail-cis-vpc")
    theirs = {"metricTransformations": [{"metricNamespace": "Mine"}]}
    found = Found(
        log_groups={"trail": False}, filters={group: theirs}, topics={PLACE.topic_arn: False},
        alarms={"opentrail-cis-vpc": {}}, alarm_tags={"opentrail-cis-nacl": "other"},
    )  # fmt: skip

    steps = install(CIS, PLACE, found)

    assert remove(CIS, found) == ()
    kept = {(one.what, one.name) for one in steps if one.verb is Verb.KEEP}
    assert ("alarm", "opentrail-cis-vpc (somebody else's)") in kept
    assert ("metric filter", "opentrail-cis-vpc (somebody else's)") in kept
    assert ("log group", "trail") in kept


def test_a_log_group_that_a_trail_needs_is_left() -> None:
    found = Found(log_groups={"trail": True}, fed_groups=frozenset({"trail"}))

    assert told(remove(CIS, found)) == [("keep", "log group", "trail (a trail delivers to it)")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("= ", "this is no pack"),
        ("name = 'x'", "this is no pack"),
        ("name='x'\ntitle='x'\nnamespace='x'\n[[controls]]\nslug='a'\ntitle='A'", "nothing makes the metric a"),
        ("name='x'\ntitle='x'\nnamespace='x'\n" + "[[controls]]\nslug='a'\ntitle='A'\npattern='{ $.a = b }'\n" * 2, "one slug"),
        ("name='x'\ntitle='x'\nnamespace='x'\n[[controls]]\nslug='a'\ntitle='A'\npattern='" + "x" * 1025 + "'", "1025 characters"),
    ],
)  # fmt: skip
def test_what_is_no_pack_is_told(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        read_pack(text)


def test_controls_answer_the_benchmark() -> None:
    numbers = {one for control in CIS.controls for one in control.references}

    assert {f"CIS v5 4.{number}" for number in range(1, 16)} <= numbers
    assert {f"CIS v7 5.{number}" for number in range(1, 16)} <= numbers
    assert {f"CloudWatch.{number}" for number in range(1, 15)} <= numbers
    assert isinstance(CIS, Pack)
    assert CONTROLS["vpc"] == Control(
        slug="vpc", title="A VPC was changed", metric="vpc", pattern=CONTROLS["vpc"].pattern,
        references=("CIS v5 4.14", "CIS v7 5.14", "CloudWatch.14"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_topic_is_of_the_region_s_partition(region: str, partition: str) -> None:
    place = Place(account_id="111122223333", region=region, log_group="g", topic="t")
    assert place.topic_arn == f"arn:{partition}:sns:{region}:111122223333:t"


def test_what_is_missing_is_told() -> None:
    """Nobody is told by a subscription that was not confirmed."""
    (subscriber,) = PLACE.subscribers
    nobody = replace(PLACE, subscribers=())
    fed = Found(fed_groups=frozenset({"trail"}))

    assert [one.split(":")[0] for one in missing(nobody, Found())] == [
        "No trail delivers to the log group trail yet",
        "Nobody is told yet",
    ]
    asked = ["a@example.com is told as soon as it confirms its subscription."]
    assert list(missing(PLACE, fed)) == asked
    waits = replace(fed, subscriptions=frozenset({subscriber}), unconfirmed=frozenset({subscriber}))
    assert list(missing(nobody, waits)) == asked
    assert list(missing(PLACE, replace(waits, unconfirmed=frozenset()))) == []
    queue = ("sqs", "arn:aws:sqs:eu-west-1:111122223333:q")
    assert list(missing(replace(PLACE, subscribers=(queue,)), fed)) == []
