"""What a target gets: the event, a part of it, a constant, or a template filled from it.

A template that begins with a brace or bracket is JSON: outside its strings a placeholder stands for
a JSON value, within them for text. Any other template is text; there objects and arrays are told
without quotes. What is put into a string is escaped, so no event can end it. Source: EventBridge
user guide, "Amazon EventBridge input transformation"; lang: EventBridge 6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.errors import InvalidInput
from opentrail.predicate.reading import Spelled, json_of, text_of
from opentrail.rules.json_path import MISSING, JsonPath, parse_path
from opentrail.rules.rule import Target

MOST_BYTES = 1024 * 1024
"""Of what one target gets of one event; EventBridge's limit of an event."""

PLACEHOLDER = re.compile(r"<([A-Za-z0-9._-]+)>")
PREDEFINED = frozenset(
    {
        "aws.events.rule-arn",
        "aws.events.rule-name",
        "aws.events.event.ingestion-time",
        "aws.events.event",
        "aws.events.event.json",
    }
)


class NotTransformed(InvalidInput):
    """A template gives nothing that a target could get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """An event that a rule takes.

    Attributes:
        event: As predicate.reading decodes it.
        text: Its JSON.
        ingested: When it was taken, as 2026-07-01T09:00:00Z.
    """

    event: Mapping[str, Any]
    text: str
    rule_arn: str
    rule_name: str
    ingested: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template, with the paths that its placeholders stand for."""

    text: str
    paths: tuple[tuple[str, JsonPath], ...] = ()

    def filled(self, occasion: Occasion) -> str:
        """The template with the event's values.

        Raises:
            NotTransformed: it should be JSON and is not, or is too long.
        """
        is_json = self.text.lstrip()[:1] in ("{", "[")
        pieces: list[str] = []
        length, within, at = 0, False, 0
        for found in PLACEHOLDER.finditer(self.text):
            before = self.text[at : found.start()]
            within = _is_within_string(before, within)
            value = self._value(found[1], occasion)
            pieces += (before, _shown(value, is_json=is_json, within=within))
            length += len(pieces[-1])
            if length > MOST_BYTES:
                raise NotTransformed(f"the template gives more than {MOST_BYTES} bytes")
            at = found.end()
        pieces.append(self.text[at:])
        text = "".join(pieces)
        if is_json:
            _check(text)
        return text

    def _value(self, name: str, occasion: Occasion) -> Any:
        for known, path in self.paths:
            if known == name:
                return path.value(occasion.event)
        match name:
            case "aws.events.rule-arn":
                return occasion.rule_arn
            case "aws.events.rule-name":
                return occasion.rule_name
            case "aws.events.event.ingestion-time":
                return occasion.ingested
            case "aws.events.event":
                return _without_detail(occasion.event)
            case "aws.events.event.json":
                return occasion.event
            case _:
                return MISSING


def input_of(target: Target) -> Callable[[Occasion], str]:
    """What the target gets on an occasion.

    The function raises NotTransformed where its template gives nothing that could be sent.

    Raises:
        InvalidPath: one of its paths is none.
    """
    if target.input is not None:
        constant = target.input
        return lambda _: constant
    if target.input_path is not None:
        path = parse_path(target.input_path)
        return lambda occasion: part_of(path, occasion)
    if target.transformer is not None:
        paths = tuple((name, parse_path(one)) for name, one in target.transformer.paths.items())
        return Template(target.transformer.template, paths).filled
    return lambda occasion: occasion.text


def part_of(path: JsonPath, occasion: Occasion) -> str:
    """The JSON of what an input path leads to; null if it leads to nothing."""
    value = path.value(occasion.event)
    return "null" if value is MISSING else json_of(value)


def placeholders(template: str) -> Iterator[str]:
    """The names that a template has placeholders for."""
    return (found[1] for found in PLACEHOLDER.finditer(template))


def _without_detail(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "detailType" if name == "detail-type" else name: value
        for name, value in event.items()
        if name != "detail"
    }


def _is_within_string(text: str, within: bool) -> bool:  # noqa: FBT001 - the state so far
    """Whether a JSON string is open behind `text`."""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = within
        elif character == '"':
            within = not within
    return within


def _shown(value: Any, *, is_json: bool, within: bool) -> str:
    if is_json and not within:
        return '""' if value is MISSING else json_of(value)
    if isinstance(value, dict | list):
        if is_json or not within:
            return json_of(value)
        return _escaped(_without_quotes(value))
    text = "" if value is MISSING else (text_of(value) or "") if value is not None else "null"
    return _escaped(text) if within else text


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _without_quotes(value: Any) -> str:
    """An object or array as JSON whose strings have no quotes."""
    pieces: list[str] = []
    # What is still to be told, the next last: a value, or text that is ready.
    waiting: list[Any] = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is _Ready or type(value) is Spelled:
            pieces.append(value)
        elif isinstance(value, dict):
            parts: list[Any] = [_Ready("{")]
            for number, (name, member) in enumerate(value.items()):
                parts += (_Ready(f"{',' if number else ''}{name}:"), member)
            waiting += [_Ready("}"), *reversed(parts)]
        elif isinstance(value, list):
            parts = [_Ready("[")]
            for number, member in enumerate(value):
                parts += (_Ready("," if number else ""), member)
            waiting += [_Ready("]"), *reversed(parts)]
        else:
            pieces.append("null" if value is None else str(text_of(value)))
    return "".join(pieces)


class _Ready(str):
    """Text that is told as it is."""

    __slots__ = ()


def _check(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise NotTransformed("the template with the event's values is not JSON") from None
