"""Services answered here in the three protocols of AWS, asked by boto3."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import pytest
from api_world import ApiWorld
from botocore.exceptions import ClientError

from opentrail.access.policy import parse_policy
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.services import Service
from opentrail.aws.models import service_model
from opentrail.aws.protocols.writing import cbor_body

WHEN = datetime(2026, 7, 1, 9, 0, 0, 250_000, tzinfo=UTC)


class Answering:
    """Operations that keep what they were given and answer what they are told."""

    def __init__(self, output: Any = None) -> None:
        self.given: Any = None
        self.output = output or {}

    def __call__(self, parameters: Any, caller: Caller) -> Reply:
        self.given = parameters
        if isinstance(self.output, Exception):
            raise self.output
        return Reply(self.output)


def world(tmp_path: Path, name: str, model: str, operation: str, answering: Answering) -> ApiWorld:
    service = Service(name=name, model=model, answers={operation: answering})
    return ApiWorld(tmp_path, others=(service,))


def test_cbor_carries_times_numbers_and_lists_both_ways(tmp_path: Path) -> None:
    answering = Answering(
        {"Datapoints": [{"Timestamp": WHEN.timestamp(), "Sum": 3, "Unit": "Count"}], "Label": "é"}
    )
    client = world(
        tmp_path, "monitoring", "cloudwatch", "GetMetricStatistics", answering
    ).client(service="cloudwatch")  # fmt: skip

    answer = client.get_metric_statistics(
        Namespace="n", MetricName="m", StartTime=WHEN, EndTime=WHEN, Period=60, Statistics=["Sum"]
    )

    assert answering.given["StartTime"] == WHEN.timestamp()
    assert answering.given["Statistics"] == ["Sum"]
    assert answer["Label"] == "é"
    (point,) = answer["Datapoints"]
    assert (point["Timestamp"], point["Sum"], point["Unit"]) == (WHEN, 3.0, "Count")


def test_times_in_cbor_are_tagged_as_the_protocol_wants_them() -> None:
    shape = service_model("cloudwatch").operation_model("GetMetricStatistics").output_shape
    body = cbor_body(shape, {"Datapoints": [{"Timestamp": WHEN.timestamp(), "Sum": 3}]})

    assert cbor2.loads(body) == {"Datapoints": [{"Timestamp": WHEN, "Sum": 3.0}]}


def test_query_carries_maps_and_lists_both_ways(tmp_path: Path) -> None:
    answering = Answering({"Attributes": {"Policy": "<&>\x01", "Owner": "1"}})
    client = world(tmp_path, "sns", "sns", "GetTopicAttributes", answering).client(service="sns")

    answer = client.get_topic_attributes(TopicArn="arn:aws:sns:us-east-1:123456789012:t")

    assert answering.given == {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t"}
    assert answer["Attributes"] == {"Policy": "<&>�", "Owner": "1"}


def test_query_members_are_numbered(tmp_path: Path) -> None:
    answering = Answering({"TopicArn": "arn:aws:sns:us-east-1:123456789012:t"})
    client = world(tmp_path, "sns", "sns", "CreateTopic", answering).client(service="sns")

    client.create_topic(Name="t", Attributes={"a": "1", "b": ""}, Tags=[{"Key": "k", "Value": "v"}])

    assert answering.given["Attributes"] == {"a": "1", "b": ""}
    assert answering.given["Tags"] == [{"Key": "k", "Value": "v"}]


def test_json_has_the_version_of_its_service(tmp_path: Path) -> None:
    answering = Answering({"logGroups": [{"logGroupName": "g", "creationTime": 1}]})
    client = world(tmp_path, "logs", "logs", "DescribeLogGroups", answering).client(service="logs")

    answer = client.describe_log_groups(logGroupNamePrefix="g")

    assert answer["logGroups"] == [{"logGroupName": "g", "creationTime": 1}]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"


@pytest.mark.parametrize(
    ("name", "model", "operation", "call", "code"),
    [
        ("monitoring", "cloudwatch", "DescribeAlarms", {}, "ResourceNotFound"),
        ("sns", "sns", "ListTopics", {}, "NotFound"),
        ("logs", "logs", "DescribeLogGroups", {}, "ResourceNotFoundException"),
        ("events", "events", "ListRules", {}, "ResourceNotFoundException"),
    ],
)
def test_errors_have_the_codes_that_clients_know(
    tmp_path: Path, name: str, model: str, operation: str, call: Any, code: str
) -> None:
    shape = {"sns": "NotFoundException", "cloudwatch": "ResourceNotFound"}.get(model, code)
    answering = Answering(ApiError(shape, "no such <thing>", 404))
    client = world(tmp_path, name, model, operation, answering).client(service=model)
    python = {one: way for way, one in client.meta.method_to_api_mapping.items()}[operation]

    with pytest.raises(ClientError) as caught:
        getattr(client, python)(**call)

    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, "no such <thing>")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_what_is_not_answered_yet_says_so_in_every_protocol(tmp_path: Path) -> None:
    for name, model, method in [
        ("monitoring", "cloudwatch", "list_dashboards"),
        ("sns", "sns", "list_topics"),
        ("logs", "logs", "describe_log_groups"),
    ]:
        client = world(tmp_path, name, model, "None", Answering()).client(service=model)
        with pytest.raises(ClientError) as caught:
            getattr(client, method)()
        assert caught.value.response["Error"]["Code"] == "UnsupportedOperationException"


def test_members_are_checked_against_the_model_in_every_protocol(tmp_path: Path) -> None:
    answering = Answering()
    for name, model, operation, method, values in [
        ("monitoring", "cloudwatch", "DescribeAlarms", "describe_alarms", {"MaxRecords": 1000}),
        ("sns", "sns", "ListTopics", "list_topics", {"NextToken": 5}),
        ("logs", "logs", "DescribeLogGroups", "describe_log_groups", {"limit": 1000}),
    ]:
        made = world(tmp_path, name, model, operation, answering)
        client = made.client(service=model, parameter_validation=False)
        if model == "sns":
            getattr(client, method)(**values)
            continue
        with pytest.raises(ClientError) as caught:
            getattr(client, method)(**values)
        # CloudWatch's query name of the same error.
        expected = "ValidationError" if model == "cloudwatch" else "ValidationException"
        assert caught.value.response["Error"]["Code"] == expected


def test_rights_are_those_of_the_service(tmp_path: Path) -> None:
    made = world(tmp_path, "logs", "logs", "DescribeLogGroups", Answering({"logGroups": []}))
    made.by_policies = True
    made.serve()
    client = made.client(service="logs")
    with pytest.raises(ClientError) as caught:
        client.describe_log_groups()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "logs:DescribeLogGroups" in caught.value.response["Error"]["Message"]

    arn = next(iter(made.identities.all_credentials())).principal.arn
    made.identities.attached[arn] = [
        parse_policy('{"Statement":{"Effect":"Allow","Action":"logs:*","Resource":"*"}}')
    ]
    assert client.describe_log_groups()["logGroups"] == []
