"""Tests over records: fixed examples of every rule that predicate/expression.py states."""

import json
from collections.abc import Mapping
from typing import Any as AnyValue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import network, text_matcher
from opentrail.predicate.expression import EVERYTHING, Any, FreeText, Not, Operator, Reference
from opentrail.predicate.expression import Test as Compared
from opentrail.predicate.matching import MANY_VALUES, matcher
from opentrail.predicate.reading import decoded, json_of, leads_to, texts_at
from opentrail.search.parser import parse_filter
from pace import within

RECORD = rb"""{
  "eventVersion": "1.10", "eventTime": "2026-07-01T09:00:00Z", "eventName": "PutObject",
  "eventSource": "s3.amazonaws.com", "readOnly": false, "managementEvent": true,
  "sourceIPAddress": "10.1.2.3", "errorCode": null, "userAgent": "Caf\u00e9 \"x\" 50*",
  "userIdentity": {"type": "AssumedRole", "sessionContext": {"attributes": {}}},
  "requestParameters": {
    "bucketName": "logs", "Host": ["a", ["b", null]], "x.y": {"": 1}, "Key": 1, "key": 2,
    "float": 9.82E-5, "ten": 10, "tens": 10.0, "huge": 1e999999999999, "minus": -0,
    "long": 123456789012345678901234567890, "empty": [], "nothing": [null], "object": {},
    "twice": "first", "twice": "second", "markup": "\u003cb\u003e"
  },
  "resources": [{"ARN": "arn:aws:s3:::logs/a"}, {"ARN": "arn:aws:s3:::logs"}, {"type": "T"}, 5]
}"""

PASSES = """
*
not not *
eventName = PutObject
eventName != GetObject
eventName prefix Put
eventName suffix Object
eventName contains tOb
eventName = *
eventName = P*t
eventName like P*t*b*t
eventName like P?tObj*
eventName = "PutObject" and not eventName = "Put*"
eventName in (GetObject, Put*)
eventName not in (GetObject, Get*)
eventName exists
errorCode not exists
not errorCode = AccessDenied
not errorCode != AccessDenied
readOnly = false
managementEvent = true
managementEvent > falsf
userAgent = 'Caf\\u00e9 "x" 50*'
userAgent like 'Caf? "x" 50*'
userAgent contains é
requestParameters.Host = a
requestParameters.Host = b
requestParameters.Host != c
requestParameters.Host exists
requestParameters.empty exists
requestParameters.nothing exists
requestParameters.object exists
userIdentity.sessionContext.attributes exists
requestParameters."x.y" exists
requestParameters.Key = 1
requestParameters.key = 2
requestParameters.float = 9.82E-5
requestParameters.float > 0.0000981
requestParameters.float < 0.0000983
requestParameters.float >= 982e-7
requestParameters.ten = 10
requestParameters.ten > 9
requestParameters.ten >= 10.0
requestParameters.ten <= 1e1
requestParameters.ten < 10.0000000000000000000000000000001
requestParameters.ten > -11
requestParameters.tens = 10.0
requestParameters.tens != 10
requestParameters.huge > 1e999999999998
requestParameters.huge < 1e999999999999999999
requestParameters.minus = "-0"
requestParameters.minus >= 0
requestParameters.long = 123456789012345678901234567890
requestParameters.long > 123456789012345678901234567889
requestParameters.twice = second
not requestParameters.twice = first
requestParameters.markup = "<b>"
requestParameters.markup contains "<"
eventTime >= 2026-07-01T09:00:00Z
eventTime > 2026-07-01
eventTime < 2026-07-02
eventVersion > 1.09
eventName > PutObjecs
resources.ARN = arn:aws:s3:::logs
resources.ARN contains /
resources.ARN != arn:aws:s3:::other
resources.type = T
sourceIPAddress in 10.0.0.0/8
sourceIPAddress in 10.9.9.9/8
sourceIPAddress in 10.1.2.3
sourceIPAddress in ::ffff:10.0.0.0/104
sourceIPAddress in (192.168.0.0/16, 10.1.2.3)
sourceIPAddress not in 192.168.0.0/16
PUTOBJECT
putobj s3.amazon
"first" or "second"
"CAFÉ"
bucketname
"<B>"
9.82e-5
"-0"
"50*"
false
"""

