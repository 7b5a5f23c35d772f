"""pySigma's conditions and values as the neutral tree of sigma.tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from opentrail.errors import InvalidInput
from opentrail.sigma.tree import (
    Condition,
    Every,
    Exists,
    Field,
    Is,
    Keyword,
    Moment,
    Network,
    Never,
    Null,
    Number,
    OneOf,
    Order,
    Ordered,
    Pattern,
    Some,
    Text,
    Unit,
    Value,
    Wildcard,
)

Placeholders = Mapping[str, Sequence[str]]
"""The values that `%name%` stands for (modifier `expand`)."""

_WILDCARDS = {
    SpecialChars.WILDCARD_MULTI: Wildcard.MANY,
    SpecialChars.WILDCARD_SINGLE: Wildcard.ONE,
}
_ORDERS = {
    CompareOperators.LT: Order.LESS,
    CompareOperators.LTE: Order.LESS_OR_EQUAL,
    CompareOperators.GT: Order.GREATER,
    CompareOperators.GTE: Order.GREATER_OR_EQUAL,
}


def condition_of(parsed: object, placeholders: Placeholders) -> Condition:
    """The condition.

    Args:
        parsed: What pySigma's `SigmaCondition.parsed` gives.

    Raises:
        InvalidInput: something in it has no meaning for records, or a placeholder has no values.
    """
    match parsed:
        case ConditionAND():
            return Every(tuple(condition_of(one, placeholders) for one in parsed.args))
        case ConditionOR():
            return Some(tuple(condition_of(one, placeholders) for one in parsed.args))
        case ConditionNOT():
            return Never(condition_of(parsed.args[0], placeholders))
        case ConditionFieldEqualsValueExpression():
            return Is(parsed.field, value_of(parsed.value, placeholders))
        case ConditionValueExpression():
            return Keyword(value_of(parsed.value, placeholders))
        case _:
            raise InvalidInput("its condition is empty")


def value_of(value: SigmaType, placeholders: Placeholders) -> Value:
    """The value.

    Raises:
        InvalidInput: as `condition_of`.
    """
    for kind, make in _SIMPLE.items():
        if isinstance(value, kind):
            return make(value)
    match value:
        case SigmaString() | SigmaRegularExpression():
            return _expanded(value, placeholders)
        case SigmaExpansion():
            return OneOf(tuple(value_of(one, placeholders) for one in value.values))
        case SigmaCompareExpression() if value.op in _ORDERS:
            if isinstance(value.number, SigmaTimestampPart):
                return _moment(value.number, _ORDERS[value.op])
            return Ordered(_ORDERS[value.op], str(value.number))
        case _:
            raise InvalidInput(f"values of the kind {type(value).__name__} are not known here")


def _moment(part: SigmaTimestampPart, order: Order = Order.EQUAL) -> Moment:
    return Moment(Unit(part.timestamp_part.name.lower()), order, int(part.number))


_SIMPLE: dict[type[SigmaType], Callable[..., Value]] = {
    SigmaNull: lambda _: Null(),
    SigmaExists: lambda value: Exists(value.exists),
    SigmaBool: lambda value: Number(str(value.boolean).lower()),
    SigmaTimestampPart: _moment,
    SigmaNumber: lambda value: Number(str(value)),
    SigmaCIDRExpression: lambda value: Network(value.cidr),
    SigmaFieldReference: lambda value: Field(value.field, value.starts_with, value.ends_with),
}
"""In this order: a SigmaTimestampPart is a SigmaNumber, too."""


def _expanded(value: SigmaString | SigmaRegularExpression, placeholders: Placeholders) -> Value:
    """The value, or one for each combination of its placeholders' values."""
    if not value.contains_placeholder():
        return _plain(value)

    def replacements(placeholder: Placeholder) -> Iterator[SigmaString]:
        texts = placeholders.get(placeholder.name)
        if not texts:
            raise InvalidInput(
                f"the placeholder %{placeholder.name}% has no values; give them in rules.toml: "
                f'[placeholders], {placeholder.name} = ["…"]'
            )
        yield from map(SigmaString, texts)

    values = tuple(map(_plain, value.replace_placeholders(replacements)))
    return values[0] if len(values) == 1 else OneOf(values)


def _plain(value: SigmaString | SigmaRegularExpression) -> Value:
    if isinstance(value, SigmaRegularExpression):
        flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
        return Pattern(str(value.regexp), flags)
    parts = tuple(
        part if isinstance(part, str) else _WILDCARDS[part]
        for part in value.s
        if not isinstance(part, Placeholder)
    )
    return Text(parts, cased=isinstance(value, SigmaCasedString))
