"""Policies against a table, and against a plain evaluator that shares no code with ours."""

import fnmatch
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.access.evaluate import Asking, Verdict, evaluate
from opentrail.access.policy import InvalidPolicy, parse_policy
from opentrail.access.wildcards import fits

ALICE = "arn:aws:iam::123456789012:user/alice"
TRAIL = "arn:aws:cloudtrail:us-east-1:123456789012:trail/main"


def says(statements: Any, **asking: Any) -> Verdict:
    policy = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    usual = {"action": "cloudtrail:StopLogging", "resource": TRAIL}
    return evaluate([policy], Asking(**(usual | asking)))


def allow(**values: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"} | values


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow(Action="cloudtrail:StopLogging"), True),
        (allow(Action="CloudTrail:stoplogging"), True),
        (allow(Action="cloudtrail:Stop*"), True),
        (allow(Action=["s3:*", "cloudtrail:?topLogging"]), True),
        (allow(Action="cloudtrail:Get*"), False),
        (allow(Resource=TRAIL), True),
        (allow(Resource=TRAIL.upper()), False),
        (allow(Resource="arn:aws:cloudtrail:*:123456789012:trail/*"), True),
        (allow(Resource="arn:aws:cloudtrail:*:999999999999:trail/*"), False),
        ({"Effect": "Allow", "NotAction": "cloudtrail:Stop*", "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": TRAIL}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": TRAIL + "2"}, True),
        (allow(Resource="arn:aws:cloudtrail:us-east-1:123456789012:trail/${aws:username}"), False),
    ],
)  # fmt: skip
def test_actions_and_resources(statement: dict[str, Any], allowed: bool) -> None:
    context = {"aws:username": "alice"}

    assert (says(statement, context=context) is Verdict.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "given_value", "holds"),
    [
        ("StringEquals", "k", "a", "a", True),
        ("StringEquals", "k", "a", "A", False),
        ("StringEquals", "k", ["x", "a"], "a", True),
        ("StringEquals", "k", "a", None, False),
        ("StringEqualsIfExists", "k", "a", None, True),
        ("StringNotEquals", "k", "a", "a", False),
        ("StringNotEquals", "k", ["x", "a"], "a", False),
        ("StringNotEquals", "k", "a", "b", True),
        ("StringNotEquals", "k", "a", None, True),
        ("StringEqualsIgnoreCase", "k", "aB", "Ab", True),
        ("StringLike", "k", "a*c", "abbc", True),
        ("StringLike", "k", "a?c", "abbc", False),
        ("StringNotLike", "k", "a*", "abc", False),
        ("ArnLike", "k", "arn:aws:cloudtrail:*:123456789012:trail/*", TRAIL, True),
        ("ArnEquals", "k", "arn:aws:cloudtrail:*:trail/*", TRAIL, False),
        ("ArnNotLike", "k", "arn:aws:s3:::*", TRAIL, True),
        ("Bool", "k", "true", "true", True),
        ("Bool", "k", True, "true", True),
        ("Bool", "k", "true", "false", False),
        ("Bool", "k", "true", None, False),
        ("BoolIfExists", "k", "true", None, True),
        ("IpAddress", "k", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "k", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "k", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "k", "10.0.0.0/8", "no address", False),
        ("NotIpAddress", "k", "10.0.0.0/8", "11.1.2.3", True),
        ("NumericLessThan", "k", "10", "9", True),
        ("NumericLessThan", "k", "10", "10", False),
        ("NumericGreaterThanEquals", "k", 10, "10", True),
        ("DateGreaterThan", "k", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", True),
        ("DateLessThan", "k", "1700000000", "2026-01-02T00:00:00Z", False),
        ("Null", "k", "true", None, True),
        ("Null", "k", "true", "a", False),
        ("Null", "k", "false", "a", True),
        ("ForAnyValue:StringEquals", "k", ["a", "b"], ("b", "c"), True),
        ("ForAllValues:StringEquals", "k", ["a", "b"], ("b", "c"), False),
        ("ForAllValues:StringEquals", "k", ["a", "b"], None, True),
        ("ForAnyValue:StringEquals", "k", ["a"], None, False),
        ("ForAnyValue:StringEquals", "k", ["a"], (), False),
        ("ForAnyValue:StringNotEquals", "k", ["a"], None, False),
        ("ForAnyValue:StringNotLike", "k", ["a*"], (), False),
        ("ForAnyValue:StringNotEquals", "k", ["a"], ("a", "b"), True),
        ("ForAnyValue:StringNotEqualsIfExists", "k", ["a"], None, True),
        ("ForAllValues:StringNotEquals", "k", ["a"], ("a", "b"), False),
        ("ForAllValues:StringNotEquals", "k", ["a"], ("b", "c"), True),
        ("ForAllValues:StringEqualsIfExists", "k", ["a"], ("b",), False),
        ("StringNotEquals", "k", "a", (), True),
        ("StringNotEqualsIfExists", "k", "a", "a", False),
        ("Null", "k", "true", (), True),
        ("Null", "k", "True", None, True),
        ("Null", "k", ["false", "true"], None, True),
        ("NotIpAddress", "k", "10.0.0.0/8", "10.1.2.3", False),
        ("IpAddress", "k", "10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("StringEquals", "k", "${aws:username}", "alice", True),
        ("StringEquals", "k", "${*}", "*", True),
        ("StringLike", "k", "${*}", "anything", False),
        ("StringLike", "k", "${none, 'guest'}", "guest", True),
    ],
)  # fmt: skip
def test_conditions(operator: str, key: str, wanted: Any, given_value: Any, holds: bool) -> None:
    context = {"aws:username": "alice"} | ({} if given_value is None else {key: given_value})
    statement = allow(Condition={operator: {key.upper(): wanted}})

    assert (says(statement, context=context) is Verdict.ALLOWED) is holds


def test_a_deny_wins_wherever_it_stands() -> None:
    deny = {"Effect": "Deny", "Action": "cloudtrail:*", "Resource": "*"}

    assert says([deny, allow()]) is Verdict.DENIED
    assert says([allow(), deny]) is Verdict.DENIED
    assert says([allow()], action="cloudtrail:GetTrail") is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ALICE}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": ["999999999999", "123456789012"]}, True),
        ({"AWS": "999999999999"}, False),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"Service": "cloudtrail.amazonaws.com"}, False),
    ],
)  # fmt: skip
def test_who_is_meant(principal: Any, meant: bool) -> None:
    alice = (("AWS", ALICE), ("AWS", "123456789012"))

    found = says(allow(Principal=principal), principals=alice)

    assert (found is Verdict.ALLOWED) is meant
    opposite = allow() | {"NotPrincipal": principal}
    assert (says(opposite, principals=alice) is Verdict.ALLOWED) is not meant