FAILS = """
not *
eventName = putobject
eventName != PutObject
eventName prefix ut
eventName suffix Objec
eventName contains put
eventName like Put
eventName like P?t
eventName like P*P*t
eventName like PutObject?
eventName in (GetObject, Get*)
eventName not in (GetObject, Put*)
eventName not prefix Put
errorCode exists
errorCode != AccessDenied
errorCode not in (AccessDenied)
errorCode not prefix A
errorCode like *
readOnly = true
readOnly = False
requestParameters.Host != a
requestParameters.object = *
requestParameters.nothing = *
requestParameters.bucketName.x exists
requestParameters.bucketName.bucketName = logs
requestParameters."x" exists
requestParameters.tens = 10
requestParameters.minus = 0
requestParameters.minus < 0
requestParameters.ten > 10.0
requestParameters.huge < 5
requestParameters.twice = first
resources.ARN != arn:aws:s3:::logs
resources.accountId exists
eventTime > 2026-07-01T09:00:00Z
sourceIPAddress in 10.1.2.4/31
sourceIPAddress in ::/0
eventSource in 0.0.0.0/0
eventSource not in 0.0.0.0/0 eventName = x
nowhere
"first"
"putobject s3"
null
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(PASSES))
def test_the_record_passes(text: str) -> None:
    assert matcher(parse_filter(text))(RECORD)
    assert not matcher(Not(parse_filter(text)))(RECORD)


@pytest.mark.parametrize("text", lines(FAILS))
def test_the_record_does_not_pass(text: str) -> None:
    assert not matcher(parse_filter(text))(RECORD)
    assert matcher(Not(parse_filter(text)))(RECORD)


def test_paths_lead_to_texts_in_the_order_of_the_record() -> None:
    record = decoded(RECORD)
    assert record is not None

    assert texts_at(record, ("resources", "ARN")) == ("arn:aws:s3:::logs/a", "arn:aws:s3:::logs")
    assert texts_at(record, ("requestParameters", "Host")) == ("a", "b")
    assert texts_at(record, ("resources",)) == ("5",)
    assert texts_at(record, ("requestParameters", "x.y", "")) == ("1",)
    assert texts_at(record, ("errorCode",)) == ()
    assert leads_to(record, ("requestParameters", "empty"))
    assert not leads_to(record, ("errorCode",))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Bucket",
        b'{"eventName": "bucket"',
        b'["bucket"]',
        b'"bucket"',
        b'{"bucket": NaN}',
        b'\xef\xbb\xbf{"bucket": 1}',
        b'{"bucket": "\xff"}',
        b"[" * 200000 + b"bucket",
    ],
)
def test_bytes_that_are_no_record_pass_by_their_text_alone(raw: bytes) -> None:
    assert matcher(parse_filter("BUCKET"))(raw) is (b"ucket" in raw)
    assert matcher(Not(FreeText("bucket")))(raw) is (b"ucket" not in raw)
    assert not matcher(parse_filter("eventName = bucket"))(raw)
    assert not matcher(parse_filter("eventName exists"))(raw)
    assert matcher(parse_filter("not eventName = bucket"))(raw)
    assert matcher(parse_filter("eventName exists or not eventName exists"))(raw)
    assert not matcher(parse_filter("eventName exists eventName not exists"))(raw)
    assert matcher(EVERYTHING)(raw)
    assert not matcher(Any(()))(raw)


def test_half_of_a_surrogate_pair_is_read() -> None:
    raw = rb'{"eventName": "\ud800", "errorCode": 1.50}'

    assert matcher(Compared(("eventName",), Operator.EQUALS, "\ud800"))(raw)
    assert matcher(parse_filter("errorCode = 1.50"))(raw)


def test_a_number_of_any_length_is_read() -> None:
    digits = "7" * 10_000
    raw = f'{{"errorCode": {digits}, "eventName": "x"}}'.encode()

    assert matcher(Compared(("errorCode",), Operator.EQUALS, digits))(raw)
    assert matcher(parse_filter("errorCode > 1e9999 eventName = x"))(raw)
    assert not matcher(parse_filter("errorCode > 1e10000"))(raw)


def test_escaped_spellings_of_plain_characters_are_seen() -> None:
    raw = rb'{"\u0065ventName": "\u0050ut\/Object"}'

    assert matcher(parse_filter("eventName = Put/Object"))(raw)
    assert matcher(parse_filter("put/object"))(raw)


def test_letters_that_fold_to_ascii_are_found() -> None:
    raw = '{"userAgent": "\u212aelvin, Stra\u00dfe"}'.encode()  # KELVIN SIGN, SHARP S

    assert matcher(parse_filter("kelvin strasse"))(raw)


class Counted(str):
    """A text that tells how often it was compared."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def test_a_record_is_compared_with_many_values_of_a_field_at_once() -> None:
    path = ("userIdentity", "type")
    kinds = [*map("K{}".format, range(500)), "AssumedRole"]
    many = Any(tuple(Compared(path, Operator.EQUALS, Counted(one)) for one in kinds))
    matches = matcher(many)
    Counted.compared = 0

    assert matches(RECORD)
    assert not matches(b'{"userIdentity": {"type": "Root"}}')
    assert Counted.compared < MANY_VALUES


