"""Requests of every operation that botocore knows, made by botocore's own serializer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer
from wire import call_of, observed_request

from opentrail.aws.decode import read_call
from opentrail.aws.models import event_source
from opentrail.aws.observed import ObservedRequest
from opentrail.recording.names import event_name

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DEEPEST = 5
_SCALARS: dict[str, Any] = {
    "boolean": True, "integer": 7, "long": 77, "float": 1.5, "double": 2.25, "blob": b"\x00blob\xff",
    "timestamp": WHEN,
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A request and what it was made of."""

    service: str
    operation: OperationModel
    protocol: str
    full: bool
    parameters: dict[str, Any]
    request: ObservedRequest


def services() -> list[str]:
    """Every service of the installed botocore."""
    return botocore.session.get_session().get_available_services()


def requests_of(service: str) -> Iterator[Made]:
    """A minimal and a full request of each operation, in each protocol that SDKs speak."""
    model = botocore.session.get_session().get_service_model(service)
    listed = model.metadata.get("protocols") or [model.metadata["protocol"]]
    for protocol in dict.fromkeys([model.resolved_protocol, *listed]):
        serializer = create_serializer(protocol, include_validation=False)
        for name in model.operation_names:
            operation = model.operation_model(name)
            for full in (False, True):
                parameters = sample(operation.input_shape, full=full)
                request = prepared(serializer.serialize_to_request(parameters, operation), model)
                yield Made(service, operation, protocol, full, parameters, request)


def sample(shape: Shape | None, *, full: bool) -> dict[str, Any]:
    """Valid input: the required members, or all."""
    if shape is None:
        return {}
    found = _value(shape, full=full, name="", depth=0)
    assert isinstance(found, dict)
    return found


def _value(shape: Shape, *, full: bool, name: str, depth: int) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, full=full, depth=depth)
    if isinstance(shape, ListShape):
        item = _value(shape.member, full=full, name=name, depth=depth + 1)
        return [item, item] if full and shape.metadata.get("max", 2) >= 2 else [item]
    if isinstance(shape, MapShape):
        key = _value(shape.key, full=full, name="key", depth=depth + 1)
        return {key: _value(shape.value, full=full, name=name, depth=depth + 1)}
    if shape.type_name == "string":
        if shape.enum:
            return shape.enum[0]
        text = f"{name or 'text'} value"
        return (
            "x" * shape.metadata.get("min", 1) if len(text) < shape.metadata.get("min", 0) else text
        )
    return _SCALARS[shape.type_name]


def _structure(shape: StructureShape, *, full: bool, depth: int) -> Any:
    if shape.is_document_type:
        return {"a": [1, "b"]}
    names = list(shape.members) if full and depth < DEEPEST else list(shape.required_members)
    if shape.is_tagged_union:
        names = list(shape.members)[:1]
    return {
        name: (
            "label"
            if shape.members[name].serialization.get("hostLabel")
            else _value(shape.members[name], full=full, name=name, depth=depth + 1)
        )
        for name in names
        if not shape.members[name].serialization.get("eventstream") and depth < 4 * DEEPEST
    }


def prepared(serialized: dict[str, Any], model: Any) -> ObservedRequest:
    """The request as it would go over the wire, with a signature's scope."""
    prepare_request_dict(serialized, endpoint_url="http://127.0.0.1:4600", context={
        "signing": {"signing_name": model.signing_name}, "auth_type": UNSIGNED})  # fmt: skip
    scope = f"20260102/eu-west-1/{model.signing_name}/aws4_request"
    serialized["headers"]["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{scope}, SignedHeaders=host, Signature=00"
    )
    return observed_request(create_request_object(serialized).prepare())


SHARED = "shares its signing name, path and members with {}: nothing in the call tells them apart"
KNOWN = {
    "greengrassv2": SHARED.format("greengrass"),
    "lexv2-models": SHARED.format("lex-models"),
    "lambda-microvms": SHARED.format("lambda"),
    "s3.PutBucketLifecycle": "the deprecated form; decoded as PutBucketLifecycleConfiguration",
    "s3.PutBucketNotification": "the deprecated form; decoded as PutBucketNotificationConfiguration",
    "s3.ListDirectoryBuckets": "signed for s3express by real clients; here as s3",
    "s3.PutObject": "the serializer adds a length that was not given",
    "s3.UploadPart": "the serializer adds a length that was not given",
    "s3.WriteGetObjectResponse": "the serializer adds a length that was not given",
    "bedrock-agentcore.InvokeAgentRuntimeCommand": "the serializer adds a default content type",
}
"""Why an operation (or some of a service) is decoded otherwise; by service or service.operation."""


@dataclass(frozen=True)
class Judged:
    """What became of one request."""

    made: Made
    named: bool
    equal: bool

    @property
    def reason(self) -> str:
        """Why it is not equal, as known; "" if it is not known."""
        name = f"{self.made.service}.{self.made.operation.name}"
        return KNOWN.get(name) or KNOWN.get(self.made.service, "")


def judged(service: str) -> Iterator[Judged]:
    """Every request of a service, decoded and compared.

    Named right: the event source and event name of the record.
    """
    for made in requests_of(service):
        call = read_call(call_of(made.request), "us-east-1")
        operation = call.operation
        named = (
            operation is not None
            and call.event_source == event_source(service)
            and event_name(call.service, operation) == event_name(service, made.operation)
        )
        shape = made.operation.input_shape
        wanted = comparable(without_streams(shape, made.parameters))
        found = comparable(without_streams(shape, dict(call.parameters or {})))
        yield Judged(made, named, named and wanted == found)


def without_streams(shape: Shape | None, parameters: dict[str, Any]) -> dict[str, Any]:
    """Payloads that are the body itself are not decoded."""
    payload = shape.serialization.get("payload") if shape is not None else None
    if not payload or shape is None or shape.members[payload].type_name != "blob":
        return parameters
    return {name: value for name, value in parameters.items() if name != payload}


def comparable(value: Any) -> Any:
    """Empty structures are not told from absent ones on some wires; times to the second."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    if isinstance(value, dict):
        found = {key: comparable(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in ({}, [], None)}
    if isinstance(value, list):
        return [item for item in map(comparable, value) if item not in ({}, [], None)]
    return value
