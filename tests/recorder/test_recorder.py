"""The in-process recorder beside moto's mock, and what tests can ask of it."""

import json
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from opentrail.record.principal import Principal, PrincipalType
from opentrail.recorder import BotocoreRecorder, RecordedCalls

pytest_plugins = ["opentrail.recorder.plugin"]
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "AKIATEST", "aws_secret_access_key": "s"}


@pytest.fixture(autouse=True)
def mocked(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def put_two(bucket: str = "papers") -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    s3.put_object(Bucket=bucket, Key="b", Body=b"2")


def test_what_was_called_is_asserted(opentrail: RecordedCalls) -> None:
    put_two()

    opentrail.assert_called("s3", "CreateBucket", bucketName="papers")
    opentrail.assert_called("s3.amazonaws.com", "PutObject", times=2)
    opentrail.assert_called("s3", "PutObject", bucketName="papers", key="b", times=1)
    opentrail.assert_not_called("s3", "DeleteObject")
    opentrail.assert_no_denied()


def test_a_failure_shows_the_nearest_calls(opentrail: RecordedCalls) -> None:
    put_two()

    with pytest.raises(AssertionError) as failed:
        opentrail.assert_called("s3", "PutObject", bucketName="paper")

    text = str(failed.value)
    assert text.startswith("s3:PutObject(bucketName='paper') was called 0 times, expected at least")
    assert "s3:PutObject(bucketName='papers'" in text


def test_a_call_that_should_not_be_is_shown(opentrail: RecordedCalls) -> None:
    put_two()

    with pytest.raises(AssertionError, match="was called 1 times"):
        opentrail.assert_not_called("s3", "PutObject", key="a")


def test_nothing_called_is_said(opentrail: RecordedCalls) -> None:
    with pytest.raises(AssertionError, match="Nothing was called"):
        opentrail.assert_called("sts", "GetCallerIdentity")


def test_a_denied_call_is_shown() -> None:
    calls = RecordedCalls()
    calls.add(json.dumps({
        "eventID": "e", "eventTime": "t", "eventVersion": "1.11", "awsRegion": "us-east-1",
        "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "errorCode": "AccessDenied",
        "requestParameters": {"userName": "eve"}}).encode())  # fmt: skip

    with pytest.raises(AssertionError, match=r"iam:CreateUser\(userName='eve'\) -> AccessDenied"):
        calls.assert_no_denied()


def test_the_policy_of_a_test(opentrail: RecordedCalls) -> None:
    put_two()
    opentrail.clear()
    boto3.client("s3").get_object(Bucket="papers", Key="a")

    assert opentrail.recorded_policy()["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::papers/a"]}
    ]


def test_records_are_what_the_gateway_would_write(opentrail: RecordedCalls) -> None:
    boto3.client("iam").create_user(UserName="alice")

    (record,) = opentrail.records
    assert record["eventVersion"] == "1.11"
    assert record["requestParameters"] == {"userName": "alice"}
    assert record["responseElements"]["user"]["userName"] == "alice"
    assert record["userIdentity"]["accessKeyId"] == "FOOBARKEY"  # the one that moto's mock sets


def test_an_error_is_recorded_with_its_code(opentrail: RecordedCalls) -> None:
    with pytest.raises(ClientError):
        boto3.client("iam").get_user(UserName="nobody")

    assert opentrail.records[0]["errorCode"] == "NoSuchEntity"


def test_a_paginator_and_a_resource_are_recorded(opentrail: RecordedCalls) -> None:
    list(boto3.client("iam").get_paginator("list_users").paginate())
    list(boto3.resource("s3").buckets.all())

    opentrail.assert_called("iam", "ListUsers", times=1)
    opentrail.assert_called("s3", "ListBuckets", times=1)


def test_secrets_stay_out(opentrail: RecordedCalls) -> None:
    boto3.client("secretsmanager").create_secret(Name="n", SecretString="CANARY")

    assert "CANARY" not in json.dumps(opentrail.records)


def test_one_session_alone_can_be_recorded() -> None:
    found: list[bytes] = []
    principal = Principal(
        type=PrincipalType.IAM_USER, account_id="123456789012", principal_id="AIDA1",
        arn="arn:aws:iam::123456789012:user/alice", user_name="alice",
    )  # fmt: skip
    session = botocore.session.Session()
    BotocoreRecorder(found.append, principal=principal).attach(session)

    session.create_client("sts", **KEYS).get_caller_identity()
    boto3.session.Session().client("sts", **KEYS).get_caller_identity()

    assert len(found) == 1
    assert json.loads(found[0])["userIdentity"]["userName"] == "alice"


def test_nothing_is_recorded_after_the_test() -> None:
    found: list[bytes] = []
    recorder = BotocoreRecorder(found.append)
    recorder.attach_everywhere()
    recorder.detach_everywhere()

    boto3.session.Session().client("sts", **KEYS).get_caller_identity()

    assert found == []