def test_many_values_of_a_field_of_ours_are_asked_of_whoever_works_it_out() -> None:
    names = [*map("p{}".format, range(MANY_VALUES)), "alice"]
    many = Any(tuple(Compared(("person",), Operator.EQUALS, one) for one in names))

    assert matcher(many, lambda _: {"person": "alice"})(RECORD)
    assert not matcher(many, lambda _: {})(RECORD)
    with pytest.raises(InvalidInput, match="person"):
        matcher(many)


def test_fields_of_ours_come_from_whoever_works_them_out() -> None:
    def derived(record: Mapping[str, AnyValue]) -> Mapping[str, str]:
        return {"person": record["eventName"].lower()}

    assert matcher(parse_filter("person = putobject eventName = PutObject"), derived)(RECORD)
    assert matcher(parse_filter("not session exists"), derived)(RECORD)
    assert not matcher(parse_filter("person = PutObject"), derived)(RECORD)


def test_fields_of_ours_are_refused_where_nobody_works_them_out() -> None:
    with pytest.raises(InvalidInput, match="person"):
        matcher(parse_filter("person = alice"))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no network; expected one"):
        text_matcher(Compared(("sourceIPAddress",), Operator.CIDR, "10.0.0/8"))


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("11.0.0.1", False),
        ("10.0.0.01", False),
        ("10.0.0.1 ", False),
        ("", False),
        ("AWS Internal", False),
        ("::a00:1", False),
    ],
)
def test_addresses_are_compared_as_addresses(text: str, inside: bool) -> None:
    test = Compared(("sourceIPAddress",), Operator.CIDR, "10.0.0.0/8")

    assert text_matcher(test)(text) is inside


def test_networks_of_ipv6() -> None:
    within = text_matcher(Compared(("sourceIPAddress",), Operator.CIDR, "2001:DB8::/32"))

    assert within("2001:db8::1")
    assert within("2001:0db8:0000::")
    assert not within("2001:db9::1")
    assert str(network("::ffff:10.0.0.0/104")) == "10.0.0.0/8"
    assert network("10.0.0.0/8/8") is None


