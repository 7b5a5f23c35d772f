"""Names that would be taken for another trail's, what a trail lets in, and its turns."""

import contextlib
import json
import re
from datetime import UTC, datetime
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.arn import Arn
from opentrail.digest.name import DigestName, digest_key
from opentrail.errors import InvalidInput
from opentrail.record import RecordHead, read_record
from opentrail.selectors import parse_advanced, parse_basic
from opentrail.trail.names import (
    InvalidTrailArn,
    InvalidTrailName,
    check_bucket_name,
    check_prefix,
    check_trail_name,
    hijacks,
    parse_trail_arn,
    trail_arn,
)
from opentrail.trail.status import TrailStatus
from opentrail.trail.timeline import PendingCall, Timeline, TrailTurn
from opentrail.trail.trail import Trail

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

# Names

PARTS = st.text(alphabet="abXYZ019", min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, min_size=2, max_size=6), st.sampled_from("._-"))
def test_words_joined_by_one_mark_each_may_name_a_trail(words: list[str], mark: str) -> None:
    name = "x" + mark.join(words)

    check_trail_name(name)

    assert parse_trail_arn(trail_arn("us-east-1", ACCOUNT, name)).resource == f"trail/{name}"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=140))
def test_any_text_is_a_name_or_is_refused(text: str) -> None:
    for check in (check_trail_name, check_bucket_name, check_prefix, parse_trail_arn):
        with contextlib.suppress(InvalidInput):
            check(text)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ab", "too short"),
        ("a" * 129, "too long"),
        ("my trail", "can only contain"),
        ("_abc", "starts with a letter or number"),
        ("abc.", "ends with a letter or number"),
        ("a-.b", "adjacent"),
        ("10.0.0.1", "IP address"),
    ],
)
def test_the_refusal_of_a_trails_name_tells_the_rule(name: str, told: str) -> None:
    with pytest.raises(InvalidTrailName) as refused:
        check_trail_name(name)

    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["ab", "a" * 129, "-abc", "a--b", "a/b", ""])
def test_an_arn_with_a_name_against_the_rules_is_refused(name: str) -> None:
    with pytest.raises(InvalidTrailName):
        parse_trail_arn(trail_arn("us-east-1", ACCOUNT, name))


@pytest.mark.parametrize(
    "account", ["", "12345678901", "1234567890123", "12345678901x", "1" * 11 + "\u0661"]
)
def test_an_arn_needs_twelve_digits(account: str) -> None:
    with pytest.raises(InvalidTrailArn):
        parse_trail_arn(trail_arn("us-east-1", account, "main"))


def test_a_trails_arn_of_another_partition_is_read() -> None:
    text = f"arn:aws-cn:cloudtrail:cn-north-1:{ACCOUNT}:trail/main"

    assert parse_trail_arn(text) == Arn("aws-cn", "cloudtrail", "cn-north-1", ACCOUNT, "trail/main")


HOME = "us-east-1"
STEMS = ("main", "main-2", "mainline", "m.n", "mxn")
ENDINGS = (
    "",
    "_us-east-1_x",
    "_us-east-1_us-east-1",
    "_eu-west-1_x",
    "-us-east-1-x",
    "_us-east-1x",
)


def looks_like(name: str, other: str) -> bool:
    """Whether the pattern of `aws cloudtrail validate-logs` for `name` takes `other`'s digest."""
    pattern = re.compile(
        rf"AWSLogs/{ACCOUNT}/CloudTrail\-Digest/{HOME}/\d+/\d+/\d+/{ACCOUNT}_CloudTrail\-Digest_"
        rf"{HOME}_{re.escape(name)}_{HOME}_.+(?:_backfill)?\.json\.gz"
    )
    digest = DigestName(
        prefix="", organization="", account_id=ACCOUNT, region=HOME, trail=other,
        home_region=HOME, end=NOW, backfill=False,
    )  # fmt: skip
    return pattern.fullmatch(digest_key(digest)) is not None


def test_names_are_told_apart_as_the_aws_command_tells_them() -> None:
    names = [f"{stem}{ending}" for stem in STEMS for ending in ENDINGS]

    for name, other in product(names, names):
        if name != other:
            expected = looks_like(name, other) or looks_like(other, name)
            assert hijacks(name, other, HOME) is expected, (name, other)


# What a trail takes


def trail(**values: Any) -> Trail:
    usual: dict[str, Any] = {
        "arn": trail_arn(HOME, ACCOUNT, "main"), "name": "main", "account_id": ACCOUNT,
        "home_region": HOME, "s3_bucket_name": "b", "created": NOW,
    }  # fmt: skip
    return Trail(**(usual | values))


def head(**values: Any) -> RecordHead:
    usual = {
        "eventID": "e", "eventTime": "t", "eventVersion": "1.11", "awsRegion": HOME,
        "eventCategory": "Management", "recipientAccountId": ACCOUNT,
        "eventSource": "ec2.amazonaws.com",
    }  # fmt: skip
    return read_record(json.dumps(usual | values).encode()).head


READS = tuple(parse_basic([{"ReadWriteType": "ReadOnly"}]))
DATA_ONLY = parse_advanced(
    [
        {
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            ]
        }
    ]
)
OBJECT = {"eventCategory": "Data", "resources": [{"type": "AWS::S3::Object", "ARN": "a"}]}


