"""What the client says it called, against what is recorded: boto3 by its events, the AWS CLI by --debug."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from running import Running

from opentrail.aws.models import service_model
from opentrail.recorder import BotocoreRecorder, RecordedCalls
from opentrail.recording.names import event_name

pytestmark = pytest.mark.contract

OF_ONE_SIDE = ("eventID", "eventTime", "sourceIPAddress")

CALLS: list[tuple[str, Callable[[Any], Any]]] = [
    ("s3", lambda c: c.create_bucket(Bucket="same")),
    ("s3", lambda c: c.put_object(Bucket="same", Key="a b/ü", Body=b"x", Metadata={"k": "v"})),
    ("s3", lambda c: c.get_object(Bucket="same", Key="a b/ü")),
    ("s3", lambda c: c.head_object(Bucket="same", Key="none")),
    ("s3", lambda c: c.list_objects_v2(Bucket="same", Prefix="a", MaxKeys=3)),
    ("s3", lambda c: c.put_bucket_tagging(
        Bucket="same", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})),
    ("s3", lambda c: c.delete_objects(Bucket="same", Delete={"Objects": [{"Key": "a b/ü"}]})),
    ("iam", lambda c: c.create_user(UserName="same", Tags=[{"Key": "k", "Value": "v"}])),
    ("iam", lambda c: c.create_access_key(UserName="same")),
    ("iam", lambda c: c.get_user(UserName="nobody")),
    ("sts", lambda c: c.get_caller_identity()),
    ("sts", lambda c: c.get_session_token(DurationSeconds=900)),
    ("ec2", lambda c: c.create_vpc(CidrBlock="10.9.0.0/16")),
    ("ec2", lambda c: c.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.9.0.0/16"]}])),
    ("ec2", lambda c: c.describe_instances(InstanceIds=["i-0000000000000000a"])),
    ("dynamodb", lambda c: c.create_table(
        TableName="same", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])),
    ("dynamodb", lambda c: c.put_item(TableName="same", Item={"id": {"S": "1"}})),
    ("dynamodb", lambda c: c.get_item(TableName="none", Key={"id": {"S": "1"}})),
    ("sns", lambda c: c.create_topic(Name="same")),
    ("kms", lambda c: c.create_key(Description="same")),
    ("secretsmanager", lambda c: c.create_secret(Name="same", SecretString="hidden")),
    ("lambda", lambda c: c.list_functions(MaxItems=5)),
    ("logs", lambda c: c.create_log_group(logGroupName="same")),
    ("cloudwatch", lambda c: c.put_metric_data(
        Namespace="same", MetricData=[{"MetricName": "m", "Value": 1.5}])),
    ("ssm", lambda c: c.put_parameter(Name="/same", Value="hidden", Type="SecureString")),
    ("apigateway", lambda c: c.create_rest_api(name="same")),
]  # fmt: skip


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in OF_ONE_SIDE}


def test_the_hook_in_the_program_and_the_gateway_write_the_same_records(server: Running) -> None:
    before = len(server.records())
    mine = RecordedCalls()
    inner = botocore.session.Session()
    recorder = BotocoreRecorder(mine.add)
    recorder.attach(inner)
    session = boto3.session.Session(botocore_session=inner)
    for service, call in CALLS:
        client = session.client(
            service,
            region_name="us-east-1",
            endpoint_url=server.exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=server.exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=server.exports["AWS_SECRET_ACCESS_KEY"],
        )
        with suppress(ClientError):
            call(client)

    theirs = server.records()[before:]

    def told(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # The hook knows the key, not whose it is; and bodies that stream only by their length.
        return [comparable(one) | {"userIdentity": None} for one in records]

    assert len(theirs) == len(CALLS) + 1  # DeleteObjects has a record of its object too
    assert told(mine.records) == told(theirs)
    assert [list(one) for one in mine.records] == [list(one) for one in theirs]


def test_the_aws_command_calls_what_is_recorded(server: Running) -> None:
    before = len(server.records())
    commands = [
        "s3 mb s3://commanded",
        "s3api put-bucket-versioning --bucket commanded --versioning-configuration Status=Enabled",
        "s3 ls s3://commanded",
        "s3 rb s3://commanded --force",
        "iam list-users --max-items 1",
        "ec2 describe-regions",
        "sns list-topics",
        "cloudtrail describe-trails",
        "lambda list-functions",
    ]
    made = []
    for command in commands:
        done = server.run("aws", *command.split(), "--debug", check=False)
        made += re.findall(r"Making request for OperationModel\(name=(\w+)\)", done.stderr)
    names = [one["eventName"] for one in server.records()[before:]]

    known = {"ListBuckets": "s3", "ListFunctions": "lambda"}
    wanted = [
        event_name(known[one], service_model(known[one]).operation_model(one))
        if one in known
        else {"ListObjectsV2": "ListObjects"}.get(one, one)
        for one in made
    ]
    assert made
    assert names == wanted, json.dumps([names, wanted])
