"""Filter patterns as AWS documents, records and people use them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.alarms.filter_pattern import FilterPattern, InvalidFilterPattern, LogMessage
from opentrail.predicate.matching import matcher, record_matcher
from opentrail.predicate.reading import decoded
from pace import within

VECTORS = Path(__file__).parents[1] / "vectors" / "filter_patterns" / "filter_patterns.jsonl"
CASES = [json.loads(line) for line in VECTORS.read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_vector(case: dict[str, Any]) -> None:
    expected = case["expected"]
    try:
        pattern = FilterPattern(case["pattern"])
    except InvalidFilterPattern:
        assert "treat as error" in case["note"]
        return
    message = LogMessage(case["message"])
    assert pattern.matches(message) is expected["match"]
    if "extracted" in expected:
        assert pattern.extracted(message) == expected["extracted"]
    if expected["match"]:
        assert matcher(pattern.bound)(message.raw)


MESSAGE = {
    "n": 5, "big": 12345678901234567890123, "half": 0.5, "s": "5", "t": True, "f": False,
    "null": None, "o": {"a": "x", "b": {"c": ["1", 2, None, {"d": "e"}]}}, "list": ["p", "q"],
    "deep": [[1, 2], [3]], "a.b": "dot", "user-id": "u", "star": "a*b?c", "empty": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.n = 5 }", True), ("{ $.n = 5.0 }", True), ("{ $.n = 50e-1 }", True),
        ('{ $.n = "5" }', True), ("{ $.s = 5 }", False), ('{ $.s = "5" }', True),
        ("{ $.s != 5 }", True), ("{ $.s > 4 }", False), ("{ $.n >= 5 && $.n <= 5 }", True),
        ("{ $.big = 12345678901234567890124 }", False), ("{ $.big > 12345678901234567890122 }", True),
        ("{ $.half < 5.1e-1 }", True), ("{ $.t = true }", True), ("{ $.t IS TRUE }", True),
        ("{ $.t is true }", True), ("{ $.f IS TRUE }", False), ("{ $.f IS FALSE }", True),
        ("{ $.null IS NULL }", True), ("{ $.null NOT EXISTS }", False), ("{ $.null = * }", False),
        ("{ $.null != x }", False), ("{ $.none IS NULL }", False), ("{ $.none NOT EXISTS }", True),
        ("{ $.none != x }", False), ("{ $.o = * }", False), ("{ $.o != x }", False),
        ("{ $.list = p }", False), ("{ $.list[*] = q }", True), ("{ $.list[1] = q }", True),
        ("{ $.list[2] NOT EXISTS }", True), ("{ $.deep[0][1] = 2 }", True),
        ("{ $.o.b.c[3].d = e }", True), ("{ $.o.b.c[*].d = e }", True), ("{ $.o.a.x NOT EXISTS }", True),
        ("{ $.o.* = x }", True), ("{ $.* = dot }", True), ("{ $.['a.b'] = dot }", True),
        ("{ $['a.b'] = dot }", True), ("{ $.user-id = u }", True), ('{ $.star = "a*?*" }', True),
        ('{ $.star = "a*?" }', False), ('{ $.empty = "" }', True), ("{ $.empty = * }", True),
        ("{ $.list[*] != p }", True), ("{ $.n = 5 || $.n = 6 && $.n = 7 }", True),
        ("{ ($.n = 5 || $.n = 6) && $.n = 7 }", False), ("{$.star=%a.b%}", True),
        ("{ $.star = %^b% }", False), ('{ $.t = "tr*" }', True), ("{ $.big = *0123 }", True),
        ('{ ($.s = "5") || ($.s = "6") || ($.o.a = y) }', True),
        ('{ ($.s = "4") || ($.s = "6") || ($.o.a = x) }', True), ("{ $[0] = x }", False),
        ("5", True), ('"q\\"]"', True), ('-"null"', False), ("", True), ("  ", True), ('dot "a.b"', True),
        ("?nope ?dot", True), ("?nope dot", True), ("dot -nope", True), ("?nope -nope", True),
        ("%d.t% -%zzz%", True), ('"a*b?c"', True), ('" "', True),
    ],
)  # fmt: skip
def test_what_patterns_mean(pattern: str, expected: bool) -> None:
    message = LogMessage(json.dumps(MESSAGE, separators=(",", ":")))

    made = FilterPattern(pattern)

    assert made.matches(message) is expected
    assert not expected or matcher(made.bound)(message.raw)


LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "line", "extracted"),
    [
        ("[..., size]", LINE, {"$1": "127.0.0.1", "$2": "-", "$3": "frank", "$size": "1534",
                               "$4": "10/Oct/2000:13:25:15 -0700",
                               "$5": "GET /index.html HTTP/1.0", "$6": "404"}),
        ("[ip, ...]", "a", {"$ip": "a"}), ("[ip, ..., size]", "a", None),
        ("[ip, ..., size]", "a b", {"$ip": "a", "$size": "b"}),
        ("[ip, rest]", "a  [b c] d ", {"$ip": "a", "$rest": "[b c] d"}),
        ("[ip, rest]", "a [b c]", {"$ip": "a", "$rest": "b c"}),
        ("[ip, rest]", "a", None), ("[all]", "x y", {"$all": "x y"}), ("[a, b]", '"x y', {"$a": '"x', "$b": "y"}),
        ("[a = 4*, b > 3]", "404 3.5", {"$a": "404", "$b": "3.5"}), ("[a, b > 3]", "404 high", None),
        ("[a, b != 3]", "404 high", {"$a": "404", "$b": "high"}), ("[a = x || a = y && a = z]", "x", {"$a": "x"}),
        ("[a = %^[xy]$%]", "y", {"$a": "y"}), ("[...]", "", {}), ('[a = "x*z"]', '"x y z"', {"$a": "x y z"}),
    ],
)  # fmt: skip
def test_fields_of_lines(pattern: str, line: str, extracted: dict[str, str] | None) -> None:
    made, message = FilterPattern(pattern), LogMessage(line)

    assert made.matches(message) is (extracted is not None)
    assert made.extracted(message) == (extracted or {})


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("foo:bar", "Invalid character(s) in term ':'"),
        ("(x)", "Invalid character(s) in term '('"),
        ("- x", "Invalid character(s) in term '-'"),
        ('"open', "Invalid character(s) in term '\"'"),
        ("%a!%", "Invalid character(s) in term '!'"),
        ("%(a)%", "Invalid character(s) in term '('"),
        ("%a% %b% %c%", "Invalid filter pattern: it has more than 2 regular expressions"),
        ("%a{2,1}%", "Invalid filter pattern: 'a{2,1}' is no regular expression"),
        ("{ $.x = 1", "If a filter pattern starts with '{' it must end with '}'"),
        ("[a, b", "If a filter pattern starts with '[' it must end with ']'"),
        ("{", "If a filter pattern starts with '{' it must end with '}'"),
        ("{}", "Invalid filter pattern: a selector is missing at its end"),
        ("{ x = 1 }", "Invalid character(s) in term 'x'"),
        ('{ $."x" = 1 }', "Invalid character(s) in term '.\"'"),
        ("{ $ = 1 }", "Invalid character(s) in term '$ '"),
        ("{ $.x[-1] = 1 }", "Invalid character(s) in term '['"),
        ("{ $.x }", "Invalid filter pattern: what $.x is compared with is missing"),
        ("{ $.x EXISTS }", "Invalid filter pattern: what $.x is compared with is missing"),
        ("{ $.x IS NOT NULL }", "Invalid filter pattern: IS is followed by NULL, TRUE or FALSE"),
        ("{ $.x > high }", "Invalid filter pattern: > compares numbers"),
        ("{ $.x = 1, $.y = 2 }", "Invalid character(s) in term ','"),
        ("{ ($.x = 1 }", "Invalid filter pattern: ')' is missing at its end"),
        ("{ $.x = 1) }", "Invalid character(s) in term ')'"),
        ("{ $.x = }", "Invalid filter pattern: a value is missing at its end"),
        ("{ $.x.*.* = 1 }", "Invalid filter pattern: $.x.*.* has more than one wildcard"),
        ("{ $.a.* = 1 || $.b.* = 1 || $.c.* = 1 || $.d.* = 1 }",
         "Invalid filter pattern: more than 3 of its selectors have a wildcard"),
        ("[]", "Invalid filter pattern: a field is missing at its end"),
        ("[..., ...]", "Invalid filter pattern: it has more than one '...'"),
        ("[a = 1 && b = 2]", "Invalid filter pattern: the conditions of field a must all be of a"),
        ("[a b]", "Invalid character(s) in term 'b'"),
        ("x" * 1025, "Invalid filter pattern: it has 1025 characters; 1024 are allowed"),
        ("{" + "(" * 200 + "$.x = 1" + ")" * 200 + "}",
         "Invalid filter pattern: parentheses nest deeper than 64"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(pattern: str, message: str) -> None:
    with pytest.raises(InvalidFilterPattern) as caught:
        FilterPattern(pattern)

    assert str(caught.value).startswith(message)


def test_values_are_read_by_selectors_and_names() -> None:
    json_pattern, line_pattern = FilterPattern("{ $.o.a = x }"), FilterPattern("[first, ...]")
    message = LogMessage(json.dumps(MESSAGE))

    assert json_pattern.extracted(message) == {"$.o.a": "x"}
    assert json_pattern.selector("$.half")(message) == "0.5"
    assert json_pattern.selector("$.o")(message) is None
    assert line_pattern.selector("$first")(LogMessage("a b")) == "a"
    assert line_pattern.selector("$2")(LogMessage("a b")) == "b"
    for pattern, selector in [
        (json_pattern, "first"), (json_pattern, "$.a b"), (line_pattern, "$other"),
        (line_pattern, "first"), (FilterPattern("x"), "$.a"),
    ]:  # fmt: skip
        with pytest.raises(InvalidFilterPattern):
            pattern.selector(selector)
    assert [FilterPattern(one).has_regex for one in ("%x%", "[a=%x%]", "{$.a=%x%}", "x", "")] == [
        True, True, True, False, False,
    ]  # fmt: skip


# Properties

NAMES = st.sampled_from(["a", "b", "person"])
STEPS = st.one_of(
    NAMES.map(lambda name: f".{name}"), st.sampled_from(["[0]", "[1]", "[*]", ".*", "['a b']"])
)
SELECTORS = st.lists(STEPS, min_size=1, max_size=3).map(lambda steps: "$" + "".join(steps))
OPERANDS = st.sampled_from(
    ['"x"', "x*", '"*"', "1", "1.0", "-2e1", "true", '""', '"1"', "%x%", '"a?*"', "NULL"]
)
CONDITIONS = st.one_of(
    st.builds(lambda s, o, v: f"{s} {o} {v}", SELECTORS, st.sampled_from(["=", "!="]), OPERANDS),
    st.builds(
        lambda s, o, v: f"{s} {o} {v}", SELECTORS, st.sampled_from([">", "<=", "=", "!="]),
        st.sampled_from(["1", "0.5", "-2e1"]),
    ),
    st.builds(
        lambda s, what: f"{s} {what}", SELECTORS,
        st.sampled_from(["IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS"]),
    ),
)  # fmt: skip
PATTERNS = st.recursive(
    CONDITIONS,
    lambda one: st.builds(
        lambda parts, joint: "(" + f" {joint} ".join(parts) + ")",
        st.lists(one, min_size=2, max_size=4), st.sampled_from(["&&", "||"]),
    ),
    max_leaves=5,
)  # fmt: skip
SCALARS = st.sampled_from(["x", "xy", "", "1", 1, 1.0, -20, 0.5, True, False, None, "a?b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "a b", "person"]), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "a b", "person"]), VALUES, max_size=4)


def made(pattern: str) -> FilterPattern | None:
    try:
        return FilterPattern("{" + pattern + "}")
    except InvalidFilterPattern:
        return None


@settings(max_examples=400)
@given(PATTERNS, RECORDS)
def test_the_bound_holds_wherever_the_pattern_does(text: str, value: dict[str, Any]) -> None:
    pattern = made(text)
    record = decoded(json.dumps(value).encode())
    if pattern is None or record is None:
        return

    if pattern.matches(LogMessage(json.dumps(value))):
        assert record_matcher(pattern.bound)(record)


@settings(max_examples=300)
@given(st.lists(CONDITIONS, min_size=2, max_size=4), RECORDS)
def test_and_and_or_are_those_of_their_parts(texts: list[str], value: dict[str, Any]) -> None:
    message = LogMessage(json.dumps(value))
    parts = [made(text) for text in texts]
    both, either = made(" && ".join(texts)), made(" || ".join(texts))
    if both is None or either is None:
        return

    found = [part.matches(message) for part in parts if part is not None]

    assert both.matches(message) is all(found)
    assert either.matches(message) is any(found)


WORDS = st.text(alphabet='abefnrtu0129é\n"\\ _l', max_size=8)


@settings(max_examples=400)
@given(st.lists(WORDS, min_size=1, max_size=3), st.data())
def test_the_bound_of_a_text_holds_whatever_escapes_a_record_has(
    values: list[str], data: st.DataObject
) -> None:
    raw = json.dumps({"k": [*values, None, True, 12.5]})
    start = data.draw(st.integers(0, len(raw) - 1))
    part = raw[start : start + data.draw(st.integers(1, 8))]
    role = data.draw(st.sampled_from(["", "?"]))
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')

    pattern = FilterPattern(f'{role}"{escaped}"')

    assert pattern.matches(LogMessage(raw))
    assert matcher(pattern.bound)(raw.encode())


@settings(max_examples=500)
@given(st.text(alphabet="{}[]()$.*\"%\\=!<>&|,?-aN0 ISNULTEXO'", max_size=40), st.text(max_size=20))
def test_no_text_does_anything_but_match_or_be_refused(text: str, message: str) -> None:
    try:
        FilterPattern(text).matches(LogMessage(message))
    except InvalidFilterPattern:
        return


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[a, ..., b]", "[ " * 100_000), ("[a, ..., b]", '" ' * 100_000 + '"'), ("%(a+)+$%", ""),
        ("%a+a+a+a+$%", "a" * 200_000 + "b"), ('{ $.a = "*a*a*a*a*a*b" }', json.dumps({"a": "a" * 200_000})),
        ('{ $.a = "*a?a*a?a*b" }', json.dumps({"a": "a?" * 100_000})),
        ("{ $.a > 1 }", '{"a": 1e99999999999999999}'), ("{ $.a > 1 }", '{"a": ' + "9" * 100_000 + "}"),
        ("{ $.a = 1e99999999999999999 }", '{"a": 1}'), ("{ $.a[*].b = 1 }", '{"a": ' + "[" * 900 + "]" * 900 + "}"),
    ],
)  # fmt: skip
def test_no_message_makes_a_pattern_slow(pattern: str, message: str) -> None:
    with within(1):
        try:
            FilterPattern(pattern).matches(LogMessage(message))
        except InvalidFilterPattern:
            assert "(" in pattern
