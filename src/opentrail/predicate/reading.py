"""What a path leads to in a record's JSON, as texts, with numbers spelled as they came.

RFC 8259 is read strictly: no NaN, no byte order mark, UTF-8 only. Of members with the same name
the last one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec


class Spelled(str):
    """A number exactly as the record spells it."""

    __slots__ = ()


LONGEST_KEY = 128
"""Characters of an access key's id (IAM API reference, AccessKey)."""

_DECODER = msgspec.json.Decoder(float_hook=Spelled)
_MINUS_ZERO = re.compile(rb"-0(?=[\s,\]}])")


def decoded(raw: bytes) -> dict[str, Any] | None:
    """The record in `raw`, None when it is no JSON object.

    Numbers are `Spelled` where an int would not spell them the same.
    """
    try:
        record = _DECODER.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return _decoded_slowly(raw)
    except RecursionError:
        return None
    if type(record) is not dict:
        return None
    return _decoded_slowly(raw) if _MINUS_ZERO.search(raw) else record


def _decoded_slowly(raw: bytes) -> dict[str, Any] | None:
    """As `decoded`, for what msgspec refuses (lone surrogates, huge numbers) or spells anew."""
    try:
        record = json.loads(
            raw.decode(), parse_float=Spelled, parse_int=Spelled, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def texts_at(record: Mapping[str, Any], path: Sequence[str]) -> tuple[str, ...]:
    """The texts that `path` leads to, in the record's order; arrays at its end are entered too.

    Args:
        record: As `decoded` gives it.
    """
    value: Any = record
    for name in path:
        if type(value) is not dict:
            break
        value = value.get(name)
        if value is None:
            return ()
    else:
        if type(value) is str:
            return (value,)
    # Arrays, numbers, booleans: less usual.
    found = _entered(_values(record, path))
    return tuple(text for one in found if (text := text_of(one)) is not None)


def texts_within(record: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    """As `texts_at`, and for each object its JSON and the texts within it."""
    for value in _entered(_values(record, path)):
        if isinstance(value, dict):
            yield json_of(value)
            yield from _leaves(value)
        elif (text := text_of(value)) is not None:
            yield text


def leads_to(record: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether `path` leads to anything but null; an empty object or array is something."""
    value: Any = record
    for name in path:
        if type(value) is not dict:
            break
        value = value.get(name)
        if value is None:
            return False
    else:
        return True
    return any(value is not None for value in _values(record, path))


def access_key_of(record: Mapping[str, Any]) -> str:
    """The id of the key that signed the record's call; "" if none did, or it can't be one."""
    identity = record.get("userIdentity")
    key = identity.get("accessKeyId") if isinstance(identity, dict) else None
    return key if isinstance(key, str) and len(key) <= LONGEST_KEY else ""


def text_of(value: Any) -> str | None:
    """The text of a string, number or boolean; None for null, objects and arrays."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return repr(value)
    return None


def json_of(value: Any) -> str:
    """The JSON of a value, without spaces, numbers as they came, characters as they are."""
    pieces: list[str] = []
    # What is still to be written, the next last: a value, or a piece of JSON that is ready.
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        value, is_ready = waiting.pop()
        if is_ready or type(value) is Spelled:
            pieces.append(value)
        elif isinstance(value, dict):
            waiting += _reversed_parts("{", "}", value.items())
        elif isinstance(value, list):
            waiting += _reversed_parts("[", "]", (("", one) for one in value))
        elif isinstance(value, str):
            pieces.append(_QUOTED(value))
        else:
            pieces.append(text_of(value) or "null")
    return "".join(pieces)


_QUOTED = json.JSONEncoder(ensure_ascii=False).encode


def _reversed_parts(
    opening: str, closing: str, members: Iterable[tuple[str, Any]]
) -> list[tuple[Any, bool]]:
    found: list[tuple[Any, bool]] = []
    before = opening
    for name, value in members:
        found.append((before + (f"{_QUOTED(name)}:" if opening == "{" else ""), True))
        found.append((value, False))
        before = ","
    if not found:
        found.append((opening, True))
    found.append((closing, True))
    return found[::-1]


def _leaves(value: Any) -> Iterator[str]:
    """The texts in an object or array, at any depth."""
    waiting: list[Any] = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif (text := text_of(value)) is not None:
            yield text


def all_texts(record: Mapping[str, Any]) -> Iterator[str]:
    """Every member name and every text in the record."""
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif (text := text_of(value)) is not None:
            yield text


def _values(record: Mapping[str, Any], path: Sequence[str]) -> list[Any]:
    values: list[Any] = [record]
    for name in path:
        values = [
            value[name]
            for value in _entered(values)
            if isinstance(value, Mapping) and name in value
        ]
    return values


def _entered(values: list[Any]) -> list[Any]:
    """The values with arrays replaced by what they hold, arrays in arrays too."""
    if not any(isinstance(value, list) for value in values):
        return values
    found = []
    waiting = values[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        else:
            found.append(value)
    return found