def test_a_statement_fits_only_the_kind_of_policy_that_it_is_of() -> None:
    alice = (("AWS", ALICE),)
    without_resource = {"Effect": "Allow", "Principal": "*", "Action": "*"}

    assert says(allow(), principals=alice) is Verdict.NOT_ALLOWED
    assert says(allow(Principal="*")) is Verdict.NOT_ALLOWED
    assert says(without_resource, principals=alice) is Verdict.NOT_ALLOWED
    assert says(without_resource, principals=alice, resource=None) is Verdict.ALLOWED


def test_a_value_with_wildcards_stands_for_itself() -> None:
    statement = allow(Resource="arn:aws:s3:::home/${aws:username}/*")

    asked = says(statement, resource="arn:aws:s3:::home/bob/x", context={"aws:username": "*"})

    assert asked is Verdict.NOT_ALLOWED


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Statement": []}', '{"Statement": [1]}', '{"Version": "1", "Statement": {}}',
     '{"Statement": {"Effect": "Perhaps", "Action": "*"}}', '{"Statement": {"Effect": "Allow"}}',
     '{"Statement": {"Effect": "Allow", "Action": 1}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Principal": 1}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Guess": {"a": "b"}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"a": {}}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": []}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Null": {"a": null}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Null": {"a": "no"}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"NotBool": {"a": "true"}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"NullIfExists": {"a": "true"}}}}',
     '{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"IpAddress": {"a": "10.0.0.0/33"}}}}',
     '{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"NumericEquals": {"a": "x"}}}}',
     '{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"DateLessThan": {"a": "soon"}}}}',
     '{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"Bool": {"a": "yes"}}}}',
     '{"Statement": {"Effect": "Allow", "Action": "a", "NotAction": "b"}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "b"}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*", "NotPrincipal": "*"}}',
     '{"Statement": {"Effect": "Allow", "Action": "*", "Principal": null}}',
     '{"Statement": {"Effect": "Allow", "Action": []}}',
     '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*"}}',
     "[" * 100_000],
)  # fmt: skip
def test_what_is_no_policy_is_told(text: str) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(text)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_are_those_of_the_shell(pattern: str, text: str) -> None:
    assert fits(pattern, text) == bool(re.fullmatch(fnmatch.translate(pattern), text))


