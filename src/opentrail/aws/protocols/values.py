"""Scalars on the wire, and where a structure's members stand there.

A text that does not fit its type stays the text: the record shows what the caller sent.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from botocore.model import Shape, StructureShape

MAX_DEPTH = 64
"""Calls nest below 20 levels; deeper ones are somebody's attempt on the decoder."""


class TooDeep(ValueError):
    """A body nests deeper than MAX_DEPTH."""


@cache
def members(shape: StructureShape) -> dict[str, tuple[str, Shape]]:
    """Wire name to (member name, shape); the members of one location each see their own."""
    return {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
    }


def scalar(shape: Shape, text: str) -> Any:
    """`text` as the type of `shape`."""
    try:
        match shape.type_name:
            case "boolean":
                return {"true": True, "false": False}.get(text.lower(), text)
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return number(float(text))
            case "timestamp":
                return timestamp(text)
            case "blob":
                return base64.b64decode(text, validate=True)
            case _:
                return text
    except (ValueError, OverflowError, binascii.Error):
        return text


def number(value: float) -> float | str:
    """A number that JSON can hold; the others by the names that AWS's protocols give them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def timestamp(value: Any) -> Any:
    """Epoch seconds, ISO 8601 or an HTTP date as aware UTC; anything else as it came."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            return value
        if value.replace(".", "", 1).lstrip("-").isdigit():
            return datetime.fromtimestamp(float(value), UTC)
        if value[:1].isalpha():
            return parsedate_to_datetime(value).astimezone(UTC)
        when = datetime.fromisoformat(value)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return value
