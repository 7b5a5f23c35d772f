"""Rules of composite alarms."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarm_samples import rows
from opentrail.alarms.alarm import State
from opentrail.alarms.composite import InvalidRule, children, holds, parse_rule
from pace import within


def value(rule: str, **states: str) -> bool:
    return holds(parse_rule(rule), lambda name: State(states.get(name, "OK")))


@pytest.mark.parametrize("row", rows("composite"), ids=lambda row: row["id"])
def test_rules_are_true_as_documented(row: dict[str, Any]) -> None:
    rule = parse_rule(row["rule"])

    found = holds(rule, lambda name: State(row["states"][name]))

    assert ("ALARM" if found else "OK") == row["expected"]["state"]
    assert set(children(rule)) == set(row["states"])


def test_and_binds_closer_than_or_and_not_closer_than_and() -> None:
    assert value("TRUE OR FALSE AND FALSE")
    assert not value("(TRUE OR FALSE) AND FALSE")
    assert not value("NOT TRUE AND FALSE OR FALSE")
    assert value("NOT (TRUE AND FALSE)")


def test_names_are_plain_quoted_or_arns() -> None:
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a b/(c), é"
    rule = f'ALARM("{arn}") OR OK(ALARM) OR ALARM(x-y_z.1/2:3) AND INSUFFICIENT_DATA("AND")'

    assert children(parse_rule(rule)) == (arn, "ALARM", "x-y_z.1/2:3", "AND")


def test_at_least() -> None:
    states = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA"}

    assert value("AT_LEAST(2, NOT ALARM, (a, b, c))", **states)
    assert not value("AT_LEAST(3, NOT ALARM, (a, b, c))", **states)
    assert value("AT_LEAST(33%, OK, (a, b, c))", **states)
    assert not value("AT_LEAST(34%, OK, (a, b, c))", **states)


@pytest.mark.parametrize("rule", [
    "", " TRUE", "TRUE ", "true", "ALARM", "ALARM(", "ALARM()", "ALARM(a", "ALARM(a))", "ALARM(a b)", "(TRUE", "TRUE)",
    "TRUE TRUE", "TRUE AND", "AND TRUE", "NOT", "NOT NOT TRUE", "OR", "()", 'ALARM("")', 'ALARM("a', "ALARM(a) XOR OK(b)",
    "AT_LEAST(2, ALARM, a)", "AT_LEAST(0, ALARM, (a))", "AT_LEAST(101%, ALARM, (a))", "AT_LEAST(1, ALARM, ())",
    "AT_LEAST(x, ALARM, (a))", "AT_LEAST(1, FALSE, (a))", '"TRUE"', 'TRUE "AND" TRUE', "ALARM(\x00", "1", ",",
])  # fmt: skip
def test_what_is_no_rule_is_refused_with_the_place(rule: str) -> None:
    with pytest.raises(InvalidRule) as caught:
        parse_rule(rule)
    assert str(caught.value).startswith("AlarmRule")


@pytest.mark.parametrize("rule", [
    "TRUE OR " * 600 + "TRUE",
    " OR ".join(f"ALARM(a{one})" for one in range(101)),
    "(" * 101 + "TRUE" + ")" * 101,
    "ALARM(" + "a" * 10_240 + ")",
    f"AT_LEAST(1, ALARM, ({', '.join(f'a{one}' for one in range(101))}))",
])  # fmt: skip
def test_too_large_rules_are_refused(rule: str) -> None:
    with pytest.raises(InvalidRule):
        parse_rule(rule)


def test_the_largest_rules_are_taken() -> None:
    assert (
        len(children(parse_rule(" OR ".join(f"ALARM(a{one % 100})" for one in range(500))))) == 100
    )
    assert value("(" * 100 + "TRUE" + ")" * 100)


@pytest.mark.parametrize(
    "text", ["(" * 10_240, '"' * 10_239, "NOT " * 2_560, "ALARM(" * 1_700, "," * 10_240]
)
def test_hostile_rules_take_no_time(text: str) -> None:
    with within(1), pytest.raises(InvalidRule):
        parse_rule(text)


@given(st.text(alphabet='AB()",% \n1TRUENOTALARMOK_LS', max_size=60))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRule):
        holds(parse_rule(text), lambda _: State.OK)
