"""Whatever SNS's operations are sent is answered, and never with an error of OpenTrail's own."""

from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_sns import World

from opentrail.api.sns.service import HANDLERS
from opentrail.aws.models import service_model

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
MODEL = service_model("sns")
ODD = st.one_of(
    st.sampled_from(
        [
            "", TOPIC, TOPIC + ":1", TOPIC + "/x", "arn:aws:sns:::", "arn:aws:sns:us-east-1::x", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
            "{}", "[]", "null", '{"a":', '{"a":[{"numeric":[">",1e999]}]}', '{"a":[{"wildcard":"' + "*a" * 40 + '"}]}',
            '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}', "[" * 5000, "Policy", "FilterPolicy",
            "RedrivePolicy", "DeliveryPolicy", "RawMessageDelivery", "true", "sqs", "http", "email", "lambda", "json",
            "http://127.0.0.1/", "http://[::1", "x" * 70_000, "\u0000", "é", "\U0001f600", "a\r\nb",
        ]
    ),
    st.text(max_size=30),
)  # fmt: skip


def value(shape: Any, draw: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                name: value(member, draw)
                for name, member in shape.members.items()
                if draw(st.booleans())
            }
        case "list":
            return [value(shape.member, draw) for _ in range(draw(st.integers(0, 3)))]
        case "map":
            return {draw(ODD): value(shape.value, draw) for _ in range(draw(st.integers(0, 2)))}
        case "boolean":
            return draw(st.booleans())
        case "blob":
            return draw(st.binary(max_size=10))
        case _:
            return draw(ODD)


def status(call: Any, given: dict[str, Any]) -> int:
    try:
        return int(call(**given)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as problem:
        return int(problem.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("keys")))


@pytest.mark.parametrize("operation", sorted(HANDLERS))
def test_anything_is_answered(world: World, operation: str) -> None:
    client = world.sns(parameter_validation=False)
    method = {name: one for one, name in client.meta.method_to_api_mapping.items()}[operation]
    shape = MODEL.operation_model(operation).input_shape

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        client.create_topic(Name="alerts")
        given = {}
        for name, member in shape.members.items():
            if name in shape.required_members or data.draw(st.booleans()):
                given[name] = value(member, data.draw)
        if "TopicArn" in given and data.draw(st.booleans()):
            given["TopicArn"] = TOPIC
        assert status(getattr(client, method), given) < 500, given

    ask()