def test_a_differing_text_passes_not_equals() -> None:
    differs = text_matcher(Compared(("eventName",), Operator.NOT_EQUALS, "a"))

    assert differs("b")
    assert not differs("a")
    assert text_matcher(Compared(("eventName",), Operator.EXISTS))("")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("-1e5", "-1"),
        ("-1", "-0.5"),
        ("-0.5", "0"),
        ("0", "1e-999999999999999999"),
        ("9", "10"),
        ("0.09", "0.1"),
        ("1.2", "1.23"),
        ("-1.23", "-1.2"),
        ("1e2", "101"),
        ("99", "1E+2"),
        ("10", "9x"),
        ("007", "1"),
        ("1e-9999999999999999999", "2"),
        ("a", "b"),
        ("", "a"),
    ],
)
def test_numbers_are_ordered_as_numbers_and_texts_as_texts(lower: str, higher: str) -> None:
    path = ("eventName",)

    assert text_matcher(Compared(path, Operator.LESS, higher))(lower)
    assert text_matcher(Compared(path, Operator.GREATER, lower))(higher)
    assert not text_matcher(Compared(path, Operator.GREATER_OR_EQUAL, higher))(lower)
    assert not text_matcher(Compared(path, Operator.LESS_OR_EQUAL, lower))(higher)


@pytest.mark.parametrize("pattern", ["*a" * 500 + "b", "*?a" * 500 + "b", "*" * 5_000 + "b"])
def test_no_wildcard_makes_a_text_slow(pattern: str) -> None:
    raw = json.dumps({"userAgent": "a" * 100_000}).encode()
    matches = matcher(Compared(("userAgent",), Operator.WILDCARD, pattern))

    with within(0.5):
        assert not matches(raw)


@pytest.mark.parametrize(
    ("operator", "value", "text", "passes"),
    [
        (Operator.EQUALS, "putobject", "PutObject", True),
        (Operator.EQUALS, "STRASSE", "straße", True),
        (Operator.NOT_EQUALS, "putobject", "PutObject", False),
        (Operator.PREFIX, "PUT", "putObject", True),
        (Operator.SUFFIX, "oBJECT", "PutObject", True),
        (Operator.CONTAINS, "TO", "PutObject", True),
        (Operator.WILDCARD, "p?t*OBJECT", "PutObject", True),
        (Operator.WILDCARD, "p?t*OBJECTS", "PutObject", False),
        (Operator.REGEX, "^put.bject$", "PutObject", True),
        (Operator.REGEX, "ut", "PUT", True),
    ],
)
def test_a_test_may_ignore_case(operator: Operator, value: str, text: str, passes: bool) -> None:
    record = json.dumps({"a": text}).encode()
    assert matcher(Compared(("a",), operator, value, ignore_case=True))(record) is passes


def test_many_values_are_told_at_once_whatever_their_case() -> None:
    names = [f"Name{number}" for number in range(MANY_VALUES)]
    where = Any(
        tuple(Compared(("a",), Operator.EQUALS, name, ignore_case=True) for name in names)
        + tuple(Compared(("a",), Operator.EQUALS, name + "x") for name in names)
    )
    passes = matcher(where)
    assert passes(b'{"a":"nAME3"}')
    assert passes(b'{"a":"Name3x"}')
    assert not passes(b'{"a":"name3x"}')


def test_a_regular_expression_takes_time_that_grows_with_the_text_alone() -> None:
    passes = text_matcher(Compared(("a",), Operator.REGEX, "(a+)+$"))
    with within(0.5):
        assert not passes("a" * 50_000 + "b")


def test_a_regular_expression_is_found_in_a_text_with_half_a_character() -> None:
    matches = matcher(Compared(("a",), Operator.REGEX, "^x.y$"))

    assert matches(rb'{"a":"x\ud800y"}')
    assert not matches(rb'{"a":"x\ud800z"}')


