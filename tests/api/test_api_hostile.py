"""Malformed calls: each gets an AWS error in both places, and the service lives on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from api_world import ACCOUNT, ApiWorld
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import observed_request

from opentrail.aws.observed import ObservedRequest

SERVICE = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"
JSON = "application/x-amz-json-1.1"


def call(
    body: bytes,
    *,
    operation: str = "ListTrails",
    content_type: str = JSON,
    method: str = "POST",
    target: str | None = None,
    secret: str = "secret",
    service: str = "cloudtrail",
) -> ObservedRequest:
    headers = {"X-Amz-Target": target or f"{SERVICE}.{operation}", "Content-Type": content_type}
    request = AWSRequest(method, "http://127.0.0.1:4600/", data=body, headers=headers)
    keys = Credentials(f"AKIA{ACCOUNT}", secret)
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    return observed_request(request.prepare())


def unsigned() -> ObservedRequest:
    request = AWSRequest("POST", "http://127.0.0.1:4600/", data=b"{}",
                         headers={"X-Amz-Target": f"{SERVICE}.ListTrails", "Content-Type": JSON})  # fmt: skip
    return observed_request(request.prepare())


def too_large() -> ObservedRequest:
    request = call(b"{}")
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return ObservedRequest(**(values | {"body_length": 2**20 + 1}))


CASES: dict[str, tuple[Callable[[], ObservedRequest], int, str]] = {
    "no JSON": (lambda: call(b"{"), 400, "SerializationException"),
    "a list": (lambda: call(b"[]"), 400, "SerializationException"),
    "a number": (lambda: call(b"1"), 400, "SerializationException"),
    "null": (lambda: call(b"null"), 400, "SerializationException"),
    "NaN": (lambda: call(b'{"a":NaN}'), 400, "SerializationException"),
    "a member twice": (lambda: call(b'{"a":1,"a":2}'), 400, "SerializationException"),
    "not UTF-8": (lambda: call(b'{"a":"\xff"}'), 400, "SerializationException"),
    "half a character": (lambda: call(b'{"a":"\\ud800"}'), 400, "SerializationException"),
    "deep": (lambda: call(b'{"a":' * 100 + b"1" + b"}" * 100), 400, "SerializationException"),
    "very deep": (lambda: call(b"[" * 100_000), 400, "SerializationException"),
    "a huge number": (lambda: call(b'{"a":' + b"9" * 5000 + b"}"), 400, "SerializationException"),
    "form": (lambda: call(b"", content_type="text/plain"), 400, "SerializationException"),
    "GET": (lambda: call(b"", method="GET"), 400, "SerializationException"),
    "unknown operation": (
        lambda: call(b"{}", operation="MakeTea"), 404, "UnknownOperationException"),
    "odd target": (lambda: call(b"{}", target="x" * 5000), 404, "UnknownOperationException"),
    "too large": (too_large, 413, "RequestEntityTooLargeException"),
    "unsigned": (unsigned, 403, "MissingAuthenticationToken"),
    "wrong secret": (lambda: call(b"{}", secret="other"), 403, "InvalidSignatureException"),
    "another service's": (lambda: call(b"{}", service="iam"), 403, "InvalidSignatureException"),
    "missing member": (
        lambda: call(b"{}", operation="GetTrail"), 400, "ValidationException"),
    "wrong type": (
        lambda: call(b'{"Name":7}', operation="GetTrail"), 400, "SerializationException"),
    "a list for a text": (
        lambda: call(b'{"Name":["main"]}', operation="GetTrail"), 400, "SerializationException"),
    "a text for a list": (
        lambda: call(b'{"LookupAttributes":"x"}', operation="LookupEvents"), 400,
        "SerializationException"),
    "a text for a time": (
        lambda: call(b'{"StartTime":"now"}', operation="LookupEvents"), 400, "SerializationException"),
    "a boolean for a number": (
        lambda: call(b'{"MaxResults":true}', operation="LookupEvents"), 400,
        "SerializationException"),
}  # fmt: skip


def test_the_content_types_case_does_not_matter(world: ApiWorld) -> None:
    for content_type in (JSON.upper(), f"{JSON}; charset=utf-8"):
        assert world.handle(call(b"{}", content_type=content_type)).status == 200


def test_zeros_are_filled_in_only_where_figures_may_be(world: ApiWorld) -> None:
    body = (
        b'{"EventSource":"s3.amazonaws.com","EventName":"PutObject","Period":60,'
        b'"InsightType":"ApiCallRateInsight","DataType":"FillWithZeros",'
        b'"StartTime":-62135596800,"EndTime":253402300799}'
    )

    outcome = world.handle(call(body, operation="ListInsightsMetricData"))

    assert outcome.status == 200
    assert 21_598 <= len(json.loads(outcome.body)["Values"]) <= 21_600


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    return ApiWorld(tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_call_gets_the_modelled_error(world: ApiWorld, name: str) -> None:
    make, status, code = CASES[name]

    outcome = world.handle(make())

    assert outcome.status == status
    assert dict(outcome.headers)["x-amzn-ErrorType"] == code
    assert f'"__type":"{code}"'.encode() in outcome.body
    assert dict(outcome.headers)["x-amzn-RequestId"]
    assert world.handle(call(b"{}")).status == 200


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_the_body_is_the_answer_is_one_of_awss(world: ApiWorld, body: bytes) -> None:
    outcome = world.handle(call(body, operation="CreateTrail"))

    assert outcome.status == 400


def test_a_broken_store_is_told_without_its_inside(world: ApiWorld) -> None:
    def broken(_bucket: str) -> bool:
        raise RuntimeError("secret inside")

    world.store.bucket_exists = broken  # type: ignore[method-assign] # a fault from outside
    outcome = world.handle(call(b'{"Name":"main","S3BucketName":"audit"}', operation="CreateTrail"))

    assert outcome.status == 500
    assert b"secret inside" not in outcome.body
