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

MOST_TESTS = 5000
"""Of a bound; a pattern of more, in all its combinations, is told by what these share."""


def bound_of(pattern: Pattern) -> Expression:
    """An expression over events that holds wherever the pattern does."""
    told: dict[int, Expression] = {}
    for combination in pattern.combinations:
        for path, values in combination:
            # Combinations share their fields' values.
            if id(values) not in told:
                told[id(values)] = _field(path, values)
    fields = [[id(values) for _, values in one] for one in pattern.combinations]
    if sum(map(len, fields)) > MOST_TESTS:
        shared = set(fields[0]).intersection(*fields[1:])
        fields = [[one for one in fields[0] if one in shared]]
    parts = [_all([told[one] for one in some]) for some in fields]
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def _all(parts: Sequence[Expression]) -> Expression:
    telling = tuple(part for part in parts if part is not EVERYTHING)
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