@pytest.mark.parametrize(
    ("configured", "recorded", "taken"),
    [
        ({"event_selectors": READS}, {"readOnly": True}, True),
        ({"event_selectors": READS}, {"readOnly": False}, False),
        ({"event_selectors": (), "advanced_event_selectors": DATA_ONLY}, OBJECT, True),
        ({"event_selectors": (), "advanced_event_selectors": DATA_ONLY}, {}, False),
        ({"event_selectors": (), "advanced_event_selectors": DATA_ONLY},
         OBJECT | {"awsRegion": "eu-west-1"}, False),
        ({"event_selectors": (), "advanced_event_selectors": DATA_ONLY,
          "is_multi_region_trail": True}, OBJECT | {"awsRegion": "eu-west-1"}, True),
        ({"event_selectors": ()}, {}, False),
        ({"is_multi_region_trail": True}, {"recipientAccountId": "999999999999"}, False),
        ({"is_multi_region_trail": True, "home_region": "eu-west-1"},
         {"eventSource": "sts.amazonaws.com"}, True),
        ({"include_global_service_events": False}, {"eventSource": "sts.amazonaws.com"}, False),
        ({"include_global_service_events": False}, {"eventSource": "cloudfront.amazonaws.com"},
         False),
        ({"include_global_service_events": False, "home_region": "eu-west-1"},
         {"eventSource": "sts.amazonaws.com", "awsRegion": "eu-west-1"}, True),
        ({"is_logging": False}, {}, True),
        ({}, {"eventCategory": "Insight"}, False),
        ({}, {"eventSource": "kms.amazonaws.com", "readOnly": True}, True),
    ],
)  # fmt: skip
def test_account_region_and_selectors_decide_together(
    configured: dict[str, Any], recorded: dict[str, Any], taken: bool
) -> None:
    one = trail(**configured)

    assert one.takes(head(**recorded)) is taken
    assert one.taker()(head(**recorded)) is taken


def test_a_record_without_a_recipient_reaches_no_trail() -> None:
    assert not trail(is_multi_region_trail=True).takes(head(recipientAccountId=None))


@pytest.mark.parametrize(
    ("configured", "custom"),
    [
        ({}, False),
        ({"event_selectors": parse_basic([{}])}, False),
        ({"event_selectors": READS}, True),
        ({"event_selectors": parse_basic([{}, {}])}, True),
        ({"event_selectors": (), "advanced_event_selectors": DATA_ONLY}, True),
    ],
)
def test_selectors_are_custom_once_they_differ_from_a_new_trails(
    configured: dict[str, Any], custom: bool
) -> None:
    assert trail(**configured).has_custom_event_selectors is custom


# What is kept


@pytest.mark.parametrize(
    "value",
    [
        trail(tags=(("a", "1"), ("b", "")), start_logging_time=NOW, s3_key_prefix="x"),
        trail(event_selectors=(), advanced_event_selectors=DATA_ONLY, is_logging=True),
        TrailStatus(),
        TrailStatus(latest_delivery_time=NOW, latest_delivery_error="NoSuchBucket"),
        Timeline().turned(1, trail()).turned(2, None),
        PendingCall(event_id="e", record=b'{"a":"\xc3\xa4"}', not_before=7, own_record_before=True,
                    turns=(TrailTurn("arn", trail()), TrailTurn("arn2", None))),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_kept_of_a_trail_is_read_back_unchanged(value: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


# Turns

OFFSETS = st.integers(0, 30)
STEPS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=6)


def made(steps: list[tuple[int, bool]]) -> Timeline:
    timeline, offset = Timeline(), 0
    for number, (step, deleted) in enumerate(steps):
        offset += step
        timeline = timeline.turned(offset, None if deleted else trail(s3_key_prefix=f"p{number}"))
    return timeline


@settings(max_examples=100, deadline=None)
@given(STEPS, OFFSETS)
def test_the_last_turn_not_behind_a_record_holds_for_it(
    steps: list[tuple[int, bool]], offset: int
) -> None:
    timeline = made(steps)

    past = [turn.trail for turn in timeline.turns if turn.offset <= offset]
    later = [turn.offset for turn in timeline.turns if turn.offset > offset]
    assert timeline.at(offset) == (past[-1] if past else None)
    assert timeline.next_turn(offset) == min(later, default=None)


@settings(max_examples=100, deadline=None)
@given(STEPS, OFFSETS, OFFSETS)
def test_forgetting_old_turns_changes_nothing_for_later_records(
    steps: list[tuple[int, bool]], cut: int, ahead: int
) -> None:
    timeline = made(steps)

    shorter = timeline.since(cut)

    assert shorter.at(cut + ahead) == timeline.at(cut + ahead)
    assert shorter.next_turn(cut + ahead) == timeline.next_turn(cut + ahead)
    assert shorter.since(cut) == shorter


def test_between_two_turns_at_one_place_the_later_one_holds() -> None:
    timeline = Timeline().turned(5, trail()).turned(5, trail(is_logging=True))

    assert timeline.at(4) is None
    assert timeline.at(5) == trail(is_logging=True)


@pytest.mark.parametrize(
    ("timeline", "ended"),
    [
        (Timeline(), False),
        (Timeline().turned(1, trail()), False),
        (Timeline().turned(1, trail()).turned(2, None), False),
        (Timeline().turned(2, None), True),
    ],
)
def test_a_timeline_has_ended_when_only_the_deletion_is_left(
    timeline: Timeline, ended: bool
) -> None:
    assert timeline.ended is ended
