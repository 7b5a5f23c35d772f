"""CBOR bodies: requests and answers of smithy-rpc-v2-cbor.

Source: Smithy's rpcv2Cbor page; RFC 8949. Of its types those of the protocol are taken; anything
else (regular expressions, addresses, cycles) is told as text, never used.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cbor2
from botocore.model import ListShape, MapShape, Shape, StructureShape

from opentrail.aws.protocols.values import MAX_DEPTH, TooDeep, number, timestamp


def read(body: bytes) -> Any:
    """The one value of `body`.

    Raises:
        ValueError: not CBOR, or nested too deep.
    """
    try:
        return cbor2.loads(body)
    except (cbor2.CBORDecodeError, RecursionError, ValueError, TypeError, OverflowError) as cause:
        raise ValueError(f"body is not CBOR: {cause}") from cause


def from_cbor(shape: Shape, value: Any, depth: int = 0) -> Any:
    """A CBOR value as `shape` tells; members the model does not know stay as they came."""
    if depth > MAX_DEPTH:
        raise TooDeep("body nests too deep")
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members
        return {
            str(name): (
                from_cbor(members[name], item, depth + 1)
                if name in members
                else _plain(item, depth + 1)
            )
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_cbor(shape.member, item, depth + 1) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {str(key): from_cbor(shape.value, item, depth + 1) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return value.astimezone(UTC) if isinstance(value, datetime) else timestamp(value)
    return _plain(value, depth)


def _plain(value: Any, depth: int) -> Any:
    """Only what a record can hold."""
    if depth > MAX_DEPTH:
        raise TooDeep("body nests too deep")
    if isinstance(value, float):
        return number(value)
    if value is None or isinstance(value, str | bytes | bool | int | datetime):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    return str(value)
