"""Filters read to expressions, and every way in which a text is no filter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.errors import InvalidInput
from opentrail.predicate.expression import (
    EVERYTHING,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
)
from opentrail.predicate.expression import Test as Compared
from opentrail.search.fields import ALIASES, FIELDS, is_known, nearest
from opentrail.search.invalid import InvalidFilter
from opentrail.search.parser import DEEPEST, LONGEST_TEXT, MOST_TESTS, parse_filter
from opentrail.search.render import render, render_path

NAME = ("eventName",)
ADDRESS = ("sourceIPAddress",)
KEY = ("requestParameters", "key")
UNLIKE = {Operator.CIDR, Operator.EXISTS, Operator.REGEX}
"""Operators without a value, or with one of a form of its own."""


def compared(operator: Operator, value: str = "", path: tuple[str, ...] = NAME) -> Compared:
    return Compared(path, operator, value)


A, B, C = FreeText("a"), FreeText("b"), FreeText("c")

READ: dict[str, Expression] = {
    "": EVERYTHING,
    "  \n": EVERYTHING,
    "*": EVERYTHING,
    "eventName = PutObject": compared(Operator.EQUALS, "PutObject"),
    "eventName=PutObject": compared(Operator.EQUALS, "PutObject"),
    "eventName='Put Object'": compared(Operator.EQUALS, "Put Object"),
    'eventName = ""': compared(Operator.EQUALS, ""),
    "eventName != PutObject": compared(Operator.NOT_EQUALS, "PutObject"),
    "eventName = Put*": compared(Operator.WILDCARD, "Put*"),
    'eventName = "Put*"': compared(Operator.EQUALS, "Put*"),
    "eventName = Put?": compared(Operator.EQUALS, "Put?"),
    "eventName like Put?": compared(Operator.WILDCARD, "Put?"),
    'eventName LIKE "P* t"': compared(Operator.WILDCARD, "P* t"),
    "eventName != Put*": All(
        (compared(Operator.WILDCARD, "*"), Not(compared(Operator.WILDCARD, "Put*")))
    ),
    "eventName prefix Put": compared(Operator.PREFIX, "Put"),
    "eventName Suffix Object": compared(Operator.SUFFIX, "Object"),
    "eventName contains tObj": compared(Operator.CONTAINS, "tObj"),
    "eventName not prefix Put": All(
        (compared(Operator.WILDCARD, "*"), Not(compared(Operator.PREFIX, "Put")))
    ),
    "eventName > a": compared(Operator.GREATER, "a"),
    "eventName >= a": compared(Operator.GREATER_OR_EQUAL, "a"),
    "eventName < -1.5e3": compared(Operator.LESS, "-1.5e3"),
    "eventName <= a": compared(Operator.LESS_OR_EQUAL, "a"),
    "eventName exists": compared(Operator.EXISTS),
    "eventName not exists": Not(compared(Operator.EXISTS)),
    "not eventName EXISTS": Not(compared(Operator.EXISTS)),
    "sourceIPAddress in 10.0.0.0/8": compared(Operator.CIDR, "10.0.0.0/8", ADDRESS),
    "sourceIPAddress in 2001:db8::/32": compared(Operator.CIDR, "2001:db8::/32", ADDRESS),
    "sourceIPAddress in 10.1.2.3": compared(Operator.CIDR, "10.1.2.3", ADDRESS),
    "ip in (10.0.0.0/8, 1.2.3.4, '10.0.0.0/8')": Any(
        (
            compared(Operator.CIDR, "10.0.0.0/8", ADDRESS),
            compared(Operator.EQUALS, "1.2.3.4", ADDRESS),
            compared(Operator.EQUALS, "10.0.0.0/8", ADDRESS),
        )
    ),
    "eventName in (A)": compared(Operator.EQUALS, "A"),
    "eventName in (A, B*)": Any(
        (compared(Operator.EQUALS, "A"), compared(Operator.WILDCARD, "B*"))
    ),
    "eventName not in (A, B)": All(
        (compared(Operator.NOT_EQUALS, "A"), compared(Operator.NOT_EQUALS, "B"))
    ),
    "ip not in 10.0.0.0/8": All(
        (
            compared(Operator.WILDCARD, "*", ADDRESS),
            Not(compared(Operator.CIDR, "10.0.0.0/8", ADDRESS)),
        )
    ),
    "eventName not in (A, B*)": All(
        (compared(Operator.NOT_EQUALS, "A"), Not(compared(Operator.WILDCARD, "B*")))
    ),
    'requestParameters."key" = x': compared(Operator.EQUALS, "x", KEY),
    'requestParameters."x.y".z = 1': compared(
        Operator.EQUALS, "1", ("requestParameters", "x.y", "z")
    ),
    'requestParameters."a b"."\\"" exists': Compared(
        ("requestParameters", "a b", '"'), Operator.EXISTS
    ),
    "eventContext.requestContext.aws:ViaAWSService = true": compared(
        Operator.EQUALS, "true", ("eventContext", "requestContext", "aws:ViaAWSService")
    ),
    "key = AKIAEXAMPLE": compared(Operator.EQUALS, "AKIAEXAMPLE", ("userIdentity", "accessKeyId")),
    "person = alice": compared(Operator.EQUALS, "alice", ("person",)),
    "session exists": Compared(("session",), Operator.EXISTS),
    "a": A,
    "session": FreeText("session"),
    "'a b' \"c\\u00e9\\t\\\\\\'\"": All((FreeText("a b"), FreeText("cé\t\\'"))),
    '"\\ud83d\\ude00"': FreeText("😀"),
    "arn:aws:s3:::bucket/key": FreeText("arn:aws:s3:::bucket/key"),
    "a b": All((A, B)),
    "a and b AND c": All((A, B, C)),
    "a or b c": Any((A, All((B, C)))),
    "a b OR c": Any((All((A, B)), C)),
    "a (b or c)": All((A, Any((B, C)))),
    "a (b c)": All((A, All((B, C)))),
    "not a b": All((Not(A), B)),
    "not (a b)": Not(All((A, B))),
    "a NOT b": All((A, Not(B))),
    "NOT NOT a": Not(Not(A)),
    "((a))": A,
}


@pytest.mark.parametrize("text", READ)
def test_a_filter_reads_to_what_it_asks(text: str) -> None:
    assert parse_filter(text) == READ[text]


@pytest.mark.parametrize("text", READ)
def test_a_rendered_filter_reads_to_the_same(text: str) -> None:
    assert parse_filter(render(READ[text])) == READ[text]


def test_rendering_writes_quotes_only_where_they_are_needed() -> None:
    text = "eventName='Put' and (ip in 10.0.0.0/8 or not errorCode exists) and errorMessage='a b'"

    assert render(parse_filter(text)) == (
        "eventName = Put AND (sourceIPAddress in 10.0.0.0/8 OR NOT errorCode exists)"
        ' AND errorMessage = "a b"'
    )
    assert render(parse_filter("eventName = 'in'")) == 'eventName = "in"'
    assert render(All((Any(()), All((A,)), All(())))) == 'NOT * AND "a" AND *'
    assert render_path(("requestParameters", "a.b")) == 'requestParameters."a.b"'


REFUSED: dict[str, tuple[int, str]] = {
    "userIdentity.am = x": (0, "unknown field 'userIdentity.am'; did you mean userIdentity.arn"),
    "x or userIdentity.am = x": (5, "unknown field 'userIdentity.am'"),
    "eventname = x": (0, "did you mean eventName?"),
    "bucketName = x": (0, "did you mean requestParameters.bucketName"),
    "requestparameters.bucketName = x": (0, "did you mean requestParameters.bucketName?"),
    "userIdentity.foo": (0, "unknown field 'userIdentity.foo'"),
    "eventName.x = 1": (0, "unknown field 'eventName.x'; did you mean"),
    "zzzzqqqq = x": (0, "unknown field 'zzzzqqqq' (at"),
    "eventName": (0, "the field 'eventName' has no test"),
    "errorCode AccessDenied": (0, "the field 'errorCode' has no test"),
    "requestParameters.key": (0, "the field 'requestParameters.key' has no test"),
    "eventName:PutObject": (0, "found ':' after the field 'eventName'; expected ="),
    "user:alice": (0, "found ':' after the field 'user'; expected ="),
    "Put*": (0, "free text has no wildcards"),
    "a -b": (2, "found '-b'; expected NOT"),
    "eventName =": (11, "found the end; expected a value"),
    "eventName = )": (12, "found ')'; expected a value"),
    "eventName = and": (12, "found 'and'; expected a value; the word itself is written \"and\""),
    "eventName prefix": (16, "found the end; expected a value"),
    "eventName prefix Put*": (17, "a star is written in quotes here"),
    "eventName > 1*": (12, "a star is written in quotes here"),
    "eventName in": (12, 'found the end; expected a network or "("'),
    "eventName in A": (13, "found 'A'; expected a network"),
    "ip in 10.0.0.0/33": (6, "expected a network"),
    "ip in 10.0.0.0/255.0.0.0": (6, "expected a network"),
    "ip in fe80::1%eth0": (6, "expected a network"),
    "eventName in ()": (14, "found ')'; expected a value"),
    "eventName in (A": (15, 'found the end; expected "," or ")"'),
    "eventName in (A B)": (16, 'found \'B\'; expected "," or ")"'),
    "eventName in (A,)": (16, "found ')'; expected a value"),
    "eventName = A, B": (13, "found ','; expected AND, OR or the end"),
    'eventName = a"b"': (12, "expected a value with quotes around all of it"),
    "eventName == a": (10, "found '=='; expected ="),
    "eventName =~ a": (10, "found '=~'; expected like"),
    "eventName <> a": (10, "found '<>'; expected !="),
    "!a": (0, "found '!'; expected NOT or !="),
    "a && b": (2, "found '&&'; expected AND"),
    "a | b": (2, "found '|'; expected OR"),
    "a and": (5, "found the end; expected a test or free text"),
    "or a": (0, "found 'or'; expected a test or free text"),
    "a or or b": (5, "found 'or'; expected a test or free text"),
    "a and and b": (6, "found 'and'; expected a test or free text"),
    "not": (3, "found the end; expected a test or free text"),
    "in (a)": (0, "found 'in'; expected a test or free text; the word itself is written"),
    "= a": (0, "found '='; expected a test or free text"),
    "()": (1, "found ')'; expected a test or free text"),
    "(a": (2, 'found the end; expected ")"'),
    "a)": (1, "found ')'; expected AND, OR or the end"),
    '"a': (0, 'the quote " is not closed'),
    "x 'a\\'": (2, "the quote ' is not closed"),
    '"a\\q"': (2, "unknown escape '\\\\q'"),
    '"a\\u12"': (2, "unknown escape '\\\\u'"),
    '""': (0, "free text is empty"),
    'a"b"': (0, "expected free text with quotes around all of it"),
    "a \u201cb\u201d": (2, "expected a straight quote"),
    "a\x00": (1, "control characters need quotes"),
    "requestParameters.a[0] = 1": (0, "without an index"),
    "requestParameters..a = 1": (0, "expected a field"),
    "requestParameters. = 1": (0, "expected a field"),
    ".eventName = 1": (0, "expected a field"),
    'requestParameters"a" = 1': (0, "expected a field"),
    'requestParameters."a"b = 1': (0, "expected a field"),
    'requestParameters."a""b" = 1': (0, "expected a field"),
    '"a b" = 1': (0, "unknown field 'a b'"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_filter_is_refused_with_its_place(text: str) -> None:
    offset, message = REFUSED[text]

    with pytest.raises(InvalidFilter) as refused:
        parse_filter(text)

    assert message in str(refused.value)
    assert refused.value.offset == offset


def test_nearest_names_are_few_and_cost_little() -> None:
    assert nearest(("useridentity", "ARN")) == ("userIdentity.arn",)
    assert nearest(("userName",))[0] == "userIdentity.userName"
    assert nearest(("sourceIpAddress",))[0] == "sourceIPAddress"
    assert nearest(("x" * 9_000,)) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" * (LONGEST_TEXT + 1), "the filter has 10001 characters; 10000 are allowed"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "deeper than 64"),
        ("not " * (DEEPEST + 1) + "a", "deeper than 64"),
        ("(" * 9_999, "deeper than 64"),
        ("a " * (MOST_TESTS + 1), "more than 1000 tests"),
        (f"ip in ({','.join('1' * (MOST_TESTS + 1))})", "more than 1000 tests"),
    ],
)
def test_a_filter_beyond_a_limit_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message):
        parse_filter(text)


def test_a_filter_at_the_limits_is_read() -> None:
    deep = "(" * (DEEPEST - 1) + "not a" + ")" * (DEEPEST - 1)

    assert parse_filter(deep) == Not(A)
    assert parse_filter("a " * MOST_TESTS) == All((A,) * MOST_TESTS)
    assert parse_filter("a" * LONGEST_TEXT) == FreeText("a" * LONGEST_TEXT)


def test_aliases_stand_for_known_fields_and_hide_none() -> None:
    for alias, path in ALIASES.items():
        assert is_known(path)
        assert not is_known((alias,))


def test_every_field_has_a_meaning_and_stands_once() -> None:
    assert all(field.meaning for field in FIELDS)
    assert len({field.path for field in FIELDS}) == len(FIELDS)


WORDS = st.sampled_from(
    [
        "!=",
        "and",
        "OR",
        "not",
        "in",
        "exists",
        "like",
        "prefix",
        "eventName",
        "ip",
        "10.0.0.0/8",
        "requestParameters.",
        '"a"',
        "a",
        "x.y",
        "userIdentity.am",
        "\\u12",
        *list("()=!<>,\"'*\\ "),
    ]
)


def read_or_refused(text: str) -> Expression | InvalidInput:
    try:
        return parse_filter(text)
    except InvalidInput as refused:
        return refused


@given(st.lists(WORDS, max_size=20).map(" ".join) | st.lists(WORDS).map("".join) | st.text())
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_filter_or_refused_with_a_place_in_it(text: str) -> None:
    found = read_or_refused(text)

    if isinstance(found, InvalidInput):
        assert isinstance(found, InvalidFilter)
        assert 0 <= found.offset <= len(text)
    else:
        assert parse_filter(render(found)) == found


MEMBERS = st.text(min_size=1, max_size=4)
PATHS = st.sampled_from([field.path for field in FIELDS]) | st.lists(
    MEMBERS, min_size=1, max_size=3
).map(lambda members: ("responseElements", *members))
VALUES = st.text(max_size=6) | st.sampled_from(
    ["AND", "in", "*", "a*b", "10.0.0.0/8", "\x1f", "\\"]
)
TESTS = st.builds(
    Compared,
    PATHS,
    st.sampled_from([one for one in Operator if one not in UNLIKE]),
    VALUES,
)
LEAVES = (
    TESTS
    | st.builds(Compared, PATHS, st.just(Operator.EXISTS))
    | st.builds(Compared, PATHS, st.just(Operator.CIDR), st.sampled_from(["10.0.0.0/8", "::1"]))
    | st.builds(FreeText, VALUES.filter(bool))
    | st.just(EVERYTHING)
)


def larger(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, parts)


@given(st.recursive(LEAVES, larger, max_leaves=12))
@settings(max_examples=500, deadline=None)
def test_reading_what_was_rendered_gives_the_same_expression(expression: Expression) -> None:
    assert parse_filter(render(expression)) == expression
