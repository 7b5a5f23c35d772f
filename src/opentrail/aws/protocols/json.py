"""JSON bodies: awsJson requests and answers, and the bodies of rest-json."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from botocore.model import ListShape, MapShape, Shape, StructureShape

from opentrail.aws.protocols.values import MAX_DEPTH, TooDeep, members, timestamp

_DECODER = msgspec.json.Decoder()


def read(body: bytes) -> Any:
    """The JSON value of `body`.

    Raises:
        ValueError: not JSON, or nested too deep.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as cause:
        raise ValueError(f"body is not JSON: {cause}") from cause


def from_json(shape: Shape, value: Any, depth: int = 0) -> Any:
    """A JSON value as `shape` tells; members the model does not know stay as they came."""
    if depth > MAX_DEPTH:
        raise TooDeep("body nests too deep")
    if isinstance(shape, StructureShape):
        return _structure(shape, value, depth)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_json(shape.member, item, depth + 1) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: from_json(shape.value, item, depth + 1) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return timestamp(value)
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            return value
    return value


def _structure(shape: StructureShape, value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or shape.metadata.get("document"):
        return value
    known = members(shape)
    found: dict[str, Any] = {}
    for key, item in value.items():
        if item is None:
            continue
        entry = known.get(key)
        if entry is None:
            if key != "__type":
                found[key] = item
        else:
            found[entry[0]] = from_json(entry[1], item, depth + 1)
    return found
