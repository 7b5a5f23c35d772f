"""REST calls: which operation a method, path, query string and headers mean, and their members.

Source: botocore's `http` traits; Smithy's rules for URI labels and query literals.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from opentrail.aws.models import service_model
from opentrail.aws.protocols.values import scalar

_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[^,"]+')
"""The entries of a header's list: quoted, or up to the next comma."""

_DATES = re.compile(r"\s*(?:[A-Za-z]{3}, )?[^,]+")
"""The entries of a list of times: an HTTP date has a comma of its own."""

_QUOTED = re.compile(r"\\(.)")
_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation's form of request.

    Attributes:
        literals: Query parameters that must be there; a value of None may be anything.
        headers: Headers that must be there, in lower case.
        fixed: Query parameters that only name the operation.
        weight: The more a route demands, the earlier it is tried (a value more than a name);
            deprecated twins last.
    """

    operation: OperationModel
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    literals: tuple[tuple[str, str | None], ...]
    headers: tuple[str, ...]
    fixed: frozenset[str]
    weight: tuple[bool, int, int, int]


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of one method, the most demanding first.

    Attributes:
        plain: Those of `every` that demand neither query parameters nor headers.
        literals: Every query parameter that any of them demands; `headers` likewise.
    """

    every: tuple[Route, ...]
    plain: tuple[Route, ...]
    literals: frozenset[str]
    headers: frozenset[str]


_NONE = Routes((), (), frozenset(), frozenset())


@lru_cache(maxsize=512)
def routes(service: str) -> dict[str, Routes]:
    """The routes of a service by method."""
    found: dict[str, list[Route]] = {}
    model = service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        found.setdefault(operation.http.get("method", "POST"), []).append(_route(operation))
    return {method: _ordered(some) for method, some in found.items()}


