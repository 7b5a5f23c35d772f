"""Generated records and expressions, judged by the rules written out slowly; De Morgan's laws."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any as AnyValue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.predicate.comparing import text_matcher
from opentrail.predicate.expression import All, Any, Expression, FreeText, Not, Operator
from opentrail.predicate.expression import Test as Compared
from opentrail.predicate.matching import MANY_VALUES, matcher
from opentrail.search.parser import parse_filter
from opentrail.search.render import render


class Number(str):
    __slots__ = ()


def read(raw: bytes) -> AnyValue:
    return json.loads(raw, parse_int=Number, parse_float=Number)


def led_to(value: AnyValue, path: tuple[str, ...]) -> Iterator[AnyValue]:
    if not path:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from led_to(one, path)
    elif isinstance(value, dict) and path[0] in value:
        yield from led_to(value[path[0]], path[1:])


def texts(value: AnyValue, *, names: bool = False) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from texts(one, names=names)
    elif isinstance(value, dict):
        for name, one in value.items() if names else ():
            yield name
            yield from texts(one, names=names)
    elif value is not None:
        yield str(value).lower() if isinstance(value, bool) else value


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?", text) is not None


def compares(text: str, operator: Operator, value: str) -> bool:
    left: AnyValue = text
    right: AnyValue = value
    if is_number(text) and is_number(value):
        left, right = Decimal(text), Decimal(value)
    match operator:
        case Operator.GREATER:
            return bool(left > right)
        case Operator.GREATER_OR_EQUAL:
            return bool(left >= right)
        case Operator.LESS:
            return bool(left < right)
        case _:
            return bool(left <= right)


def fits(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and fits(text[1:], pattern[1:])


def is_within(text: str, value: str) -> bool:
    try:
        return ip_address(text) in ip_network(value)
    except ValueError:
        return False


def passes(text: str, operator: Operator, value: str) -> bool:
    match operator:
        case Operator.EQUALS:
            return text == value
        case Operator.PREFIX:
            return text[: len(value)] == value
        case Operator.SUFFIX:
            return text[max(0, len(text) - len(value)) :] == value
        case Operator.CONTAINS:
            return text.count(value) > 0
        case Operator.WILDCARD:
            return fits(text, value)
        case Operator.CIDR:
            return is_within(text, value)
        case _:
            return compares(text, operator, value)


def judged(expression: Expression, record: AnyValue) -> bool:
    match expression:
        case FreeText(text):
            return any(text.casefold() in one.casefold() for one in texts(record, names=True))
        case Not(part):
            return not judged(part, record)
        case All(parts):
            return all(judged(part, record) for part in parts)
        case Any(parts):
            return any(judged(part, record) for part in parts)
        case Compared(path, operator, value):
            found = list(led_to(record, path))
            if operator is Operator.EXISTS:
                return any(one is not None for one in found)
            all_texts = [text for one in found for text in texts(one)]
            if operator is Operator.NOT_EQUALS:
                return bool(all_texts) and value not in all_texts
            return any(passes(text, operator, value) for text in all_texts)


NAMES = st.sampled_from(["eventName", "requestParameters", "a", "A", "x.y", "tag/é", "é"])
TEXTS = st.sampled_from(["", "a", "ab", "aB*", "b?a", "Put/Object", "é\n", '"\\', "10", "2.50"]) | (
    st.sampled_from(["10.1.2.3", "2001:db8::1", "2026-07-01", "true", "null", "\u212a", "k"])
)
NUMBERS = st.sampled_from(["0", "-0", "10", "1e1", "10.0", "9.82E-5", "-3", "1E400", "9" * 30])


def spelled(character: str) -> st.SearchStrategy[str]:
    """A character as JSON may spell it: mostly as it is."""
    plain = json.dumps(character, ensure_ascii=False)[1:-1]
    units = character.encode("utf-16-be")
    escaped = "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
    also = "\\/" if character == "/" else plain
    return st.sampled_from([plain, plain, plain, plain, also, escaped])


def string(text: str) -> st.SearchStrategy[str]:
    as_it_is = st.just(json.dumps(text, ensure_ascii=False))
    mixed = st.tuples(*map(spelled, text)).map(lambda parts: '"' + "".join(parts) + '"')
    return as_it_is | mixed


STRINGS = TEXTS.flatmap(string)
SPACES = st.sampled_from(["", "", " ", "\n"])
SCALARS = STRINGS | NUMBERS | st.sampled_from(["true", "false", "null"])


def larger(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return objects(values) | st.lists(values, max_size=3).map(lambda all_: f"[{','.join(all_)}]")


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Names may come twice."""
    member = st.tuples(NAMES.flatmap(string), SPACES, st.just(":"), SPACES, values).map("".join)
    return st.lists(member, max_size=4).map(lambda members: "{" + ", ".join(members) + "}")


