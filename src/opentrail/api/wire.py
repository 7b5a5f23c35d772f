"""Requests of the services answered here, in the caller's protocol, and answers in the same.

awsJson (logs, events, cloudwatch, cloudtrail), awsQuery (sns, cloudwatch), smithy-rpc-v2-cbor
(cloudwatch), and PutAuditEvents, the one operation in REST. Whatever the protocol, an operation
sees its members in JSON form: times as epoch seconds, blobs as base64.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.model import OperationModel, ServiceModel

from opentrail.api.errors import ApiError
from opentrail.aws.models import service_model
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.protocols import cbor, query, writing
from opentrail.aws.protocols.query import read_form

JSON_TYPE = "application/x-amz-json-1.1"
_JSON_TYPES = (JSON_TYPE, "application/x-amz-json-1.0")
_FORM_TYPE = "application/x-www-form-urlencoded"
_CBOR_TYPE = "application/cbor"
_AUDIT_PATH = "/PutAuditEvents"
_REST_SERVICE = "cloudtrail-data"
MAX_DEPTH = 64


class Protocol(StrEnum):
    """How a caller speaks."""

    JSON = "json"
    QUERY = "query"
    CBOR = "cbor"


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for.

    Attributes:
        model: botocore's name of the service.
    """

    model: str
    operation: OperationModel
    protocol: Protocol


def protocol_of(request: ObservedRequest) -> Protocol:
    """The protocol that the request's head tells."""
    if request.header("smithy-protocol") == "rpc-v2-cbor":
        return Protocol.CBOR
    is_form = content_type(request) == _FORM_TYPE or "Action=" in request.raw_query
    if is_form and request.header("x-amz-target") is None:
        return Protocol.QUERY
    return Protocol.JSON


def operation_name(request: ObservedRequest) -> str:
    """The name of the operation as the request gives it; it may be none."""
    match protocol_of(request):
        case Protocol.CBOR:
            return request.raw_path.rpartition("/operation/")[2]
        case Protocol.QUERY:
            return _form(request).get("Action", "")
        case Protocol.JSON:
            target = request.header("x-amz-target")
            if target is None and request.raw_path.rstrip("/") == _AUDIT_PATH:
                return "PutAuditEvents"
            return (target or "").rpartition(".")[2]


def read_call(request: ObservedRequest, service: str) -> Call:
    """The operation that a request is of.

    Args:
        service: botocore's name of the model.

    Raises:
        ApiError: UnknownOperationException, or SerializationException for another method or
            content type than the protocol's.
    """
    name, protocol = operation_name(request), protocol_of(request)
    model = service_model(service)
    if name not in model.operation_names:
        target = request.header("x-amz-target")
        shown = f"{name[:200]!r}" if target is None else f"X-Amz-Target {target[:200]!r}"
        raise ApiError(
            "UnknownOperationException", f"{shown} names no operation of {service}.", 404
        )
    if service != _REST_SERVICE:
        _check_form(request, protocol)
    return Call(service, model.operation_model(name), protocol)


def _check_form(request: ObservedRequest, protocol: Protocol) -> None:
    given = content_type(request)
    if protocol is Protocol.JSON and (request.method != "POST" or given not in _JSON_TYPES):
        raise ApiError(
            "SerializationException",
            f"{request.method} with content type {given!r}; expected POST with {JSON_TYPE}",
        )


def content_type(request: ObservedRequest) -> str:
    """The media type, without parameters, in lower case."""
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def read_members(request: ObservedRequest, call: Call) -> dict[str, Any]:
    """The members that the operation has: a right must not hang on one that nobody else reads.

    Raises:
        ApiError: SerializationException.
    """
    shape = call.operation.input_shape
    match call.protocol:
        case Protocol.JSON:
            value = read_json(request.body or b"{}")
        case Protocol.QUERY:
            tree = query.read_tree(_form(request))
            value = {} if shape is None else _json_form(query.from_query(shape, tree, ec2=False))
        case Protocol.CBOR:
            value = _read_cbor(request, call)
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    known = shape.members if shape is not None else {}
    return {name: item for name, item in value.items() if item is not None and name in known}


