"""Whether a record passes an expression, decided over its raw bytes.

Most records fail most searches, so a record is first looked at as bytes: where a text that must
be there is missing, it is not decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any as AnyValue
from typing import TypeGuard

from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import Passes, text_matcher
from opentrail.predicate.expression import (
    DERIVED,
    MOST_REFERENCES,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)
from opentrail.predicate.joining import Holds, Record, all_of, any_of
from opentrail.predicate.lookout import lookout
from opentrail.predicate.reading import (
    all_texts,
    decoded,
    leads_to,
    texts_at,
    texts_within,
)

Matcher = Callable[[bytes], bool]
Derive = Callable[[Record], Mapping[str, str]]
"""The fields of ours (`person`, `session`) that a record has."""


MANY_VALUES = 8
"""So many values of one field are told more quickly as a set than one by one."""


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


def record_matcher(expression: Expression, derived: Derive | None = None) -> Holds:
    """As `matcher`, for records that are decoded already (reading.decoded).

    Raises:
        InvalidInput: as `matcher`.
    """
    return _holds(expression, derived)


def _holds(expression: Expression, derived: Derive | None) -> Holds:
    match expression:
        case Test():
            return _test(expression, derived)
        case Reference():
            return _reference(expression)
        case FreeText(text):
            return _free_text(text.casefold())
        case Not(part):
            inner = _holds(part, derived)
            return lambda record: not inner(record)
        case All(parts):
            return all_of(tuple(_holds(part, derived) for part in parts))
        case Any(parts):
            return any_of(tuple(_alternatives(parts, derived)))


def _alternatives(parts: tuple[Expression, ...], derived: Derive | None) -> Iterator[Holds]:
    """What of parts one has to hold; many values of one field are looked up at once."""
    values: dict[tuple[tuple[str, ...], bool], set[str]] = {}
    for part in parts:
        if _is_equality(part):
            value = part.value.casefold() if part.ignore_case else part.value
            values.setdefault((part.path, part.ignore_case), set()).add(value)
    many = {key: frozenset(some) for key, some in values.items() if len(some) >= MANY_VALUES}
    for (path, ignore_case), some in many.items():
        yield _of_record_or_ours(
            path, _any_text(path, _among(some, ignore_case=ignore_case)), derived
        )
    for part in parts:
        if not (_is_equality(part) and (part.path, part.ignore_case) in many):
            yield _holds(part, derived)


def _is_equality(part: Expression) -> TypeGuard[Test]:
    return isinstance(part, Test) and part.operator is Operator.EQUALS and not part.in_objects


def _among(texts: frozenset[str], *, ignore_case: bool) -> Passes:
    return (lambda text: text.casefold() in texts) if ignore_case else texts.__contains__


def _free_text(folded: str) -> Holds:
    return lambda record: any(folded in text.casefold() for text in all_texts(record))


def _test(test: Test, derived: Derive | None) -> Holds:
    path = test.path
    if test.operator is Operator.EXISTS:
        return _of_record_or_ours(path, lambda record: leads_to(record, path), derived)
    every = test.operator is Operator.NOT_EQUALS
    texts = texts_within if test.in_objects else texts_at
    return _of_record_or_ours(
        path, _any_text(path, text_matcher(test), texts, every=every), derived
    )


def _of_record_or_ours(path: tuple[str, ...], holds: Holds, derived: Derive | None) -> Holds:
    if path[0] not in DERIVED:
        return holds
    if derived is None:
        raise InvalidInput(f"the field {path[0]} cannot be searched here")
    return lambda record: holds(derived(record))


_Texts = Callable[[Record, tuple[str, ...]], Iterable[str]]


def _any_text(
    path: tuple[str, ...], passes: Passes, texts_of: _Texts = texts_at, *, every: bool = False
) -> Holds:
    """Whether one of the field's texts passes; or every one, and there is one."""

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
        texts = texts_of(record, path)
        if every:
            texts = tuple(texts)
            return bool(texts) and all(passes(text) for text in texts)
        return any(passes(text) for text in texts)

    return holds


def _reference(reference: Reference) -> Holds:
    path, other = reference.path, reference.other
    for one in (path, other):
        if one[0] in DERIVED:
            raise InvalidInput(f"the field {one[0]} cannot be searched here")
    fold = str.casefold if reference.ignore_case else str

    def same(record: Record) -> bool:
        return not set(map(fold, texts_at(record, path))).isdisjoint(
            map(fold, texts_at(record, other))
        )

    if reference.operator is Operator.EQUALS:
        return same
    compare = _COMPARED.get(reference.operator)
    if compare is None:
        raise InvalidInput(f"two fields cannot be compared by {reference.operator}")

    def holds(record: Record) -> bool:
        wanted = tuple(map(fold, texts_at(record, other)[:MOST_REFERENCES]))
        return any(compare(fold(text), one) for text in texts_at(record, path) for one in wanted)

    return holds


_COMPARED: dict[Operator, Callable[[str, str], bool]] = {
    Operator.PREFIX: str.startswith,
    Operator.SUFFIX: str.endswith,
    Operator.CONTAINS: str.__contains__,
}


def _holds_for_bytes(expression: Expression, folded: str) -> bool:
    """As `_holds`, for bytes that are no record."""
    match expression:
        case Test() | Reference():
            return False
        case FreeText(text):
            return text.casefold() in folded
        case Not(part):
            return not _holds_for_bytes(part, folded)
        case All(parts):
            return all(_holds_for_bytes(part, folded) for part in parts)
        case Any(parts):
            return any(_holds_for_bytes(part, folded) for part in parts)
