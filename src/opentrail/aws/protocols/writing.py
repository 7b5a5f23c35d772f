"""Answers in the protocol of the caller, from outputs in JSON form.

JSON form: members by the model's names, times as epoch seconds, blobs as base64 text.
Source: Smithy's awsJson, awsQuery and rpcv2Cbor pages; botocore's parsers are the readers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import cbor2
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_EPOCH_TAG = 1  # RFC 8949, 3.4.2


def json_body(output: Mapping[str, Any]) -> bytes:
    """An awsJson answer."""
    return json.dumps(output, separators=(",", ":")).encode()


def cbor_body(shape: Shape | None, output: Mapping[str, Any]) -> bytes:
    """A smithy-rpc-v2-cbor answer."""
    return cbor2.dumps(_cbor(shape, output))


def _cbor(shape: Shape | None, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {
            name: _cbor(shape.members.get(name), item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        return [_cbor(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _cbor(shape.value, item) for key, item in value.items()}
    if shape is not None and shape.type_name == "timestamp":
        return cbor2.CBORTag(_EPOCH_TAG, value)
    if shape is not None and shape.type_name in ("float", "double"):
        return float(value)
    if shape is not None and shape.type_name == "blob":
        return base64.b64decode(value)
    return value


def query_body(operation: OperationModel, output: Mapping[str, Any], request_id: str) -> bytes:
    """An awsQuery answer: `<XResponse><XResult>…`."""
    root = Element(f"{operation.name}Response", xmlns=_namespace(operation))
    shape = operation.output_shape
    if isinstance(shape, StructureShape):
        wrapper = shape.serialization.get("resultWrapper") or f"{operation.name}Result"
        _structure(SubElement(root, wrapper), shape, output)
    metadata = SubElement(root, "ResponseMetadata")
    SubElement(metadata, "RequestId").text = request_id
    return _document(root)


def query_error(
    operation: OperationModel | None, code: str, message: str, request_id: str, *, sender: bool
) -> bytes:
    """An awsQuery error."""
    root = Element("ErrorResponse")
    if operation is not None:
        root.set("xmlns", _namespace(operation))
    error = SubElement(root, "Error")
    SubElement(error, "Type").text = "Sender" if sender else "Receiver"
    SubElement(error, "Code").text = code
    if message:
        SubElement(error, "Message").text = xml_text(message)
    SubElement(root, "RequestId").text = request_id
    return _document(root)


def _document(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _namespace(operation: OperationModel) -> str:
    return str(operation.service_model.metadata.get("xmlNamespace", ""))


def _structure(element: Element, shape: StructureShape, value: Mapping[str, Any]) -> None:
    for name, member in shape.members.items():
        item = value.get(name)
        if item is not None:
            _member(element, str(member.serialization.get("name", name)), member, item)


def _member(element: Element, name: str, shape: Shape, value: Any) -> None:
    if isinstance(shape, ListShape):
        flat = shape.serialization.get("flattened")
        parent = element if flat else SubElement(element, name)
        inner = name if flat else str(shape.member.serialization.get("name", "member"))
        for item in value:
            _member(parent, inner, shape.member, item)
    elif isinstance(shape, MapShape):
        flat = shape.serialization.get("flattened")
        parent = element if flat else SubElement(element, name)
        for key, item in value.items():
            entry = SubElement(parent, name if flat else "entry")
            key_name = str(shape.key.serialization.get("name", "key"))
            SubElement(entry, key_name).text = xml_text(key)
            _member(entry, str(shape.value.serialization.get("name", "value")), shape.value, item)
    elif isinstance(shape, StructureShape):
        _structure(SubElement(element, name), shape, value)
    else:
        SubElement(element, name).text = _scalar(shape, value)


def _scalar(shape: Shape, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape.type_name == "timestamp":
        when = datetime.fromtimestamp(value, UTC)
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"
    return xml_text(str(value))


def xml_text(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold."""
    return "".join(one if _fits(ord(one)) else "�" for one in text)


def _fits(code: int) -> bool:
    return (code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF)) or (
        code in (0x9, 0xA, 0xD)
    )  # fmt: skip
