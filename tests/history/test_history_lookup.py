"""Lookups as the API's model has them, and pages that neither lose nor repeat an event."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.clock import ManualClock
from opentrail.history.lookup import (
    ATTRIBUTES,
    INSIGHT_ATTRIBUTES,
    LookupQuery,
    LookupRefused,
    parse_lookup,
)
from opentrail.history.page import After, make_token, read_token
from opentrail.ports.events import Position, StoredEvent

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECRET = b"secret"


def lookup(account_id: str = "1", region: str = "us-east-1", **parameters: Any) -> LookupQuery:
    return parse_lookup(parameters, account_id=account_id, region=region, now=NOW)


def by(key: Any, value: Any) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def code_of(parameters: dict[str, Any]) -> str:
    """The code of a refusal, "" for a lookup within the rules."""
    try:
        lookup(**parameters)
    except LookupRefused as refused:
        return refused.code
    return ""


# What may be asked

BAD_ATTRIBUTE = "InvalidLookupAttributesException"
BAD_RANGE = "InvalidTimeRangeException"
BAD_NUMBER = "InvalidMaxResultsException"
# The cases of botocore's cloudtrail model (Apache-2.0), restated.
MODEL: list[tuple[dict[str, Any], str]] = [
    *((by(key, "x"), "") for key in sorted(ATTRIBUTES)),
    *((by(key, "x") | {"EventCategory": "insight"}, "") for key in sorted(INSIGHT_ATTRIBUTES)),
    *((by(key, "x") | {"EventCategory": "insight"}, BAD_ATTRIBUTE)
      for key in sorted(ATTRIBUTES - INSIGHT_ATTRIBUTES)),
    (by("UserName", "x"), BAD_ATTRIBUTE),
    (by("eventName", "x"), BAD_ATTRIBUTE),
    ({"LookupAttributes": [*by("EventName", "A")["LookupAttributes"],
                           *by("Username", "b")["LookupAttributes"]]}, BAD_ATTRIBUTE),
    (by("ResourceName", "a" * 2000), ""),
    (by("ResourceName", "a" * 2001), BAD_ATTRIBUTE),
    (by("ResourceName", "_" * 1000), ""),
    (by("ResourceName", "_" * 1000 + "a"), BAD_ATTRIBUTE),
    (by("ResourceName", "a" * 1992 + "_ ,\n"), ""),
    (by("ResourceName", "a" * 1993 + "_ ,\n"), BAD_ATTRIBUTE),
    (by("EventName", None), BAD_ATTRIBUTE),
    (by("EventName", 1), BAD_ATTRIBUTE),
    ({"LookupAttributes": [{}]}, BAD_ATTRIBUTE),
    ({"LookupAttributes": []}, ""),
    ({"LookupAttributes": None}, ""),
    ({"MaxResults": 0}, BAD_NUMBER),
    ({"MaxResults": 1}, ""),
    ({"MaxResults": 50}, ""),
    ({"MaxResults": 51}, BAD_NUMBER),
    ({"MaxResults": -1}, BAD_NUMBER),
    ({"MaxResults": "5"}, BAD_NUMBER),
    ({"MaxResults": 5.0}, BAD_NUMBER),
    ({"StartTime": 1_700_000_100, "EndTime": 1_700_000_000}, BAD_RANGE),
    ({"StartTime": 1_700_000_000, "EndTime": 1_700_000_000}, ""),
    ({"StartTime": 4_000_000_000}, BAD_RANGE),
    ({"EndTime": float("inf")}, BAD_RANGE),
    ({"EndTime": "2026-11-24"}, BAD_RANGE),
    ({"EventCategory": "insight"}, ""),
    ({"EventCategory": "data"}, "InvalidEventCategoryException"),
    ({"EventCategory": "Insight"}, "InvalidEventCategoryException"),
    ({"EventCategory": ""}, "InvalidEventCategoryException"),
    ({}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code"), MODEL)
def test_a_lookup_is_taken_or_refused_with_its_code(parameters: dict[str, Any], code: str) -> None:
    assert code_of(parameters) == code


def test_a_lookup_that_asks_nothing_takes_ninety_days_of_management_events() -> None:
    assert lookup() == LookupQuery(
        account_id="1", region="us-east-1", attribute="", value="",
        start=NOW - timedelta(days=90), end=NOW, limit=50, insight=False,
    )  # fmt: skip


def test_a_lookup_keeps_what_it_was_asked() -> None:
    start, end = NOW - timedelta(days=2), NOW - timedelta(days=1)

    found = lookup(
        **by("EventName", "CreateUser"), StartTime=start.timestamp(), EndTime=end.timestamp(),
        MaxResults=7,
    )  # fmt: skip

    assert (found.attribute, found.value, found.limit) == ("EventName", "CreateUser", 7)
    assert (found.start, found.end) == (start, end)


def test_what_is_kept_no_longer_is_not_looked_for() -> None:
    assert lookup(StartTime=1_000_000_000).start == NOW - timedelta(days=90)
    assert lookup(EndTime=4_000_000_000).end > NOW


# Tokens

AFTERS = st.builds(After, *[st.integers(0, 2**53)] * 4)


@settings(max_examples=60, deadline=None)
@given(AFTERS, st.binary(min_size=1, max_size=40))
def test_a_token_is_read_as_it_was_made(after: After, secret: bytes) -> None:
    assert read_token(make_token(after, lookup(), secret), lookup(), secret) == after


@settings(max_examples=150, deadline=None)
@given(AFTERS, st.data())
def test_a_token_changed_anywhere_is_refused(after: After, data: Any) -> None:
    token = make_token(after, lookup(), SECRET)
    content = bytearray(base64.urlsafe_b64decode(token))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(LookupRefused) as refused:
        read_token(base64.urlsafe_b64encode(content).decode(), lookup(), SECRET)

    assert refused.value.code == "InvalidNextTokenException"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    with pytest.raises(LookupRefused):
        read_token(text, lookup(), SECRET)


TOKEN = make_token(After(1_700_000_000, 7, 1, 2), lookup(**by("EventName", "x")), SECRET)


@pytest.mark.parametrize("token", [TOKEN[:-4], TOKEN[4:], TOKEN + "AAAA", TOKEN * 2, f" {TOKEN}"])
def test_a_token_cut_or_continued_is_refused(token: str) -> None:
    with pytest.raises(LookupRefused):
        read_token(token, lookup(**by("EventName", "x")), SECRET)


@pytest.mark.parametrize(
    "query",
    [
        lookup(),
        lookup(**by("EventName", "y")),
        lookup(**by("EventSource", "x")),
        lookup(account_id="2", **by("EventName", "x")),
        lookup(region="eu-west-1", **by("EventName", "x")),
        lookup(**by("EventName", "x"), EventCategory="insight"),
    ],
)
def test_a_token_holds_for_the_question_it_was_given_to_only(query: LookupQuery) -> None:
    with pytest.raises(LookupRefused):
        read_token(TOKEN, query, SECRET)


def test_a_token_of_another_installation_is_refused() -> None:
    with pytest.raises(LookupRefused):
        read_token(TOKEN, lookup(**by("EventName", "x")), b"other")


def test_a_token_holds_when_time_has_passed_and_for_pages_of_another_size() -> None:
    clock = ManualClock(NOW)
    clock.advance(timedelta(minutes=5))

    later = parse_lookup(
        by("EventName", "x") | {"MaxResults": 3}, account_id="1", region="us-east-1",
        now=clock.now(),
    )  # fmt: skip

    assert read_token(TOKEN, later, SECRET) == After(1_700_000_000, 7, 1, 2)


def test_a_token_can_stand_in_an_address() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


# Pages


def raw(number: int, seconds_ago: int) -> bytes:
    when = (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {
        "eventID": f"e{number}", "eventTime": when, "eventVersion": "1.11",
        "awsRegion": "us-east-1", "eventCategory": "Management", "recipientAccountId": "1",
    }  # fmt: skip
    return json.dumps(values).encode()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(1, 7), st.integers(0, 9))
def test_pages_show_every_event_once_while_others_arrive(
    ages: list[int], size: int, arriving: int
) -> None:
    store = MemoryEventStore(ManualClock(NOW))
    store.append([raw(number, age) for number, age in enumerate(ages)])
    query = lookup(MaxResults=size)
    shown: list[StoredEvent] = []
    token = ""

    while token or not shown:
        behind = read_token(token, query, SECRET) if token else None
        after = None if behind is None else Position(behind.event_time, behind.sequence)
        found = store.lookup(query, after)
        shown += found[:size]
        last = found[:size][-1].position
        token = ""
        if len(found) > size:
            token = make_token(After(last.event_time, last.sequence, 0, 0), query, SECRET)
        store.append([raw(1000 + len(shown), -arriving)])

    first = [one.position for one in shown if one.position.sequence < len(ages)]
    assert len(first) == len(ages)
    assert first == sorted(first, reverse=True)