def test_wildcards_take_no_more_than_the_product_of_the_lengths() -> None:
    assert not fits("a*" * 200 + "b", "a" * 2000)


_NAMES = st.sampled_from(["s3:Get", "s3:Put", "ec2:Get", "*", "s3:*", "*:Get", "?3:Get"])
_STATEMENTS = st.lists(
    st.builds(
        lambda effect, kind, names, resources, condition: {
            "Effect": effect, kind: names, "Resource": resources, "Condition": condition,
        },
        st.sampled_from(["Allow", "Deny"]),
        st.sampled_from(["Action", "NotAction"]),
        st.lists(_NAMES, min_size=1, max_size=2),
        st.lists(st.sampled_from(["a", "b*", "*"]), min_size=1, max_size=2),
        st.one_of(
            st.just({}),
            st.builds(
                lambda operator, values: {operator: {"k": values}},
                st.sampled_from(["StringEquals", "StringNotEquals", "StringLike"]),
                st.lists(st.sampled_from(["x", "y", "x*"]), min_size=1, max_size=2),
            ),
        ),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def glob(pattern: str, text: str) -> bool:
    return bool(re.fullmatch(fnmatch.translate(pattern), text))


def plain_condition(block: Any, value: str | None) -> bool:
    plain = {
        "StringEquals": lambda values: value in values,
        "StringNotEquals": lambda values: value not in values,
        "StringLike": lambda values: value is not None and any(glob(one, value) for one in values),
    }
    return all(plain[operator](keys["k"]) for operator, keys in block.items())


def plain_answer(statements: list[Any], action: str, resource: str, value: str | None) -> Verdict:
    """The same decision, written as the guide tells it."""
    effects = set()
    for one in statements:
        hit = any(glob(name, action) for name in one.get("Action") or one["NotAction"])
        here = any(glob(name, resource) for name in one["Resource"])
        if hit != ("NotAction" in one) and here and plain_condition(one["Condition"], value):
            effects.add(one["Effect"])
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.NOT_ALLOWED


@settings(max_examples=500)
@given(
    _STATEMENTS,
    st.sampled_from(["s3:Get", "s3:Put", "ec2:Get"]),
    st.sampled_from(["a", "b", "bb", "c"]),
    st.sampled_from([None, "x", "y", "xy"]),
)
def test_a_plain_evaluator_agrees(
    statements: list[Any], action: str, resource: str, value: str | None
) -> None:
    context = {} if value is None else {"k": value}
    # Actions fit whatever their case.
    expected = plain_answer(statements, action, resource, value)

    assert says(statements, action=action, resource=resource, context=context) is expected
