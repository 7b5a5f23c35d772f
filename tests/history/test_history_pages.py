"""Lookups and page tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opentrail.history.lookup import LookupRefused, parse_lookup
from opentrail.history.page import After, make_token, read_token

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECRET = b"secret"


def lookup(**parameters: Any) -> Any:
    return parse_lookup(parameters, account_id="1", region="us-east-1", now=NOW)


def attribute(key: str, value: Any) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"MaxResults": 0}, "InvalidMaxResultsException"),
    ({"MaxResults": 51}, "InvalidMaxResultsException"),
    ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
    ({"StartTime": 10**20}, "InvalidTimeRangeException"),
    ({"StartTime": float("nan")}, "InvalidTimeRangeException"),
    (attribute("Color", "red"), "InvalidLookupAttributesException"),
    (attribute("EventName", ""), "InvalidLookupAttributesException"),
    (attribute("EventName", "x" * 2001), "InvalidLookupAttributesException"),
    (attribute("EventName", "_" * 1001), "InvalidLookupAttributesException"),
    ({"LookupAttributes": [{"AttributeKey": "EventId", "AttributeValue": "x"}] * 2},
     "InvalidLookupAttributesException"),
    ({"EventCategory": "data"}, "InvalidEventCategoryException"),
    ({"EventCategory": "insight"} | attribute("Username", "x"), "InvalidLookupAttributesException"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code"), REFUSED)
def test_a_lookup_against_the_rules_is_refused(parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(LookupRefused) as refused:
        lookup(**parameters)

    assert refused.value.code == code


def test_a_lookup_reaches_back_ninety_days() -> None:
    assert lookup(StartTime=0).start == NOW - timedelta(days=90)
    assert lookup().limit == 50


def test_a_range_has_the_whole_seconds_between_its_ends() -> None:
    second = int(NOW.timestamp())

    assert lookup(StartTime=second - 9.5, EndTime=second - 0.5).seconds == (second - 9, second - 1)
    assert lookup(StartTime=second - 9, EndTime=second).seconds == (second - 9, second)


def test_a_token_is_read_for_the_question_it_was_given_to() -> None:
    after = After(1_700_000_000, 7, 1, 2)
    token = make_token(after, lookup(), SECRET)

    assert read_token(token, lookup(), SECRET) == after


@pytest.mark.parametrize("position", [0, 5, 20, 30])
def test_a_changed_token_is_refused(position: int) -> None:
    token = make_token(After(1, 2, 3, 4), lookup(), SECRET)
    changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]

    with pytest.raises(LookupRefused):
        read_token(changed, lookup(), SECRET)


@pytest.mark.parametrize("token", ["", "x", "ä", "=" * 9, "A" * 60])
def test_another_text_is_no_token(token: str) -> None:
    with pytest.raises(LookupRefused):
        read_token(token, lookup(), SECRET)


def test_a_token_is_refused_for_another_question() -> None:
    token = make_token(After(1, 2, 3, 4), lookup(), SECRET)

    with pytest.raises(LookupRefused):
        read_token(token, lookup(**attribute("EventName", "x")), SECRET)
