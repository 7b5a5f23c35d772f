"""Event patterns as AWS takes and refuses them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbridge_vectors import cases, ids
from opentrail.predicate.reading import decoded
from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import parse_pattern
from opentrail.rules.reader import InvalidEventPattern

CHECKS = cases("event_ruler_checks")
RECORDED = cases("localstack_aws_validated")
MATCHES = [
    case
    for name in ("localstack_aws_validated", "event_ruler_correctness", "moto")
    for case in cases(name)
    if "match" in case["expected"]
]
REFUSED = [
    case
    for case in RECORDED
    if case["expected"].get("error_code") == "InvalidEventPatternException"
]

OTHERWISE = {
    "event-ruler-check/legacy/RuleCompilerTest.testCompile/188":
        "refused in today's words, not in those of the compiler before `$or`",
}  # fmt: skip


@pytest.mark.parametrize("case", CHECKS, ids=ids(CHECKS))
def test_a_pattern_is_valid_or_refused_for_the_reason_of_the_engine(case: Any) -> None:
    # event-ruler can refuse a field that is given twice; EventBridge does not ask it to.
    if case["expected"]["valid"] or not case["allow_duplicate_keys"]:
        parse_pattern(case["pattern"])
        return

    with pytest.raises(InvalidEventPattern) as caught:
        parse_pattern(case["pattern"])
    if case["id"] in OTHERWISE:
        return

    # The engine tells the place twice where it wraps its own error.
    reason, _, place = case["expected"]["raw"].partition("\n at ")
    once = reason + (f"\n at {place}" if place else "")
    assert str(caught.value) in (once, case["expected"]["raw"].rpartition("\n at ")[0])


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_a_pattern_is_refused_in_the_words_of_aws(case: Any) -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse_pattern(case["pattern"])

    told = f"Event pattern is not valid. Reason: {caught.value}"
    assert told.split("\n", maxsplit=1)[0] == case["expected"]["error_message_first_line"]
    raw = case["expected"].get("error_message_raw")
    if raw and "<region>" not in raw:
        assert told.split("\n") == raw.split("\n")[:2]


@pytest.mark.parametrize("case", MATCHES, ids=ids(MATCHES))
def test_an_event_passes_as_recorded(case: Any) -> None:
    event = decoded(case["event"].encode())
    assert event is not None

    matcher = Matcher(parse_pattern(case["pattern"]))

    assert matcher.holds_for_any(event) is case["expected"]["match"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "Filter is not an object"),
        ("5", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"a":{}}', "Empty objects are not allowed"),
        ('{"a":[{}]}', "Match expression name not found"),
        ('{"a":[[1]]}', "Match value must be String, number, true, false, or null"),
        ('{"a":[{"anything-but":{}}]}', "Anything-But expression name not found"),
        ('{"a":[{"anything-but":{"cidr":"x"}}]}', "Unsupported anything-but pattern: cidr"),
        ('{"a":[{"prefix":{}}]}', "Prefix expression name not found"),
        ('{"a":[{"suffix":{"prefix":"x"}}]}', "Unsupported suffix pattern: prefix"),
        ('{"a":[{"numeric":[5]}]}', "Invalid member in numeric match: 5"),
        ('{"a":[{"numeric":[[]]}]}', "Invalid member in numeric match: ["),
        ('{"a":[{"numeric":["<>",5]}]}', "Unrecognized numeric range operator: <>"),
        ('{"a":[{"numeric":[">",5,6]}]}', "Bad value in numeric range: 6"),
        ('{"a":[{"wildcard":"a\\\\x"}]}', "Invalid escape character at pos 2"),
        ('{"a":[{"wildcard":"é**"}]}', "Consecutive wildcard characters at pos 3"),
        ('{"a":[{"cidr":"1.2.3.4/x"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"a":[{"cidr":"1.2.3.4/-1"}]}', "Malformed CIDR, mask bits must not be negative"),
        ('{"a":[{"cidr":"1.2.3.4/32"}]}', "IPv4 mask bits must be < 32"),
        ('{"a":[{"cidr":"::1/128"}]}', "IPv6 mask bits must be < 128"),
        ('{"a":[{"cidr":"1.2.3.400/8"}]}', "Invalid IP address: 1.2.3.400"),
        ('{"a":[1], "b"', "Unexpected end-of-input within/between Object entries"),
        ('{"a":[1]', 'Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"a":[1]"; line: 1, column: 1])'),
        ('{"a":[01]}', "Invalid numeric value: Leading zeroes not allowed"),
        ('{"a":["\\q"]}', "Unrecognized character escape 'q' (code 113)"),
        ('{"a":[tru]}', "Unrecognized token 'tru': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"),
        ('{"a":[1] /* x */}', "Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"),
        ('{"a":["\x01"]}', "Illegal unquoted character ((CTRL-CHAR, code 1)): has to be escaped using backslash to be included in string value"),
        ('{"a":[1.]}', "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed by a digit"),
        ('{"a":[-]}', "Unexpected character (']' (code 93)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"),
    ],
)  # fmt: skip
def test_reasons_of_the_engine(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse_pattern(pattern)

    assert str(caught.value).rpartition("\n at ")[0] or str(caught.value) == reason
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        # The engine asks its older self, to which `$or` is a field like any other.
        ('{"$or":[{"a":[1]}]}', "Unrecognized match type a"),
        ('{"$or":5}', '"$or" must be an object or an array'),
        ('{"$or":[{"a":[1]},5]}', "Unrecognized match type a"),
        ('{"$or":[{"exactly":["x"]},{"b":[1]}]}', "exact match pattern must be a string"),
        ('{"a":[{"anything-but":{"wildcard":"x"}}],"$or":[{"b":[1]}]}', "Unsupported anything-but pattern: wildcard"),
    ],
)  # fmt: skip
def test_a_wrong_or_is_told_as_a_field(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidEventPattern, match="^" + reason.replace("$", r"\$")):
        parse_pattern(pattern)


def test_or_can_still_be_the_name_of_a_field() -> None:
    matcher = Matcher(parse_pattern('{"$or":[{"prefix":"x"}]}'))

    assert matcher.holds({"$or": "xy"})
    assert not matcher.holds({"a": "xy"})


def test_a_thousand_combinations_are_the_most() -> None:
    some = ",".join(f'{{"a":[{number}]}}' for number in range(10))
    ors = ",".join(f'"b{number}":{{"$or":[{some}]}}' for number in range(3))
    assert len(parse_pattern(f"{{{ors}}}").combinations) == 1000
    more = ",".join(f'"b{number}":{{"$or":[{some}]}}' for number in range(4))
    with pytest.raises(InvalidEventPattern, match="more than 1000 combinations"):
        parse_pattern(f"{{{more}}}")


def test_costly_wildcards_are_refused() -> None:
    many = ",".join(f'{{"wildcard":"*{chr(97 + number)}"}}' for number in range(26))
    parse_pattern(f'{{"a":[{many}]}}')
    with pytest.raises(InvalidEventPattern, match="Rule is too complex"):
        parse_pattern(f'{{"a":[{many},{{"wildcard":"*1*2*3*4*5"}}]}}')


def test_a_deep_pattern_is_refused_without_a_crash() -> None:
    with pytest.raises(InvalidEventPattern, match="nests deeper than 100 levels"):
        parse_pattern('{"a":' * 800)


@settings(max_examples=300)
@given(st.text(alphabet='{}[]",:\\*$or abc019.eE-/\n\u00e9tfn', max_size=60))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except InvalidEventPattern:
        return
    assert pattern.combinations


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_pattern_is_read_or_refused(data: Any) -> None:
    text = data.draw(st.sampled_from([case["pattern"] for case in CHECKS + RECORDED]))
    at = data.draw(st.integers(0, len(text)))
    piece = data.draw(
        st.sampled_from(["", '"', "{", "}", "[", "]", ",", "\\", "1", "null", '{"$or":'])
    )
    gone = data.draw(st.integers(0, 3))
    with suppress(InvalidEventPattern):
        parse_pattern(text[:at] + piece + text[at + gone :])