def _form(request: ObservedRequest) -> dict[str, str]:
    try:
        if request.method == "POST" and content_type(request) == _FORM_TYPE:
            return read_form(request.body.decode())
        return read_form(request.raw_query)
    except ValueError as problem:
        raise ApiError("MalformedQueryString", f"The form cannot be read: {problem}") from None


def _read_cbor(request: ObservedRequest, call: Call) -> Any:
    shape = call.operation.input_shape
    if shape is None or not request.body:
        return {}
    try:
        return _json_form(cbor.from_cbor(shape, cbor.read(request.body)))
    except ValueError as problem:
        raise ApiError("SerializationException", f"The body is not valid: {problem}") from None


def _json_form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_form(item) for item in value]
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def read_json(body: bytes) -> Any:
    """JSON, strictly: no duplicate members, no NaN, no endless nesting, no broken characters.

    Raises:
        ApiError: SerializationException, in words.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        # A half of a character, written as an escape, can't be stored as UTF-8.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        raise ApiError("SerializationException", f"The body is not valid JSON: {problem}") from None
    if _depth(value) > MAX_DEPTH:
        raise ApiError("SerializationException", f"The body nests deeper than {MAX_DEPTH} levels.")
    return value


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands in an object twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


Headers = tuple[tuple[str, str], ...]


def write_answer(call: Call, output: Mapping[str, Any], request_id: str) -> tuple[Headers, bytes]:
    """Headers and body of an answer, in the caller's protocol."""
    operation = call.operation
    match call.protocol:
        case Protocol.JSON:
            kind, body = _json_type(operation.service_model), writing.json_body(output)
        case Protocol.QUERY:
            kind, body = "text/xml", writing.query_body(operation, output, request_id)
        case Protocol.CBOR:
            kind, body = _CBOR_TYPE, writing.cbor_body(operation.output_shape, output)
    return _headers(kind, request_id, call.protocol), body


def write_error(
    protocol: Protocol, call: Call | None, error: ApiError, request_id: str
) -> tuple[Headers, bytes]:
    """Headers and body of an error, in the caller's protocol."""
    sender = error.status < 500
    wire_code = _query_code(call, error.code)
    if protocol is Protocol.QUERY:
        operation = call.operation if call else None
        body = writing.query_error(operation, wire_code, str(error), request_id, sender=sender)
        return _headers("text/xml", request_id, protocol), body
    told = {"__type": error.code, "message": str(error), **error.members}
    headers: Headers = (("x-amzn-ErrorType", error.code),)
    model = call.operation.service_model if call else None
    if model is not None and model.metadata.get("awsQueryCompatible") is not None:
        headers += (("x-amzn-query-error", f"{wire_code};{'Sender' if sender else 'Receiver'}"),)
    if protocol is Protocol.CBOR:
        kind, body = _CBOR_TYPE, writing.cbor_body(None, told)
    else:
        kind, body = _json_type(model), writing.json_body(told)
    first, *rest = _headers(kind, request_id, protocol)
    return (first, *headers, *rest), body


def _query_code(call: Call | None, code: str) -> str:
    """Query calls name some errors otherwise than their shapes."""
    model = call.operation.service_model if call else None
    if model is None or code not in model.shape_names:
        return code
    return str(model.shape_for(code).metadata.get("error", {}).get("code", code))


def _json_type(model: ServiceModel | None) -> str:
    version = model.metadata.get("jsonVersion") if model else None
    return f"application/x-amz-json-{version or '1.1'}"


def _headers(kind: str, request_id: str, protocol: Protocol) -> Headers:
    found: Headers = (("x-amzn-RequestId", request_id), ("Content-Type", kind))
    return (*found, ("smithy-protocol", "rpc-v2-cbor")) if protocol is Protocol.CBOR else found
