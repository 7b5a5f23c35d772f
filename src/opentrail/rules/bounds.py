"""What must be true of every event that a pattern takes, in the words of the predicate core.

A pattern tells types and elements of arrays apart, which the core's tree does not; so the tree is
a bound: it holds for every event that the pattern takes, and for some more. It says nothing of
fields that may be absent or null (there the tree cannot tell), and is of use only for events whose
names hold no dots. See docs/decisions/0015.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentrail.predicate.expression import (
    DERIVED,
    EVERYTHING,
    All,
    Any,
    Expression,
    Operator,
    Test,
)
from opentrail.rules.pattern import Pattern
from opentrail.rules.values import (
    Affix,
    AnythingBut,
    Constant,
    Exists,
    SameLetters,
    Text,
    Value,
)


def bound_of(pattern: Pattern) -> Expression:
    """An expression over events that holds wherever the pattern does."""
    combinations = [
        _all([_field(path, values) for path, values in combination])
        for combination in pattern.combinations
    ]
    return combinations[0] if len(combinations) == 1 else Any(tuple(combinations))


def _all(parts: Sequence[Expression]) -> Expression:
    telling = tuple(part for part in parts if part != EVERYTHING)
    return telling[0] if len(telling) == 1 else All(telling)


def _field(path: str, values: Sequence[Value]) -> Expression:
    names = tuple(path.split("."))
    if names[0] in DERIVED:
        return EVERYTHING
    tests = [_value(names, value) for value in values]
    if None in tests:
        return EVERYTHING
    told = tuple(dict.fromkeys(test for test in tests if test is not None))
    return told[0] if len(told) == 1 else Any(told)


def _value(names: tuple[str, ...], value: Value) -> Test | None:
    """None where a field passes that is absent or null."""
    match value:
        case Exists() | AnythingBut() | Constant(None):
            return None
        case Text() if value.address is None:
            return Test(names, Operator.EQUALS, value.text)
        case Affix() if not value.ignore_case:
            operator = Operator.SUFFIX if value.at_end else Operator.PREFIX
            return Test(names, operator, value.text)
        case SameLetters() if value.text.isascii():
            return Test(names, Operator.EQUALS, value.text, ignore_case=True)
        case _:
            return Test(names, Operator.EXISTS)