def test_a_regular_expression_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InvalidInput, match="no regular expression"):
        text_matcher(Compared(("a",), Operator.REGEX, "(?=look)ahead"))


INNER = rb"""{"requestParameters": {"x": {"Status": "Suspended", "n": [1, 9.82E-5, true, null, {}]},
  "policy": "{\"Effect\": \"Allow\"}"}, "eventName": "Put"}"""


@pytest.mark.parametrize(
    ("operator", "value", "passes"),
    [
        (Operator.CONTAINS, "suspended", True),
        (Operator.CONTAINS, '"Effect": "Allow"', True),
        (Operator.CONTAINS, '"Status":"Suspended"', True),
        (Operator.CONTAINS, '"n":[1,9.82E-5,true,null,{}]', True),
        (Operator.EQUALS, "9.82E-5", True),
        (Operator.REGEX, '"x":{"Status"', True),
        (Operator.PREFIX, '{"x":', True),
        (Operator.WILDCARD, "susp?nded", True),
        (Operator.EXISTS, "", True),
        (Operator.NOT_EQUALS, "other", True),
        (Operator.NOT_EQUALS, "Suspended", False),
        (Operator.CONTAINS, "Effect: Allow", False),
    ],
)
def test_a_test_may_look_into_objects(operator: Operator, value: str, passes: bool) -> None:
    test = Compared(("requestParameters",), operator, value, ignore_case=True, in_objects=True)

    assert matcher(test)(INNER) is passes
    assert matcher(Not(test))(INNER) is not passes


def test_texts_and_arrays_are_looked_at_as_ever_where_objects_are_entered() -> None:
    name = Compared(("eventName",), Operator.EQUALS, "Put", in_objects=True)
    number = Compared(("requestParameters", "x", "n"), Operator.EQUALS, "1", in_objects=True)

    assert matcher(name)(INNER)
    assert matcher(number)(INNER)
    assert matcher(Any(tuple([name] * MANY_VALUES)))(INNER)
    assert not matcher(name)(b'{"eventName": null}')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_the_json_of_a_value_reads_back_to_it(value: AnyValue) -> None:
    assert json.loads(json_of(value)) == value


@pytest.mark.parametrize(
    ("operator", "other", "ignore_case", "passes"),
    [
        (Operator.CONTAINS, "ALICE", True, True),
        (Operator.CONTAINS, "ALICE", False, False),
        (Operator.SUFFIX, ["bob", "alice"], False, True),
        (Operator.PREFIX, "arn:", False, True),
        (Operator.EQUALS, "ARN:AWS:IAM::1:USER/ALICE", True, True),
        (Operator.EQUALS, "alice", True, False),
        (Operator.CONTAINS, None, True, False),
        (Operator.CONTAINS, {"a": "alice"}, True, False),
    ],
)
def test_two_fields_are_compared(
    operator: Operator, other: AnyValue, ignore_case: bool, passes: bool
) -> None:
    record = {"userIdentity": {"arn": "arn:aws:iam::1:user/alice"}, "other": other}
    test = Reference(("userIdentity", "arn"), operator, ("other",), ignore_case)

    assert matcher(test)(json.dumps(record).encode()) is passes
    assert not matcher(test)(b"no record")


@pytest.mark.parametrize("operator", [Operator.EQUALS, Operator.CONTAINS])
def test_two_long_arrays_are_compared_in_no_time(operator: Operator) -> None:
    many = json.dumps({"a": ["x" * 9] * 30_000, "b": ["y" * 9] * 30_000}).encode()

    with within(2):
        assert not matcher(Reference(("a",), operator, ("b",)))(many)


def test_fields_that_cannot_be_compared_are_told() -> None:
    with pytest.raises(InvalidInput, match="person"):
        matcher(Reference(("person",), Operator.EQUALS, ("eventName",)))
    with pytest.raises(InvalidInput, match="compared by cidr"):
        matcher(Reference(("a",), Operator.CIDR, ("b",)))
