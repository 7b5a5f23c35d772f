"""What policies of buckets, keys and roles say to CloudTrail, as it asks them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from opentrail.trail.access import (
    bucket_needs,
    denying,
    key_needs,
    role_needs,
    trusts_cloudtrail,
    unmet,
)
from opentrail.trail.trail import Trail

ACCOUNT = "123456789012"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"
SERVICE = {"Service": "cloudtrail.amazonaws.com"}


def trail(**values: Any) -> Trail:
    usual = {
        "arn": ARN, "name": "main", "account_id": ACCOUNT, "home_region": "us-east-1",
        "s3_bucket_name": "audit", "created": datetime(2026, 11, 25, tzinfo=UTC),
    }  # fmt: skip
    return Trail(**(usual | values))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(**values: Any) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Principal": SERVICE, "Action": "s3:*", "Resource": "*"}
    return {name: value for name, value in (usual | values).items() if value is not None}


def deny(**values: Any) -> dict[str, Any]:
    return allow(Effect="Deny", Sid="No", **values)


@pytest.mark.parametrize(
    ("statements", "fits"),
    [
        ([allow()], True),
        ([allow(Principal="*")], True),
        ([allow(Principal={"AWS": ACCOUNT})], False),
        ([allow(Principal={"Service": "s3.amazonaws.com"})], False),
        ([allow(Principal=None, NotPrincipal={"AWS": ACCOUNT})], True),
        ([allow(Principal=None, NotPrincipal=SERVICE)], False),
        ([allow(Action=None, NotAction="s3:Delete*")], True),
        ([allow(Action=None, NotAction="s3:Put*")], False),
        ([allow(Action=["s3:GetBucketAcl", "s3:PutObject"])], True),
        ([allow(Action="s3:PutObject")], False),
        ([allow(Resource="arn:aws:s3:::audit")], False),
        ([allow(Resource=["arn:aws:s3:::audit", f"arn:aws:s3:::audit/AWSLogs/{ACCOUNT}/*"])], True),
        ([allow(Resource=["arn:aws:s3:::audit", "arn:aws:s3:::audit/other/AWSLogs/*"])], False),
        ([allow(Resource=None, NotResource="arn:aws:s3:::other*")], True),
        ([allow(Resource=None, NotResource="arn:aws:s3:::audit/*")], False),
        ([allow(Condition={"StringEquals": {"AWS:SourceArn": ARN}})], True),
        ([allow(Condition={"StringEquals": {"aws:SourceArn": f"{ARN}2"}})], False),
        ([allow(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}})], True),
        ([allow(Condition={"StringEquals": {"aws:SourceAccount": [ACCOUNT]}})], True),
        ([allow(Condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}})], True),
        ([allow(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})], False),
        ([allow(Condition={"Null": {"aws:SourceVpc": "true"}})], True),
        ([allow(Condition={"Null": {"aws:SourceArn": "true"}})], False),
        ([allow(Condition={"StringEquals": {"aws:SourceArn": None}})], False),
        ([allow(), deny(Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})], True),
        ([allow(), deny(Principal="*")], False),
        ([allow(), deny(Principal=None, NotPrincipal={"AWS": ACCOUNT})], False),
        ([allow(), deny(Principal=None, NotPrincipal=SERVICE)], True),
        ([allow(), deny(Principal="*", Resource="arn:aws:s3:::audit/AWSLogs/*")], False),
        ([allow(), deny(Principal="*", Resource="arn:aws:s3:::audit/private/*")], True),
        ([allow(), deny(Principal="*",
                        Condition={"Bool": {"aws:PrincipalIsAWSService": "false"}})], True),
        ([allow(), deny(Principal="*",
                        Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}})], False),
    ],
)  # fmt: skip
def test_a_buckets_policy_is_asked_as_cloudtrail_asks(statements: list[Any], fits: bool) -> None:
    assert (unmet([policy(*statements)], bucket_needs(trail())) == ()) is fits


def test_a_bucket_that_takes_only_the_trails_key_is_met_with_it() -> None:
    header = "s3:x-amz-server-side-encryption"
    text = policy(
        allow(),
        deny(Principal="*", Action="s3:PutObject",
             Condition={"StringNotEquals": {header: "aws:kms"}}),
        deny(Principal="*", Action="s3:PutObject",
             Condition={"StringNotEquals": {f"{header}-aws-kms-key-id": KEY}}),
    )  # fmt: skip

    assert [one.action for one in unmet([text], bucket_needs(trail()))] == ["s3:PutObject"]
    assert unmet([text], bucket_needs(trail(kms_key_id=KEY))) == ()


def test_an_organizations_trail_comes_from_the_organization() -> None:
    text = policy(allow(Condition={"StringEquals": {"aws:SourceOrgID": "o-0123456789"}}))

    assert unmet([text], bucket_needs(trail()))
    assert unmet([text], bucket_needs(trail(organization_id="o-0123456789"))) == ()


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"Action": "kms:GenerateDataKey*"}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": "kms:Encrypt"}, False),
        ({"Resource": KEY}, True),
        ({"Condition": {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn":
                                       f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}}, True),
        ({"Condition": {"StringEquals": {"kms:EncryptionContext:aws:cloudtrail:arn": "x"}}}, False),
    ],
)  # fmt: skip
def test_a_keys_policy_is_asked_with_the_encryption_context(
    values: dict[str, Any], fits: bool
) -> None:
    text = policy(allow(**({"Action": "kms:GenerateDataKey*"} | values)))

    assert (unmet([text], key_needs(trail(kms_key_id=KEY))) == ()) is fits


def test_a_role_must_reach_the_streams_of_the_whole_organization() -> None:
    streams = f"{GROUP.removesuffix('*')}log-stream:"
    own, organizations = (
        {"Effect": "Allow", "Action": "logs:*", "Resource": f"{streams}{start}*"}
        for start in (f"{ACCOUNT}_CloudTrail_us-east-1", "o-0123456789_")
    )
    one = trail(cloud_watch_logs_log_group_arn=GROUP)
    all_ = trail(cloud_watch_logs_log_group_arn=GROUP, organization_id="o-0123456789")

    assert unmet([policy(own)], role_needs(one)) == ()
    assert {need.action for need in unmet([policy(own)], role_needs(all_))} == {
        "logs:CreateLogStream", "logs:PutLogEvents",
    }  # fmt: skip
    assert unmet([policy(own, organizations)], role_needs(all_)) == ()


@pytest.mark.parametrize(
    ("condition", "trusts"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceArn": ARN, "aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceArn": f"{ARN}2"}}, False),
    ],
)
def test_a_role_may_trust_cloudtrail_for_one_trail(condition: Any, trusts: bool) -> None:
    text = policy(allow(Action="sts:AssumeRole", Resource=None, Condition=condition))

    assert trusts_cloudtrail(text, trail()) is trusts


def test_the_statements_that_deny_are_named() -> None:
    acl, write = bucket_needs(trail())
    text = policy(allow(), deny(Principal="*", Action="s3:Put*"), deny(Principal="*") | {"Sid": ""})

    assert denying([text], write) == ("No", "statement 3")
    assert denying([text], acl) == ("statement 3",)
    assert denying([policy(allow())], acl) == ()
    assert denying(["no policy"], acl) == ()
