"""A request's input against botocore's model: what AWS checks on the server.

botocore itself checks required members, types and minima before sending, but neither maxima nor
patterns nor enumerations (spec: README 21). The messages are those that AWS's services give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import regex

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
_ENUM_ORDERS = {"StateValue": ("INSUFFICIENT_DATA", "ALARM", "OK")}
"""Enumerations that AWS tells in another order than its model (vectors alarms)."""
_BITS = {"integer": 31, "long": 63}
_SHOWN = 2048
"""Characters of a value that a message repeats; AWS repeats all of them."""

_PRINTED = {
    "MetricTransformation": (
        "metricName",
        "metricNamespace",
        "metricValue",
        "defaultValue",
        "unit",
        "dimensions",
    )
}
"""Members of a structure in the order in which AWS's messages print them, if not the model's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a member.

    Attributes:
        member: The member of the request that it is in, as the model spells it.
        is_type: Whether the value has another JSON type than expected.
    """

    member: str
    message: str
    is_type: bool = False


Path = tuple[str, ...]


def problems(shape: StructureShape, value: Any) -> Iterator[Problem]:
    """What is wrong with `value` (JSON as sent)."""
    yield from _problems(shape, value, ())


def _problems(shape: Shape, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _map(shape, value, path)
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(path, value, "an object")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _broken((*path, name), None, "Member must not be null")
    for name, member in shape.members.items():
        item = value.get(name)
        if item is not None:
            yield from _problems(member, item, (*path, name))


def _list(shape: ListShape, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong_type(path, value, "a list")
        return
    yield from _length(shape, value, path)
    for number, item in enumerate(value, 1):
        if item is None:
            yield _broken((*path, str(number), "member"), None, "Member must not be null")
        else:
            yield from _problems(shape.member, item, (*path, str(number), "member"))


def _map(shape: MapShape, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(path, value, "an object")
        return
    yield from _length(shape, value, path)
    for key, item in value.items():
        yield from _problems(shape.key, key, (*path, "key"))
        yield from _problems(shape.value, item, (*path, key, "member"))


def _scalar(shape: Shape, value: Any, path: Path) -> Iterator[Problem]:
    types = _JSON_TYPES.get(shape.type_name)
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if types is not None and (not isinstance(value, types) or wrong_bool):
        yield _wrong_type(path, value, f"a {shape.type_name}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text(shape, value, path)
    elif isinstance(value, int | float) and shape.type_name in _BITS:
        if not -(2 ** _BITS[shape.type_name]) <= value < 2 ** _BITS[shape.type_name]:
            yield _wrong_type(path, value, f"a {shape.type_name}")
            return
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and value < low:
            yield _broken(path, value, f"Member must have value greater than or equal to {low}")
        if high is not None and value > high:
            yield _broken(path, value, f"Member must have value less than or equal to {high}")


def _text(shape: StringShape, value: str, path: Path) -> Iterator[Problem]:
    yield from _length(shape, value, path)
    if shape.enum and value not in shape.enum:
        order = _ENUM_ORDERS.get(shape.name, ())
        allowed = ", ".join(order if set(order) == set(shape.enum) else shape.enum)
        yield _broken(path, value, f"Member must satisfy enum value set: [{allowed}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _fits(pattern)(value):
        yield _broken(path, value, f"Member must satisfy regular expression pattern: {pattern}")


def _length(shape: Shape, value: Any, path: Path) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        constraint = f"Member must have length greater than or equal to {low}"
        yield _broken(path, _printed(shape, value), constraint)
    if high is not None and len(value) > high:
        constraint = f"Member must have length less than or equal to {high}"
        yield _broken(path, _printed(shape, value), constraint)


def _printed(shape: Shape, value: Any) -> str:
    """The value as AWS's messages print it."""
    if value is None:
        return "null"
    if isinstance(shape, ListShape) and isinstance(value, list):
        return f"[{', '.join(_printed(shape.member, item) for item in value)}]"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = _PRINTED.get(shape.name, tuple(shape.members))
        members = (f"{name}={_printed(shape.members[name], value.get(name))}" for name in names)
        return f"{shape.name}({', '.join(members)})"
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return f"{{{', '.join(f'{key}={item}' for key, item in value.items())}}}"
    return str(value)


def _broken(path: Path, value: Any, constraint: str) -> Problem:
    where = ".".join(_camel(name) for name in path)
    shown = "null" if value is None else f"'{str(value)[:_SHOWN]}'"
    return Problem(
        path[0], f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"
    )


def _wrong_type(path: Path, value: Any, expected: str) -> Problem:
    where = ".".join(path) or "the request"
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    found = kinds.get(type(value), "a number")
    message = f"{where} is {found} where {expected} is expected"
    return Problem(path[0] if path else "", message, is_type=True)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


@lru_cache(maxsize=256)
def _fits(pattern: str) -> Callable[[str], bool]:
    """Whether a text fits a pattern of a model, as a whole."""
    try:
        # It knows \p{L}, takes \d and \w for those of ASCII, as AWS does, and is never slow.
        found = regex(rf"\A(?:{pattern})\z")
    except InvalidInput:
        # What looks ahead.
        compiled = re.compile(pattern, re.ASCII)
        return lambda text: compiled.fullmatch(text) is not None
    return lambda text: found.search(text) is not None
