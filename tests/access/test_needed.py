"""Least-privilege policies out of records."""

from typing import Any

import pytest

from opentrail.access.needed import needed_actions, needed_policy
from opentrail.record import RecordHead, Resource

BUCKET = Resource(type="AWS::S3::Bucket", arn="arn:aws:s3:::data")
OBJECT = Resource(type="AWS::S3::Object", arn="arn:aws:s3:::data/k")
TABLE = Resource(type="AWS::DynamoDB::Table", arn="arn:aws:dynamodb:us-east-1:1:table/t")


def head(source: str, name: str, **values: Any) -> RecordHead:
    return RecordHead(event_id="e", event_time="t", event_version="1.11", aws_region="us-east-1",
                      event_source=f"{source}.amazonaws.com", event_name=name, **values)  # fmt: skip


@pytest.mark.parametrize(
    ("source", "name", "actions"),
    [
        ("iam", "CreateUser", ("iam:CreateUser",)),
        ("s3", "ListObjects", ("s3:ListBucket",)),
        ("s3", "UploadPart", ("s3:PutObject",)),
        ("s3", "CopyObject", ("s3:GetObject", "s3:PutObject")),
        ("lambda", "UpdateFunctionCode20150331v2", ("lambda:UpdateFunctionCode",)),
        ("lambda", "Invoke", ("lambda:InvokeFunction",)),
        ("monitoring", "PutMetricData", ("cloudwatch:PutMetricData",)),
        ("sts", "GetCallerIdentity", ()),
        ("s3", "UndecodedRequest", ()),
        ("unknown", "X", ()),
    ],
)
def test_a_call_needs(source: str, name: str, actions: tuple[str, ...]) -> None:
    assert needed_actions(head(source, name)) == actions


def test_a_policy_allows_what_was_done_where_it_was_done() -> None:
    policy = needed_policy(
        [
            head("s3", "GetObject", resources=(OBJECT, BUCKET)),
            head("s3", "HeadObject", resources=(OBJECT, BUCKET)),
            head("s3", "ListObjects", resources=(BUCKET,)),
            head("dynamodb", "PutItem", resources=(TABLE,)),
            head("dynamodb", "GetItem", resources=(TABLE,)),
            head("iam", "ListUsers"),
        ]
    )

    assert policy["Version"] == "2012-10-17"
    assert policy["Statement"] == [
        {"Effect": "Allow", "Action": ["iam:ListUsers"], "Resource": ["*"]},
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
         "Resource": ["arn:aws:dynamodb:us-east-1:1:table/t"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::data"]},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::data/k"]},
    ]  # fmt: skip


def test_what_failed_was_not_needed() -> None:
    policy = needed_policy([head("iam", "CreateUser", error_code="AccessDenied")])

    assert policy["Statement"] == []