def _ordered(some: list[Route]) -> Routes:
    every = tuple(sorted(some, key=lambda route: route.weight, reverse=True))
    return Routes(
        every=every,
        plain=tuple(route for route in every if not route.literals and not route.headers),
        literals=frozenset(name for route in every for name, _ in route.literals),
        headers=frozenset(name for route in every for name in route.headers),
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A call's operation and the raw texts of its path labels."""

    operation: OperationModel
    labels: Mapping[str, str]
    literals: frozenset[str]

    def known(self, query: Mapping[str, str], body_members: Collection[str]) -> int:
        """How many names of the query and of the body's object the operation knows."""
        names = {place.wire for place in _places(self.operation) if place.location == "querystring"}
        shape = self.operation.input_shape
        inner = shape.members if shape is not None else {}
        payload = shape.serialization.get("payload") if shape is not None else None
        if payload:
            inner = getattr(inner[payload], "members", {})
        wires = {member.serialization.get("name", name) for name, member in inner.items()}
        return len(names & query.keys()) + sum(name in wires for name in body_members)


def match(
    service: str, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> Match | None:
    """The operation of a REST call; None if no operation of the service has that form.

    Args:
        path: Still percent-encoded.
        query: Decoded names and values.
        headers: Names in lower case.
    """
    some = routes(service).get(method, _NONE)
    demanding = not some.literals.isdisjoint(query) or not some.headers.isdisjoint(headers)
    for route in some.every if demanding else some.plain:
        if not all(
            name in query and (value is None or query[name] == value)
            for name, value in route.literals
        ):
            continue
        if not all(name in headers for name in route.headers):
            continue
        found = route.pattern.fullmatch(path)
        if found is not None:
            labels = dict(zip(route.labels, found.groups(), strict=True))
            return Match(route.operation, labels, route.fixed)
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an input member stands, and under which name on the wire."""

    name: str
    shape: Shape
    location: str
    wire: str


@lru_cache(maxsize=8192)
def _places(operation: OperationModel) -> tuple[_Place, ...]:
    """The members of an operation's input that stand outside the body."""
    shape = operation.input_shape
    if shape is None:
        return ()
    found = []
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location is not None:
            wire = member.serialization.get("name", name)
            wire = wire.lower() if location == "header" else wire
            found.append(_Place(name, member, location, wire))
    return tuple(found)


def uri_members(
    found: Match, query: str, query_values: Mapping[str, str], headers: Mapping[str, str]
) -> dict[str, Any]:
    """The members that stand in the path, the query string and the headers."""
    values: dict[str, Any] = {}
    for place in _places(found.operation):
        match place.location:
            case "uri":
                if place.wire in found.labels:
                    values[place.name] = scalar(place.shape, unquote(found.labels[place.wire]))
            case "querystring":
                if not query:
                    continue
                value = _from_query_string(found, place.name, query, query_values)
                if value is not None:
                    values[place.name] = value
            case "header":
                if place.wire in headers:
                    values[place.name] = header_value(place.shape, headers[place.wire])
            case "headers":
                values |= prefixed_headers(place.name, place.wire, headers)
            case _:
                pass
    return values


def header_value(shape: Shape, text: str) -> Any:
    """A header's text as `shape`; lists are separated by commas, JSON values are in base64."""
    if shape.serialization.get("jsonvalue"):
        try:
            return json.loads(base64.b64decode(text, validate=True))
        except ValueError:
            return text
    if isinstance(shape, ListShape):
        parts = _DATES if shape.member.type_name == "timestamp" else _PARTS
        return [
            scalar(shape.member, _QUOTED.sub(r"\1", part[1:-1]) if part[:1] == '"' else part)
            for part in (found.strip() for found in parts.findall(text))
            if part
        ]
    return scalar(shape, text)


def prefixed_headers(name: str, prefix: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Headers that start with `prefix`, as one map member; {} if there are none."""
    lower = prefix.lower()
    found = {key[len(lower) :]: text for key, text in headers.items() if key.startswith(lower)}
    return {name: found} if found else {}


def _from_query_string(found: Match, name: str, query: str, query_values: Mapping[str, str]) -> Any:
    """The value of a query-string member, None if it is not there."""
    shape = found.operation.input_shape
    assert shape is not None
    member = shape.members[name]
    wire = member.serialization.get("name", name)
    if isinstance(member, MapShape):
        others = found.literals | {
            other.serialization.get("name", key)
            for key, other in shape.members.items()
            if key != name and other.serialization.get("location") == "querystring"
        }
        return _query_map(member, others, query)
    if isinstance(member, ListShape):
        texts = [text for key, text in parse_qsl(query, keep_blank_values=True) if key == wire]
        return [scalar(member.member, text) for text in texts] or None
    return scalar(member, query_values[wire]) if wire in query_values else None


def _query_map(member: MapShape, others: frozenset[str], query: str) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in others:
            continue
        if isinstance(member.value, ListShape):
            found.setdefault(key, []).append(text)
        else:
            found[key] = text
    return found or None


def _route(operation: OperationModel) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    literals: list[tuple[str, str | None]] = [
        (key, value or None) for key, value in parse_qsl(query, keep_blank_values=True)
    ]
    headers: list[str] = []
    shape = operation.input_shape
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            traits = shape.members[name].serialization
            wire = traits.get("name", name)
            if traits.get("location") == "querystring":
                literals.append((wire, None))
            elif traits.get("location") == "header":
                headers.append(wire.lower())
    fixed_names = frozenset(name for name, value in literals if value is not None)
    labels: list[str] = []
    pattern = ""
    position = 0
    for label in _LABEL.finditer(path):
        pattern += re.escape(path[position : label.start()])
        pattern += "(.+)" if label[2] else "([^/]+)"
        labels.append(label[1])
        position = label.end()
    pattern += re.escape(path[position:])
    if not path.endswith("/"):
        pattern += "/?"
    fixed = len(_LABEL.sub("", path))
    return Route(
        operation=operation,
        pattern=re.compile(pattern, re.DOTALL),
        labels=tuple(labels),
        literals=tuple(literals),
        headers=tuple(headers),
        fixed=fixed_names,
        weight=(
            not operation.deprecated,
            len(literals) + len(fixed_names) + len(headers),
            fixed,
            -path.count("+}"),
        ),
    )
