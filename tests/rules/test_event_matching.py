"""Compiled patterns, the walk, and the index, against asking the plain way."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.predicate.matching import record_matcher
from opentrail.predicate.reading import decoded
from opentrail.rules import walking
from opentrail.rules.bounds import bound_of
from opentrail.rules.matching import Matcher
from opentrail.rules.passing import any_passes, may_be_absent
from opentrail.rules.pattern import Pattern, parse_pattern
from opentrail.rules.ruleset import RuleSet, may_have_dotted_names
from opentrail.rules.walking import Fields, has_dotted_names
from pace import within


def flattened(
    value: Any, path: tuple[str, ...], within: Mapping[int, int], number: Iterator[int]
) -> Iterator[tuple[str, Any, Mapping[int, int]]]:
    """Every leaf with its name and the array elements that it lies in."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from flattened(member, (*path, name), within, number)
    elif isinstance(value, list):
        array = next(number)
        for index, element in enumerate(value):
            inside = {**within, array: index} if isinstance(element, dict | list) else within
            yield from flattened(element, path, inside, number)
    else:
        yield ".".join(path), value, within


def plain(pattern: Pattern, event: Any) -> bool:
    """Every choice of values is tried, in the order of the fields' names."""
    leaves = list(flattened(event, (), {}, iter(range(10**9))))

    def agree(one: Mapping[int, int], other: Mapping[int, int]) -> bool:
        return all(other.get(array, index) == index for array, index in one.items())

    def search(fields: Any, settled: Mapping[int, int]) -> bool:
        if not fields:
            return True
        (path, values), *rest = fields
        passes = any_passes(values)
        there = [(leaf, at) for name, leaf, at in leaves if name == path and agree(at, settled)]
        if not there:
            return may_be_absent(values) and search(rest, settled)
        return any(passes(leaf) and search(rest, {**settled, **at}) for leaf, at in there)

    return any(search(list(fields), {}) for fields in pattern.combinations)


NAMES = st.sampled_from(["a", "b", "c", "a.b", "b.c", ""])
LEAVES = st.sampled_from(["x", "y", "10.0.0.1", "", 1, 2.5, -3, True, None])
EVENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
VALUES = st.sampled_from(
    [
        *("x", "y", "10.0.0.1", "", 1, 2.5, True, None),
        *({"exists": True}, {"exists": False}, {"prefix": "x"}, {"suffix": ""}),
        *({"anything-but": "x"}, {"anything-but": [1]}, {"numeric": [">", 0]}),
        *({"cidr": "10.0.0.0/8"}, {"equals-ignore-case": "X"}, {"wildcard": "*x"}),
        {"anything-but": {"prefix": "x"}},
    ]
)
ARRAYS = st.lists(VALUES, min_size=1, max_size=3)


def members(inner: Any) -> Any:
    some = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    return some | st.builds(
        lambda one, other: {"$or": [one, other]}, some, some
    )  # fmt: skip


PATTERNS = st.recursive(ARRAYS, members, max_leaves=6).filter(lambda one: isinstance(one, dict))


@settings(max_examples=600, deadline=None)
@given(PATTERNS, st.dictionaries(NAMES, EVENTS, max_size=3))
def test_compiled_and_walked_patterns_answer_as_plain_ones(pattern: Any, event: Any) -> None:
    parsed, there = parse_pattern(json.dumps(pattern)), decoded(json.dumps(event).encode())
    assert there is not None
    matcher = Matcher(parsed)

    expected = plain(parsed, there)

    assert matcher.holds_for_any(there) is expected
    walks = [
        Fields([walking.Field(path, any_passes(values), may_be_absent=may_be_absent(values))
                for path, values in fields])
        for fields in parsed.combinations
    ]  # fmt: skip
    assert any(walk.hold(there) for walk in walks) is expected
    if not has_dotted_names(there):
        assert matcher.holds(there) is expected
        if expected:
            assert record_matcher(bound_of(parsed))(there)


DETAIL_NAMES = st.sampled_from(["eventName", "eventSource", "a", "b", "a.b"])
EVENT_NAMES = st.sampled_from(["A", "a", "B", "C"])
DETAILS = st.fixed_dictionaries(
    {}, optional={"eventName": EVENT_NAMES | st.lists(EVENT_NAMES) | EVENTS, "eventSource": EVENTS,
                  "a": EVENTS, "b": EVENTS, "a.b": EVENTS},
)  # fmt: skip
ENVELOPES = st.fixed_dictionaries(
    {"source": EVENT_NAMES, "detail": DETAILS | EVENTS}, optional={"detail.eventName": EVENT_NAMES}
)
RULES = st.fixed_dictionaries(
    {
        "detail": st.dictionaries(
            DETAIL_NAMES, ARRAYS | st.lists(EVENT_NAMES, min_size=1), min_size=1
        )
    },
    optional={"source": st.lists(EVENT_NAMES | VALUES, min_size=1)},
)


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=6), ENVELOPES)
def test_the_index_finds_what_asking_every_rule_finds(rules: Any, envelope: Any) -> None:
    patterns = [parse_pattern(json.dumps(rule)) for rule in rules]
    raw = json.dumps(envelope).encode()
    event = decoded(raw)
    assert event is not None

    some = RuleSet({number: (one, Matcher(one)) for number, one in enumerate(patterns)})

    expected = [number for number, one in enumerate(patterns) if plain(one, event)]
    assert sorted(some.matching(event)) == expected
    assert sorted(some.matching(event, may_have_dots=may_have_dotted_names(raw))) == expected


