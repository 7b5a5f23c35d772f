"""Whether one value passes one test of a filter pattern.

Texts are compared character by character with `*` for any characters; numbers by their value,
exactly, however they are spelled.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import re2

from opentrail.alarms.pattern_reading import NUMBER, invalid
from opentrail.alarms.pattern_tree import Comparison, Number, Pattern, Text, Value
from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import Passes, text_matcher
from opentrail.predicate.expression import Operator, Test
from opentrail.predicate.reading import Spelled, text_of

Holds = Callable[[Any], bool]
"""Of a value of a decoded record; None for none."""

_ANYWHERE = ("value",)

_ORDERED: dict[Comparison, Callable[[Decimal, Decimal], bool]] = {
    Comparison.EQUALS: lambda one, other: one == other,
    Comparison.NOT_EQUALS: lambda one, other: one != other,
    Comparison.GREATER: lambda one, other: one > other,
    Comparison.GREATER_OR_EQUAL: lambda one, other: one >= other,
    Comparison.LESS: lambda one, other: one < other,
    Comparison.LESS_OR_EQUAL: lambda one, other: one <= other,
}


def text_test(value: Text | Pattern) -> tuple[Operator, str]:
    """The operator and operand with which a text is told to fit."""
    if isinstance(value, Pattern):
        return Operator.REGEX, value.value
    text = value.value
    if "*" not in text:
        return Operator.EQUALS, text
    if "?" in text:
        # WILDCARD would take `?` for any character.
        glob = ".*".join(re2.escape(piece) for piece in text.split("*"))
        return Operator.REGEX, rf"(?s)\A(?:{glob})\z"
    return Operator.WILDCARD, text


def fits(value: Text | Pattern) -> Passes:
    """Whether a text fits.

    Raises:
        InvalidFilterPattern: RE2 cannot read the regular expression.
    """
    operator, operand = text_test(value)
    try:
        return text_matcher(Test(_ANYWHERE, operator, operand))
    except InvalidInput as problem:
        raise invalid(str(problem)) from None


def value_test(comparison: Comparison, value: Value) -> Holds:
    """Whether a record's value compares so; what has no text (null, objects, arrays) never does.

    Raises:
        InvalidFilterPattern: as `fits`.
    """
    if isinstance(value, Number):
        return _number_test(comparison, value, _number_of)
    passes, wanted = fits(value), comparison is Comparison.EQUALS

    def holds(found: Any) -> bool:
        if type(found) is str:
            return passes(found) is wanted
        text = text_of(found)
        return text is not None and passes(text) is wanted

    return holds


def field_test(comparison: Comparison, value: Value) -> Passes:
    """Whether a field of a line compares so; it is a number if it looks like one.

    Raises:
        InvalidFilterPattern: as `fits`.
    """
    if isinstance(value, Number):
        return _number_test(comparison, value, number_in)
    passes, wanted = fits(value), comparison is Comparison.EQUALS
    return lambda text: passes(text) is wanted


def number_in(text: str) -> Decimal | None:
    """The number that JSON would read in `text`, None in any other."""
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _number_of(value: Any) -> Decimal | None:
    kind = type(value)
    if kind is int:
        return Decimal(value)
    if kind is Spelled or kind is float:
        return number_in(str(value))
    return None


def _number_test(
    comparison: Comparison, value: Number, read: Callable[[Any], Decimal | None]
) -> Holds:
    limit, compares = value.value, _ORDERED[comparison]
    differs = comparison is Comparison.NOT_EQUALS

    def holds(found: Any) -> bool:
        number = read(found)
        if number is None:
            # A text is another value than a number.
            return differs and text_of(found) is not None
        return compares(number, limit)

    return holds
