"""Which rows of a segment pass an expression: no, maybe or yes, from the columns alone.

Three-valued: a row's state is 0 when the columns prove that it does not pass, 2 when they prove
that it does, 1 when the record itself has to be asked. AND is the least, OR the greatest, NOT is
2 less the state; so whatever the columns don't know stays 1, never wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.columns import COMPLEX_HASH, NO_HASH, hash_of, short
from opentrail.adapters.events.segments.members import PARAMETERS, candidates
from opentrail.adapters.events.segments.postings import CATEGORY, DATA
from opentrail.adapters.events.segments.schema import (
    ABSENT,
    COMPLEX,
    FIRST,
    HASHED_PATHS,
    LIST_PATHS,
    LOOKUP_PATHS,
    RESOURCE_NAME,
    SINGLE_PATHS,
    USERNAME,
    Path,
)
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.events.segments.texts import Texts, encode_text
from opentrail.history.resource_names import MEMBERS
from opentrail.predicate.comparing import text_matcher
from opentrail.predicate.expression import (
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)

States = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.intp]

NO, MAYBE, YES = 0, 1, 2

_SINGLE = frozenset((*SINGLE_PATHS, USERNAME))
_LISTS = frozenset(LIST_PATHS + LOOKUP_PATHS)
_HASHED = frozenset(HASHED_PATHS)


def states(segment: Segment, expression: Expression, rows: Rows, seed: int) -> States:
    """The state of each of `rows`."""
    match expression:
        case All(parts):
            return _all(segment, parts, rows, seed)
        case Any(parts):
            return _any(segment, parts, rows, seed)
        case Not(part):
            found: States = np.uint8(YES) - states(segment, part, rows, seed)
            return found
        case FreeText():
            return np.full(len(rows), MAYBE, np.uint8)
        case Reference(path, _, other):
            there = (Test(path, Operator.EXISTS), Test(other, Operator.EXISTS))
            return np.minimum(_all(segment, there, rows, seed), np.uint8(MAYBE))
        case Test():
            return _test(segment, expression, rows, seed)


def _all(segment: Segment, parts: tuple[Expression, ...], rows: Rows, seed: int) -> States:
    """Cheap parts first; rows that are out already are not looked at again."""
    if any(_never_holds(segment, part) for part in parts):
        return np.zeros(len(rows), np.uint8)
    left, left_states = rows, np.full(len(rows), YES, np.uint8)
    places: Rows | None = None
    for part in sorted(parts, key=_cost):
        left_states = np.minimum(left_states, states(segment, part, left, seed))
        alive = np.flatnonzero(left_states != NO)
        if len(alive) == len(left):
            continue
        left, left_states = left[alive], left_states[alive]
        places = alive if places is None else places[alive]
        if not len(left):
            break
    if places is None:
        return left_states
    found = np.zeros(len(rows), np.uint8)
    found[places] = left_states
    return found


def _never_holds(segment: Segment, part: Expression) -> bool:
    """Whether a text is asked for that no event of the segment has."""
    return (
        _is_equality(part)
        and part.path in _SINGLE
        and segment.texts(part.path).find(part.value) is None
        and not segment.has_complex(part.path)
    )


def _any(segment: Segment, parts: tuple[Expression, ...], rows: Rows, seed: int) -> States:
    found = np.zeros(len(rows), np.uint8)
    for part in _equalities(segment, parts, rows, found):
        found = np.maximum(found, states(segment, part, rows, seed))
    return found


def _equalities(
    segment: Segment, parts: tuple[Expression, ...], rows: Rows, found: States
) -> list[Expression]:
    """Many values of one field are told in one look; the parts that are left."""
    by_path: dict[Path, list[str]] = {}
    left: list[Expression] = []
    for part in parts:
        if _is_equality(part) and part.path in _SINGLE:
            by_path.setdefault(part.path, []).append(part.value)
        else:
            left.append(part)
    for path, values in by_path.items():
        texts = segment.texts(path)
        table = np.zeros(len(texts) + FIRST, np.uint8)
        table[COMPLEX] = MAYBE
        for value in values:
            number = texts.find(value)
            if number is not None:
                table[number + FIRST] = YES
        np.maximum(found, table[_at(segment.codes(path), rows)], out=found)
    return left


def _is_equality(part: Expression) -> TypeGuard[Test]:
    return (
        isinstance(part, Test)
        and part.operator is Operator.EQUALS
        and not part.ignore_case
        and not part.in_objects
    )


def _cost(expression: Expression) -> int:
    if isinstance(expression, Test):
        if expression.path in _SINGLE:
            return 0 if _is_equality(expression) else 1
        return 2 if expression.path in _LISTS or expression.path in _HASHED else 8
    return 9 if isinstance(expression, FreeText) else 4


def _at(array: Array, rows: Rows) -> Array:
    return array if len(rows) == len(array) else array[rows]


def _test(segment: Segment, test: Test, rows: Rows, seed: int) -> States:
    if test.path in _SINGLE and _is_equality(test):
        return _equal_states(segment, test, rows)
    if test.path in _SINGLE:
        table = _table(segment.texts(test.path), test)
        found: States = table[_at(segment.codes(test.path), rows)]
        return found
    if test.path in _LISTS and not test.in_objects:
        return _list_states(segment, test, rows)
    if test.path in _HASHED:
        return _hashed_states(segment, test, rows, seed)
    if _is_equality(test) and test.path[0] == PARAMETERS and len(test.path) > 1:
        found = np.zeros(segment.entry.rows, np.uint8)
        found[candidates(segment.arrays, test.path[-1], test.value, seed)] = MAYBE
        return _at(found, rows)
    if _is_equality(test) and test.path[-1] in MEMBERS and test.path[0] == _RESPONSE:
        # Such a text is among the names of look-ups, or those are told not to be all.
        named = _list_states(segment, Test(RESOURCE_NAME, Operator.EQUALS, test.value), rows)
        data = segment.code(CATEGORY, DATA)
        if data is not None:
            named[_at(segment.codes(CATEGORY), rows) == data] = MAYBE
        return np.minimum(named, np.uint8(MAYBE))
    return np.full(len(rows), MAYBE, np.uint8)


_RESPONSE = "responseElements"


def _equal_states(segment: Segment, test: Test, rows: Rows) -> States:
    """As by `_table`, without a table: the usual test."""
    number = segment.texts(test.path).find(test.value)
    is_complex = segment.has_complex(test.path)
    if number is None and not is_complex:
        return np.zeros(len(rows), np.uint8)
    codes = _at(segment.codes(test.path), rows)
    found = np.zeros(len(rows), np.uint8)
    if number is not None:
        found[codes == number + FIRST] = YES
    if is_complex:
        found[codes == COMPLEX] = MAYBE
    return found


def _table(texts: Texts, test: Test) -> States:
    """The state of every code of a field."""
    table = np.zeros(len(texts) + FIRST, np.uint8)
    passing = _passing(texts, test)
    if test.operator is Operator.NOT_EQUALS:
        table[FIRST:] = YES
        table[FIRST:][passing] = NO
    else:
        table[FIRST:][passing] = YES
    table[ABSENT] = NO
    table[COMPLEX] = YES if test.operator is Operator.EXISTS else MAYBE
    return table


def _passing(texts: Texts, test: Test) -> slice | npt.NDArray[np.bool_]:
    """The texts that pass; for NOT_EQUALS those that equal."""
    match test.operator:
        case Operator.EXISTS:
            return slice(None)
        case _ if test.ignore_case:
            equals = test.operator is Operator.NOT_EQUALS
            passes = text_matcher(replace(test, operator=Operator.EQUALS) if equals else test)
            return np.fromiter(map(passes, texts.all()), np.bool_, len(texts))
        case Operator.EQUALS | Operator.NOT_EQUALS:
            number = texts.find(test.value)
            return slice(0, 0) if number is None else slice(number, number + 1)
        case Operator.PREFIX:
            return _prefixed(texts, encode_text(test.value))
        case _:
            passes = text_matcher(test)
            return np.fromiter(map(passes, texts.all()), np.bool_, len(texts))


def _prefixed(texts: Texts, prefix: bytes) -> slice:
    first = texts.first_not_below(prefix)
    # No UTF-8 byte is 0xff: this is above all that begin with the prefix.
    return slice(first, max(first, texts.first_not_below(prefix + b"\xff")))


def _list_states(segment: Segment, test: Test, rows: Rows) -> States:
    codes = segment.codes(test.path)
    entry_rows = segment.entry_rows(test.path)
    found = np.zeros(segment.entry.rows, np.uint8)
    if test.operator is Operator.NOT_EQUALS:
        found[entry_rows] = YES
        equal = _table(segment.texts(test.path), replace(test, operator=Operator.EQUALS))
        by_entry = equal[codes]
        found[entry_rows[by_entry == MAYBE]] = MAYBE
        found[entry_rows[by_entry == YES]] = NO
    else:
        by_entry = _table(segment.texts(test.path), test)[codes]
        found[entry_rows[by_entry == MAYBE]] = MAYBE
        found[entry_rows[by_entry == YES]] = YES
    return _at(found, rows)


def _hashed_states(segment: Segment, test: Test, rows: Rows, seed: int) -> States:
    if test.path[0] == "eventID":
        hashes = _at(segment.event_id_hashes(), rows)
        wanted = np.uint64(hash_of(test.value, seed))
    else:
        hashes = _at(segment.arrays["hash:" + test.path[0]], rows)
        wanted = short(np.array([hash_of(test.value, seed)], np.uint64))[0]
    found = np.full(len(rows), MAYBE, np.uint8)
    match test.operator:
        case Operator.EXISTS:
            found[:] = YES
        case _ if test.ignore_case:
            pass
        case Operator.EQUALS:
            found[hashes != wanted] = NO
        case Operator.NOT_EQUALS:
            found[hashes != wanted] = YES
        case _:
            pass
    if test.operator is not Operator.EXISTS:
        found[hashes == COMPLEX_HASH] = MAYBE
    found[hashes == NO_HASH] = NO
    return found
