"""Whether a record passes an expression, decided over its raw bytes.

Most records fail most searches, so a record is first looked at as bytes: where a text that must
be there is missing, it is not decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any as AnyValue

from opentrail.errors import InvalidInput
from opentrail.search.comparing import text_matcher
from opentrail.search.expression import All, Any, Expression, FreeText, Not, Operator, Test
from opentrail.search.fields import DERIVED
from opentrail.search.lookout import lookout
from opentrail.search.reading import all_texts, decoded, leads_to, texts_at

__all__ = ["Derive", "Matcher", "leads_to", "matcher", "text_matcher", "texts_at"]

Matcher = Callable[[bytes], bool]
Record = Mapping[str, AnyValue]
Derive = Callable[[Record], Mapping[str, str]]
"""The fields of ours (`person`, `session`) that a record has."""

_Holds = Callable[[Record], bool]


def matcher(expression: Expression, derived: Derive | None = None) -> Matcher:
    """Whether a record passes; the record is its JSON object as bytes.

    Bytes that are no JSON object have no fields; free text is looked for in the bytes.

    Args:
        derived: Needed where the expression asks for a field of ours.

    Raises:
        InvalidInput: CIDR without a network, or a field of ours without `derived`.
    """
    holds = _holds(expression, derived)
    may_pass = lookout(expression)

    def matches(raw: bytes) -> bool:
        if not may_pass(raw):
            return False
        record = decoded(raw)
        if record is None:
            return _holds_for_bytes(expression, raw.decode(errors="replace").casefold())
        return holds(record)

    if expression == All(()):
        return lambda _: True
    return matches


def _holds(expression: Expression, derived: Derive | None) -> _Holds:
    match expression:
        case Test():
            return _test(expression, derived)
        case FreeText(text):
            return _free_text(text.casefold())
        case Not(part):
            inner = _holds(part, derived)
            return lambda record: not inner(record)
        case All(parts):
            return _all(tuple(_holds(part, derived) for part in parts))
        case Any(parts):
            return _any(tuple(_holds(part, derived) for part in parts))


def _all(parts: tuple[_Holds, ...]) -> _Holds:
    def holds(record: Record) -> bool:
        for part in parts:  # noqa: SIM110  (a third quicker than all() of a generator)
            if not part(record):
                return False
        return True

    return holds


def _any(parts: tuple[_Holds, ...]) -> _Holds:
    def holds(record: Record) -> bool:
        for part in parts:  # noqa: SIM110  (as above)
            if part(record):
                return True
        return False

    return holds


def _free_text(folded: str) -> _Holds:
    return lambda record: any(folded in text.casefold() for text in all_texts(record))


def _test(test: Test, derived: Derive | None) -> _Holds:
    if test.path[0] in DERIVED:
        if derived is None:
            raise InvalidInput(f"the field {test.path[0]} cannot be searched here")
        inner = _test_of_record(test)
        return lambda record: inner(derived(record))
    return _test_of_record(test)


def _test_of_record(test: Test) -> _Holds:
    path = test.path
    if test.operator is Operator.EXISTS:
        return lambda record: leads_to(record, path)
    passes = text_matcher(test)
    every = test.operator is Operator.NOT_EQUALS

    def holds(record: Record) -> bool:
        value: AnyValue = record
        for name in path:
            if type(value) is not dict:
                break
            value = value.get(name)
            if value is None:
                return False
        else:
            if type(value) is str:
                return passes(value)
        # Arrays, numbers, booleans: less usual.
        texts = texts_at(record, path)
        if every:
            return bool(texts) and all(passes(text) for text in texts)
        return any(passes(text) for text in texts)

    return holds


def _holds_for_bytes(expression: Expression, folded: str) -> bool:
    """As `_holds`, for bytes that are no record."""
    match expression:
        case Test():
            return False
        case FreeText(text):
            return text.casefold() in folded
        case Not(part):
            return not _holds_for_bytes(part, folded)
        case All(parts):
            return all(_holds_for_bytes(part, folded) for part in parts)
        case Any(parts):
            return any(_holds_for_bytes(part, folded) for part in parts)