@given(st.dictionaries(st.text(max_size=4), EVENTS))
def test_names_with_dots_are_seen_in_the_bytes(event: Any) -> None:
    for raw in (json.dumps(event), json.dumps(event, indent=1, ensure_ascii=False)):
        there = decoded(raw.encode("utf-8", "surrogatepass"))
        if there is not None and has_dotted_names(there):
            assert may_have_dotted_names(raw.encode())


def test_an_escaped_dot_is_seen() -> None:
    assert may_have_dotted_names(b'{"a\\u002eb":1}')


@pytest.mark.parametrize("size", [2000, 8000])
def test_two_long_arrays_are_not_tried_against_each_other(size: int) -> None:
    pattern = parse_pattern('{"d":{"a":[1],"b":[1]},"e":{"a":[1],"b":[2]}}')
    event = {
        "d": [{"a": 1, "b": 1}] * 1 + [{"a": 1, "b": 1} for _ in range(size)],
        "e": [{"a": 1, "b": 1} for _ in range(size)],
    }

    with within(2):
        assert not Matcher(pattern).holds(event)


def test_an_event_that_takes_too_long_passes_where_each_field_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pattern = parse_pattern('{"d":{"a":[1],"b":[1]}}')
    event = {"d": [{"a": 1}, {"b": 1}]}
    assert not Matcher(pattern).holds(event)

    monkeypatch.setattr(walking, "MOST_STEPS", 3)
    monkeypatch.setattr(walking._Steps.__init__, "__defaults__", (3,))

    assert Matcher(pattern).holds(event)
    assert not Matcher(pattern).holds({"d": [{"a": 1}, {"c": 1}]})


def test_letters_fold_one_by_one() -> None:
    def holds(operand: str, text: str, kind: str = "equals-ignore-case") -> bool:
        value = operand if kind == "equals-ignore-case" else {"equals-ignore-case": operand}
        return Matcher(parse_pattern(json.dumps({"a": [{kind: value}]}))).holds({"a": text})

    assert holds("straße", "STRASSE")
    assert not holds("STRASSE", "straße")
    assert not holds("k", "\u212a")  # the Kelvin sign is no k
    assert holds("Éa", "éAbc", "prefix")
    assert holds("aß", "xASS", "suffix")
    assert not holds("aß", "xASs", "suffix")


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ('{"a":["10.0.0.1"]}', '{"a":"010.0.0.1"}', True),
        ('{"a":[{"exactly":"10.0.0.1"}]}', '{"a":"010.0.0.1"}', False),
        ('{"a":["::ffff:0a00:0001"]}', '{"a":"10.0.0.1"}', True),
        ('{"a":["2001:db8::1"]}', '{"a":"2001:0DB8:0:0:0:0:0:1"}', True),
        ('{"a":[{"cidr":"10.0.0.0/8"}]}', '{"a":["x","10.200.0.1"]}', True),
        ('{"a":[{"cidr":"10.0.0.0/8"}]}', '{"a":"11.0.0.1"}', False),
        ('{"a":[{"cidr":"2001:db8::/32"}]}', '{"a":"2001:db8:1::"}', True),
        ('{"a":[200]}', '{"a":2.0e2}', True),
        ('{"a":[200]}', '{"a":"200"}', False),
        ('{"a":["200"]}', '{"a":200}', False),
        ('{"a":[1e400]}', '{"a":1e400}', True),
        ('{"a":[1e400]}', '{"a":1e401}', False),
        ('{"a":[{"numeric":[">",1]}]}', '{"a":1e400}', False),
        ('{"a":[{"numeric":["<",1]}]}', '{"a":-99999999999999999999999999}', True),
        ('{"a":[{"anything-but":1}]}', '{"a":1.0}', False),
        ('{"a":[{"wildcard":"a*a"}]}', '{"a":"a"}', False),
        ('{"a":[{"wildcard":"*"}]}', '{"a":""}', True),
        ('{"a":[null]}', '{"a":[]}', False),
        ('{"a":[null]}', '{"a":[[null]]}', True),
        ('{"a":[false]}', '{"a":0}', False),
        ('{"a":[{"exists":false}]}', '{"a":{"b":1}}', True),
        ('{"a":[7],"a.b":[1]}', '{"a":[[7],[{"b":1}]]}', False),
        ('{"a":[7],"a.b":[1]}', '{"a":[[7,{"b":1}]]}', True),
        ('{"\\ud83d\\ude00":["\\ud83d\\ude00"]}', '{"\U0001f600":"\U0001f600"}', True),
    ],
)
def test_values(pattern: str, event: str, expected: bool) -> None:
    there = decoded(event.encode())
    assert there is not None
    parsed = parse_pattern(pattern)

    assert Matcher(parsed).holds_for_any(there) is expected
    assert plain(parsed, there) is expected
