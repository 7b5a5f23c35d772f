"""The bytes that boto3 and moto exchanged say what boto3 was given and what it read.

The calls were recorded by tests/vectors/traffic/make.py; nothing here is encoded by ourselves.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from opentrail.aws.decode import read_call, read_result
from opentrail.aws.models import service_model
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.record import read_record
from opentrail.recording import RecordFacts, compose

VECTORS = Path(__file__).parent.parent / "vectors" / "traffic" / "calls.jsonl"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLS = [json.loads(line) for line in VECTORS.read_text().splitlines()]
NAMES = [f"{number}-{call['service']}-{call['operation']}" for number, call in enumerate(CALLS)]
ADDED_BY_BOTO3 = {
    "ChecksumAlgorithm", "ChecksumCRC32", "ChecksumCRC64NVME", "ChecksumMode", "ContentLength",
    "ContentMD5", "EncodingType", "ClientToken", "ClientRequestToken", "RequestToken",
    "CreationToken", "clientRequestToken", "acceptsHeader", "accept", "clientToken",
}  # fmt: skip
"""Members that boto3 fills in by itself where they were not given."""


def observed(call: dict[str, Any]) -> ObservedCall:
    body = base64.b64decode(call["body"])
    answer = base64.b64decode(call["answer"])
    return ObservedCall(
        request=ObservedRequest(
            method=call["method"],
            target=call["target"],
            headers=tuple((name, value) for name, value in call["headers"]),
            body=body,
            body_length=len(body),
            peer_address="127.0.0.1",
            started=WHEN,
        ),
        response=ObservedResponse(
            status=call["status"],
            headers=tuple((name, value) for name, value in call["answer_headers"]),
            body=answer,
            body_length=len(answer),
        ),
        failure="",
        ended=WHEN,
    )


def value(encoded: Any) -> Any:
    """What make.py wrote, as Python values; times compare as text of seconds."""
    if isinstance(encoded, dict):
        if "$bytes" in encoded:
            return base64.b64decode(encoded["$bytes"])
        if "$time" in encoded:
            return comparable(datetime.fromisoformat(encoded["$time"]))
        return {key: value(item) for key, item in encoded.items()}
    if isinstance(encoded, list):
        return [value(item) for item in encoded]
    return encoded


def comparable(found: Any) -> Any:
    if isinstance(found, datetime):
        return found.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(found, dict):
        return {key: comparable(item) for key, item in found.items()}
    if isinstance(found, list):
        return [comparable(item) for item in found]
    return found


def by_model(shape: Any, values: Any) -> Any:
    """Without members that the model does not know: boto3 drops them, a record keeps them."""
    if shape.type_name == "structure" and isinstance(values, dict):
        return {
            key: by_model(shape.members[key], item)
            for key, item in values.items()
            if key in shape.members
        }
    if shape.type_name == "list" and isinstance(values, list):
        return [by_model(shape.member, item) for item in values]
    return values


def as_sent(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """What boto3 itself changes before it sends: quoting a source, encoding user data."""
    if "CopySource" in given:
        given = given | {"CopySource": quote(given["CopySource"])}
    if operation == "RunInstances":
        given = given | {"UserData": base64.b64encode(given["UserData"].encode()).decode()}
    return given


def as_read(operation: str, read: dict[str, Any]) -> dict[str, Any]:
    """What boto3 itself changes after it read: quoted keys, documents inside documents."""
    if operation == "ListObjectsV2":
        contents = [one | {"Key": unquote(one["Key"])} for one in read["Contents"]]
        return read | {"Contents": contents, "Prefix": unquote(read["Prefix"])}
    if operation == "CreateRole":
        document = json.loads(unquote(read["Role"]["AssumeRolePolicyDocument"]))
        return read | {"Role": read["Role"] | {"AssumeRolePolicyDocument": document}}
    return read


def without_streams(service: str, operation: str, values: dict[str, Any], side: str) -> Any:
    """Payloads that stream are not decoded."""
    shape = getattr(service_model(service).operation_model(operation), f"{side}_shape")
    payload = shape.serialization.get("payload") if shape is not None else None
    streams = payload and shape.members[payload].type_name == "blob"
    return {key: item for key, item in values.items() if not (streams and key == payload)}


def test_the_traffic_covers_five_protocols_and_many_services() -> None:
    operations = {(call["service"], call["operation"]) for call in CALLS}
    protocols = {service_model(call["service"]).metadata["protocol"] for call in CALLS}

    assert len(operations) >= 40
    assert len({service for service, _ in operations}) >= 12
    assert protocols >= {"json", "query", "ec2", "rest-json", "rest-xml"}


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_a_request_says_what_boto3_was_given(call: dict[str, Any]) -> None:
    found = read_call(observed(call), "us-east-1")

    assert (found.service, found.problem) == (call["service"], "")
    assert found.operation is not None
    assert found.operation.name == call["operation"]
    given = without_streams(call["service"], call["operation"], value(call["given"]), "input")
    given = as_sent(call["operation"], given)
    read = without_streams(
        call["service"], call["operation"], comparable(found.parameters), "input"
    )
    extra = {key for key in read.keys() - given.keys() if key in ADDED_BY_BOTO3}
    assert {key: item for key, item in read.items() if key not in extra} == given


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_an_answer_says_what_boto3_read(call: dict[str, Any]) -> None:
    found = read_call(observed(call), "us-east-1")

    if call["error"]:
        # A HEAD answer has no body; boto3 then calls the error by its number.
        assert found.error_code == call["error"] or call["error"].isdigit()
        assert found.error_code
        return
    expected = without_streams(call["service"], call["operation"], value(call["result"]), "output")
    read = read_result(found)
    assert found.operation is not None
    if read is not None:
        read = by_model(found.operation.output_shape, comparable(read))
        read = as_read(call["operation"], read)
    assert read == (expected or None)


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_its_record_is_complete(call: dict[str, Any]) -> None:
    found = read_call(observed(call), "us-east-1")
    raw = compose(found, None, facts=RecordFacts(event_id="e", account_id="123456789012"))

    head = read_record(raw).head
    assert head.event_source.endswith(".amazonaws.com")
    assert head.error_code == (found.error_code or None)
    assert json.loads(raw)["eventVersion"] == "1.11"


def secrets_given(call: dict[str, Any]) -> Iterator[str]:
    """Values of this traffic that must not come into a record."""
    if call["operation"] == "CreateAccessKey":
        yield call["result"]["AccessKey"]["SecretAccessKey"]
    if call["operation"] == "AssumeRole":
        yield call["result"]["Credentials"]["SecretAccessKey"]
    if call["operation"] == "CreateFunction":
        yield '"TOKEN":"t"'
    if call["operation"] in ("Encrypt", "CreateSecret"):
        yield "c2VjcmV0"
        yield '"x"'


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_its_record_holds_no_secret(call: dict[str, Any]) -> None:
    found = read_call(observed(call), "us-east-1")
    raw = compose(found, None, facts=RecordFacts(event_id="e", account_id="123456789012"))

    for secret in secrets_given(call):
        assert secret not in raw.decode()
