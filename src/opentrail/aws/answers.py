"""What an answer says: the error, the request id, the members of a result.

Source: botocore's models; each protocol's form of errors. An answer that can't be read is told as
one without a result, never guessed at.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only the type; read by protocols.xml
from typing import Any

from botocore.model import OperationModel, Shape, StructureShape

from opentrail.aws.models import service_heads
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.aws.protocols import cbor, json, rest, xml


def read_outcome(observed: ObservedCall, service: str) -> tuple[str, str, str]:
    """Error code, error message and request id; "" for what there is not.

    Args:
        service: botocore's name, "" if it could not be told.
    """
    response = observed.response
    if response is None:
        return observed.failure_code, observed.failure, ""
    request_id = response.header("x-amzn-requestid") or response.header("x-amz-request-id") or ""
    code = message = ""
    try:
        if response.status >= 300 and response.status != 304:
            code, message, inner_id = _read_error(response)
            request_id = request_id or inner_id
        elif not request_id and response.body.lstrip()[:1] == b"<":
            request_id = _xml_request_id(response, service)
    except ValueError:
        code = code or str(response.status)
    if observed.failure and not code:
        code, message = "IncompleteResponse", observed.failure
    return code, message, request_id


def _read_error(response: ObservedResponse) -> tuple[str, str, str]:
    # Services that once spoke query tell their old codes, which clients still show.
    old = (response.header("x-amzn-query-error") or "").partition(";")[0]
    typed = old or (response.header("x-amzn-errortype") or "").partition(":")[0]
    if _is_cbor(response):
        value = cbor.read(response.body)
        code = str(value.get("__type") or "").rpartition("#")[2] if isinstance(value, dict) else ""
        message = str(value.get("message") or "") if isinstance(value, dict) else ""
        return typed or code or str(response.status), message, ""
    body = response.body.strip()
    if body[:1] == b"<":
        code, message, request_id = _xml_error(xml.read(body))
        return code or typed or str(response.status), message, request_id
    if body[:1] == b"{":
        value = json.read(body)
        code = typed or str(value.get("__type") or value.get("code") or value.get("Code") or "")
        message = value.get("message") or value.get("Message") or value.get("errorMessage") or ""
        code = code.rpartition("#")[2].partition(":")[0]
        return code or str(response.status), str(message), ""
    # A HEAD answer has no body: the status is all there is, as AWS's own clients show it.
    return typed or str(response.status), "", ""


def _xml_error(root: ET.Element) -> tuple[str, str, str]:
    error = root
    for name in ("Errors", "Error"):
        inner = xml.child(error, name)
        error = error if inner is None else inner
    request_id = (
        xml.child_text(root, "RequestId")
        or xml.child_text(root, "RequestID")
        or xml.child_text(error, "RequestId")
    )
    return xml.child_text(error, "Code"), xml.child_text(error, "Message"), request_id


def _xml_request_id(response: ObservedResponse, service: str) -> str:
    heads = service_heads()
    protocols = heads[service].protocols if service in heads else ()
    if not ("query" in protocols or "ec2" in protocols) or not is_whole(response):
        return ""
    # Decoding all of a large answer for its last line would be waste.
    for tag in (b"<RequestId>", b"<requestId>"):
        start = response.body.rfind(tag)
        if start >= 0:
            end = response.body.find(b"<", start + len(tag))
            return response.body[start + len(tag) : end].decode("ascii", "replace").strip()[:128]
    return ""


def read_output(
    operation: OperationModel, shape: StructureShape, response: ObservedResponse
) -> dict[str, Any]:
    protocols = operation.service_model.metadata.get("protocols") or [
        operation.service_model.metadata["protocol"]
    ]
    body = response.body if is_whole(response) else b""
    if _is_cbor(response):
        found = cbor.from_cbor(shape, cbor.read(body)) if body else {}
        return found if isinstance(found, dict) else {}
    content_type = response.header("content-type") or ""
    if "rest-xml" in protocols or "rest-json" in protocols:
        return _rest_output(shape, response, body, as_xml="rest-xml" in protocols)
    if body.lstrip()[:1] == b"<" or "xml" in content_type:
        return _query_output(operation, shape, body)
    value = json.read(body) if body.strip() else {}
    found = json.from_json(shape, value)
    return found if isinstance(found, dict) else {}


def _query_output(operation: OperationModel, shape: StructureShape, body: bytes) -> dict[str, Any]:
    root = xml.read(body)
    wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
    inner = xml.child(root, wrapper)
    return xml.structure(shape, root if inner is None else inner)


def _rest_output(
    shape: StructureShape, response: ObservedResponse, body: bytes, *, as_xml: bool
) -> dict[str, Any]:
    found = _outside_the_body(shape, response)
    payload = shape.serialization.get("payload")
    if payload and is_raw(shape.members[payload]):
        if body and shape.members[payload].type_name == "string":
            found[payload] = body.decode("utf-8", "replace")
        return found
    if not body.strip():
        return found
    target = shape.members[payload] if payload else shape
    if as_xml:
        value = xml.from_xml(target, xml.read(body))
    else:
        value = json.from_json(target, json.read(body))
    if payload:
        found[payload] = value
    elif isinstance(value, dict):
        found |= value
    return found


def _outside_the_body(shape: StructureShape, response: ObservedResponse) -> dict[str, Any]:
    """Members that stand in headers or in the status."""
    headers = response.first_headers
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "header" and wire.lower() in headers:
            found[name] = rest.header_value(member, headers[wire.lower()])
        elif location == "headers":
            found |= rest.prefixed_headers(name, wire, headers)
        elif location == "statusCode":
            found[name] = response.status
    return found


def _is_cbor(response: ObservedResponse) -> bool:
    return (response.header("content-type") or "").startswith("application/cbor") or (
        response.header("smithy-protocol") == "rpc-v2-cbor"
    )


def is_raw(shape: Shape) -> bool:
    """A payload that is the body itself: an object's content, a policy's text."""
    return shape.type_name in ("blob", "string") or bool(shape.serialization.get("eventstream"))


def is_whole(message: ObservedRequest | ObservedResponse) -> bool:
    """Whether all of the body was captured."""
    return message.body_length == len(message.body)
