"""JSON filter patterns: the exact predicate over a record, and its bound.

A selector leads to at most one value unless it has a wildcard; with one, a condition holds when it
does for any of the values. A comparison never holds for what is missing, null, an object or an
array (`!=` neither). Alternatives that ask the same selector for different texts are one set.
Source: CloudWatch Logs user guide, "Filter pattern syntax"; of `!=` on a missing key: ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any as AnyValue

from opentrail.alarms.pattern_tree import (
    Both,
    Compare,
    Comparison,
    Condition,
    Constant,
    Either,
    Every,
    Is,
    Missing,
    Number,
    Pattern,
    Selector,
    Step,
    Text,
)
from opentrail.alarms.pattern_values import text_test, value_test
from opentrail.predicate.expression import (
    DERIVED,
    EVERYTHING,
    All,
    Any,
    Expression,
    Operator,
    Test,
)
from opentrail.predicate.joining import all_of, any_of
from opentrail.predicate.reading import text_of

Record = Mapping[str, AnyValue]
Predicate = Callable[[Record], bool]

_CONSTANTS = {Constant.NULL: None, Constant.TRUE: True, Constant.FALSE: False}


def predicate(condition: Condition) -> Predicate:
    """Whether a record, as reading.decoded gives it, passes.

    Raises:
        InvalidFilterPattern: RE2 cannot read a regular expression.
    """
    match condition:
        case Compare(selector, comparison, value):
            return _at(selector, value_test(comparison, value))
        case Is(selector, constant):
            wanted = _CONSTANTS[constant]
            return lambda record: any(found is wanted for found in values(record, selector.steps))
        case Missing(selector):
            return lambda record: not any(True for _ in values(record, selector.steps))
        case Both(parts):
            return all_of(tuple(predicate(part) for part in parts))
        case Either(parts):
            return any_of(tuple(_alternatives(parts)))


def values(record: Record, steps: tuple[Step, ...]) -> Iterator[AnyValue]:
    """What stands where the steps lead, null too."""
    found: list[AnyValue] = [record]
    for step in steps:
        found = [below for value in found for below in _below(value, step)]
        if not found:
            return
    yield from found


def _below(value: AnyValue, step: Step) -> list[AnyValue]:
    if isinstance(value, dict):
        if step is Every.MEMBER:
            return list(value.values())
        return [value[step]] if isinstance(step, str) and step in value else []
    if isinstance(value, list):
        if step is Every.ELEMENT:
            return value
        return [value[step]] if isinstance(step, int) and step < len(value) else []
    return []


def first_text(record: Record, selector: Selector) -> str | None:
    """The text of the first value at the selector that has one."""
    texts = (text_of(value) for value in values(record, selector.steps))
    return next((text for text in texts if text is not None), None)


def _at(selector: Selector, holds: Callable[[AnyValue], bool]) -> Predicate:
    """Whether one of the values holds; the usual short paths are walked straight."""
    path = selector.path if selector.is_plain else None
    if path is None or len(path) > 2:
        return lambda record: any(holds(value) for value in values(record, selector.steps))
    first, *rest = path
    if not rest:
        return lambda record: holds(record.get(first))
    second = rest[0]

    def holds_below(record: Record) -> bool:
        inner = record.get(first)
        return type(inner) is dict and holds(inner.get(second))

    return holds_below


def _alternatives(parts: tuple[Condition, ...]) -> Iterator[Predicate]:
    texts: dict[Selector, set[str]] = {}
    for part in parts:
        text = _equal_text(part)
        if text is not None:
            texts.setdefault(text[0], set()).add(text[1])
    for selector, some in texts.items():
        yield _at(selector, _among(frozenset(some)))
    for part in parts:
        if _equal_text(part) is None:
            yield predicate(part)


def _equal_text(part: Condition) -> tuple[Selector, str] | None:
    match part:
        case Compare(selector, Comparison.EQUALS, Text(text)) if "*" not in text:
            return selector, text
        case _:
            return None


def _among(texts: frozenset[str]) -> Callable[[AnyValue], bool]:
    def holds(value: AnyValue) -> bool:
        if type(value) is str:
            return value in texts
        return text_of(value) in texts

    return holds


def bound(condition: Condition) -> Expression:
    """An expression that holds for every record that the condition holds for.

    A path of an expression enters every array on its way, so it leads to at least the values that
    the selector's places lead to.
    """
    match condition:
        case Both(parts):
            return All(tuple(one for one in map(bound, parts) if one != EVERYTHING))
        case Either(parts):
            bounds = tuple(map(bound, parts))
            return EVERYTHING if EVERYTHING in bounds else Any(bounds)
        case _:
            path = condition.selector.path
            return _bound_at(path, condition) if path and path[0] not in DERIVED else EVERYTHING


def _bound_at(path: tuple[str, ...], condition: Compare | Is | Missing) -> Expression:
    match condition:
        case Compare(_, Comparison.NOT_EQUALS, _):
            return Test(path, Operator.EXISTS)
        case Compare(_, comparison, Number() as value):
            return _number_bound(path, comparison, value.spelling)
        case Compare(_, _, Text() | Pattern() as value):
            return Test(path, *text_test(value))
        case Is(_, Constant.TRUE | Constant.FALSE as constant):
            return Test(path, Operator.EQUALS, constant.value.lower())
        case _:
            # An expression counts null as missing, and enters arrays that the selector does not.
            return EVERYTHING


def _number_bound(path: tuple[str, ...], comparison: Comparison, spelling: str) -> Expression:
    if comparison is Comparison.EQUALS:
        return All(
            (
                Test(path, Operator.GREATER_OR_EQUAL, spelling),
                Test(path, Operator.LESS_OR_EQUAL, spelling),
            )
        )
    return Test(path, Operator(comparison.value), spelling)