RECORDS = objects(st.recursive(SCALARS, larger, max_leaves=8)).map(str.encode)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
VALUES = TEXTS | NUMBERS | TEXTS.map(lambda text: text[:1])
PATTERNS = st.text(alphabet="ab*?", max_size=6) | VALUES
NETWORKS = st.sampled_from(["10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "2001:db8::/32", "::/0"])
UNLIKE = {Operator.CIDR, Operator.WILDCARD, Operator.EXISTS, Operator.REGEX}
"""Operators whose values have a form of their own, and the one that no filter has."""

PLAIN = [one for one in Operator if one not in UNLIKE]
TESTS: st.SearchStrategy[Compared] = (
    st.builds(Compared, PATHS, st.sampled_from(PLAIN), VALUES)
    | st.builds(Compared, PATHS, st.just(Operator.WILDCARD), PATTERNS)
    | st.builds(Compared, PATHS, st.just(Operator.CIDR), NETWORKS)
    | st.builds(Compared, PATHS, st.just(Operator.EXISTS))
)


def combined(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, parts)


LEAVES = TESTS | st.builds(FreeText, VALUES | st.sampled_from(["EVENT", "OBJ", "ull", "10."]))
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(LEAVES, combined, max_leaves=6)


@pytest.mark.contract
@given(EXPRESSIONS, RECORDS)
@settings(max_examples=500, deadline=None)
def test_a_matcher_decides_as_the_rules_written_out(expression: Expression, raw: bytes) -> None:
    assert matcher(expression)(raw) == judged(expression, read(raw))


@pytest.mark.contract
@given(TESTS, RECORDS)
@settings(max_examples=300, deadline=None)
def test_one_test_decides_as_the_rules_written_out(test: Compared, raw: bytes) -> None:
    assert matcher(test)(raw) == judged(test, read(raw))


@pytest.mark.contract
@given(st.data(), PATHS, RECORDS)
@settings(max_examples=300, deadline=None)
def test_many_values_of_one_field_decide_as_the_rules_written_out(
    data: st.DataObject, path: tuple[str, ...], raw: bytes
) -> None:
    near = MANY_VALUES - 2
    values = data.draw(st.lists(VALUES, min_size=near, max_size=near + 5, unique=True))
    parts = [Compared(path, Operator.EQUALS, value) for value in values]
    expression = Any((*parts, *data.draw(st.lists(EXPRESSIONS, max_size=2))))

    assert matcher(expression)(raw) == judged(expression, read(raw))


def every(alphabet: str, longest: int) -> list[str]:
    return ["".join(one) for size in range(longest + 1) for one in product(alphabet, repeat=size)]


def test_every_short_wildcard_fits_the_whole_of_every_short_text() -> None:
    all_texts = every("a\n", 4)

    for pattern in every("a\n*?", 5):
        test = text_matcher(Compared(("a",), Operator.WILDCARD, pattern))
        assert [test(text) for text in all_texts] == [fits(text, pattern) for text in all_texts]


@given(st.lists(EXPRESSIONS, max_size=3).map(tuple), RECORDS | st.binary(max_size=20))
@settings(max_examples=50, deadline=None)
def test_de_morgan(parts: tuple[Expression, ...], raw: bytes) -> None:
    opposites = tuple(Not(part) for part in parts)

    assert matcher(Not(All(parts)))(raw) == matcher(Any(opposites))(raw)
    assert matcher(Not(Any(parts)))(raw) == matcher(All(opposites))(raw)


@given(EXPRESSIONS, RECORDS | st.binary(max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_record_passes_an_expression_or_its_opposite(expression: Expression, raw: bytes) -> None:
    assert matcher(expression)(raw) != matcher(Not(expression))(raw)


KNOWN = st.lists(NAMES, max_size=2).map(lambda names: ("requestParameters", *names))
WRITTEN = st.recursive(
    st.builds(Compared, KNOWN, st.sampled_from(PLAIN), VALUES)
    | st.builds(FreeText, VALUES.filter(bool)),
    combined,
    max_leaves=6,
)


@given(WRITTEN, RECORDS)
@settings(max_examples=150, deadline=None)
def test_a_rendered_expression_passes_the_same_records(expression: Expression, raw: bytes) -> None:
    assert matcher(parse_filter(render(expression)))(raw) == matcher(expression)(raw)
