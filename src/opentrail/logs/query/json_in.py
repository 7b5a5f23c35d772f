"""The JSON object that a message is, or holds somewhere."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_ANY = msgspec.json.Decoder()
_MOST_TRIES = 8
"""Braces that are tried; text full of them is read no more often."""


def object_in(message: str) -> dict[str, Any] | None:
    """The first JSON object in a message, None if there is none."""
    start = message.find("{")
    for _ in range(_MOST_TRIES):
        if start < 0:
            return None
        found = _object_at(message, start)
        if found is not None:
            return found
        start = message.find("{", start + 1)
    return None


def object_text(message: str) -> str | None:
    """The same as JSON that every reader takes: halves of characters are replaced."""
    start = message.find("{")
    if start < 0:
        return None
    rest = message[start:].rstrip()
    if rest.endswith("}") and _is_object(rest):
        return rest
    found = object_in(message)
    if found is None:
        return None
    try:
        return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode()
    except (ValueError, RecursionError):
        return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(_ANY.decode(text), dict)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _object_at(message: str, start: int) -> dict[str, Any] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(message, start)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
