"""Whatever is sent to CloudWatch's operations is answered with a modelled error, not a failure."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from cloudwatch_world import ACCOUNT, REGION, CloudWatchWorld, alarm
from wire import observed_request

from opentrail.api.cloudwatch.service import HANDLERS
from opentrail.aws.models import service_model

MODEL = service_model("cloudwatch")
TEXTS = (
    "", "a", "root-use", "both", "d", "x" * 300, "é\u0000\n", "ALARM(root-use)", "(((", "m1 + m2", "FILL(m1, REPEAT)", "m1", "e1", "p99", "Sum",
    "TM(10%:90%)", "-1", "NaN", "arn:aws:sns:us-east-1:123456789012:t", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:root-use", "https://x/y", "http://[",
    "[1]", "{}", '{"widgets":[{"type":"metric","properties":{"metrics":[[]]}}]}', "ignore", "breaching", "evaluate", "WzFd", "WyJhIl0=", "%", "\ud83d\ude00",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    60,
    59,
    300,
    86_400,
    2**31,
    2**63,
    10**30,
    0.5,
    -0.0,
    1e308,
    1e999,
    -1e999,
    1_800_000_000,
    253_402_300_800,
)


def made(random: Random, shape: Shape, depth: int = 0) -> Any:
    if random.random() < 0.02:
        return random.choice([None, [], {}, "x", 5, True])
    if isinstance(shape, StructureShape):
        return {
            name: made(random, member, depth + 1)
            for name, member in shape.members.items()
            if random.random() < (0.95 if name in shape.required_members else 0.3)
        }
    if isinstance(shape, ListShape):
        return [
            made(random, shape.member, depth + 1) for _ in range(random.choice((0, 1, 1, 2, 3)))
        ]
    if isinstance(shape, MapShape):
        return {random.choice(TEXTS): made(random, shape.value, depth + 1)}
    if isinstance(shape, StringShape):
        return (
            random.choice(shape.enum)
            if shape.enum and random.random() < 0.9
            else random.choice(TEXTS)
        )
    if shape.type_name == "boolean":
        return random.random() < 0.5
    if shape.type_name in ("integer", "long"):
        return int(random.choice([one for one in NUMBERS if abs(one) < 1e300]))
    return random.choice(NUMBERS)


def sent(world: CloudWatchWorld, operation: str, body: bytes) -> tuple[int, bytes]:
    headers = {
        "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}", "Content-Type": "application/x-amz-json-1.0", "Host": "127.0.0.1:4600",
    }  # fmt: skip
    request = AWSRequest("POST", "http://127.0.0.1:4600/", data=body, headers=headers)
    SigV4Auth(Credentials(f"AKIA{ACCOUNT}", "secret"), "monitoring", REGION).add_auth(request)
    outcome = world.api.handle(observed_request(request.prepare()))
    return outcome.status, outcome.body


@pytest.mark.parametrize("operation", sorted(HANDLERS))
def test_anything_is_answered(tmp_path: Path, operation: str) -> None:
    world, random = CloudWatchWorld(tmp_path), Random(operation)
    client = world.client()
    client.put_metric_alarm(**alarm())
    client.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(root-use)")
    client.put_dashboard(DashboardName="d", DashboardBody='{"widgets":[]}')
    client.put_metric_data(Namespace="Trail", MetricData=[{"MetricName": "Root", "Value": 1.0}])
    shape = MODEL.operation_model(operation).input_shape
    statuses = set()
    for _ in range(300):
        body = json.dumps(made(random, shape)).encode()
        status, answer = sent(world, operation, body)
        assert status < 500, (body, answer)
        json.loads(answer or b"{}")
        statuses.add(status)

    assert 400 in statuses or 404 in statuses
