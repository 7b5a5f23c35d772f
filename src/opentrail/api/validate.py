"""A request's input against botocore's model: what AWS checks on the server.

botocore itself checks required members, types and minima before sending, but neither maxima nor
patterns nor enumerations (spec: README 21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "blob": (str,),
}


def problems(shape: StructureShape, value: Any) -> Iterator[str]:
    """What is wrong with `value` (JSON as sent), in words that name the member."""
    yield from _problems(shape, value, "")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{path} is not an object"
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path or 'the request'} is not an object"
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{_below(path, name)} is required"
    for name, member in shape.members.items():
        item = value.get(name)
        if item is not None:
            yield from _problems(member, item, _below(path, name))


def _list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path} is not a list"
        return
    yield from _length(shape, len(value), path, "entries")
    for number, item in enumerate(value, 1):
        yield from _problems(shape.member, item, f"{path}.{number}.member")


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    types = _JSON_TYPES.get(shape.type_name)
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if types is not None and (not isinstance(value, types) or wrong_bool):
        yield f"{path} is not of type {shape.type_name}"
        return
    if isinstance(shape, StringShape) and isinstance(value, str):
        yield from _length(shape, len(value), path, "characters")
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value[:100]!r}; allowed are {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).search(value):
            yield f"{path} does not match the pattern {pattern}"
    elif isinstance(value, int | float) and shape.type_name in ("integer", "long"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and value < low:
            yield f"{path} is {value}; the minimum is {low}"
        if high is not None and value > high:
            yield f"{path} is {value}; the maximum is {high}"


def _length(shape: Shape, length: int, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and length < low:
        yield f"{path} has {length} {what}; at least {low} are needed"
    if high is not None and length > high:
        yield f"{path} has {length} {what}; at most {high} are allowed"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
