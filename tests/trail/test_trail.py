"""Names of trails and buckets, and which records a trail takes from where in the journal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from opentrail.record import RecordHead
from opentrail.trail.names import (
    InvalidBucketName,
    InvalidPrefix,
    InvalidTrailArn,
    InvalidTrailName,
    check_bucket_name,
    check_prefix,
    check_trail_name,
    hijacks,
    parse_trail_arn,
    trail_arn,
)
from opentrail.trail.timeline import Timeline
from opentrail.trail.trail import Trail

ACCOUNT = "123456789012"


@pytest.mark.parametrize("name", ["abc", "a" * 128, "my-trail_1.x", "1ab", "Main-Trail"])
def test_a_trail_may_be_named(name: str) -> None:
    check_trail_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "ab", "a" * 129, "-abc", "abc-", "a..b", "a-_b", "my trail", "ä-trail", "192.168.5.4",
     "a/b/c", "abc\n", "trail/abc"],
)  # fmt: skip
def test_a_trail_may_not_be_named(name: str) -> None:
    with pytest.raises(InvalidTrailName):
        check_trail_name(name)


@pytest.mark.parametrize(
    ("name", "other", "taken"),
    [
        ("main", "main_us-east-1_copy", True),
        ("main_us-east-1_copy", "main", True),
        ("main", "main_eu-west-1_copy", False),
        ("main", "main-2", False),
        ("main", "mainline", False),
    ],
)
def test_a_name_that_would_take_anothers_digests_is_told(
    name: str, other: str, taken: bool
) -> None:
    assert hijacks(name, other, "us-east-1") is taken


@pytest.mark.parametrize("name", ["abc", "my.bucket-1", "a" * 63])
def test_a_bucket_may_be_named(name: str) -> None:
    check_bucket_name(name)


@pytest.mark.parametrize(
    "name", ["", "ab", "A-bucket", "a..b", "10.0.0.1", "-ab", "a" * 64, "b/c", "b_c", "b c"]
)
def test_a_bucket_may_not_be_named(name: str) -> None:
    with pytest.raises(InvalidBucketName):
        check_bucket_name(name)


@pytest.mark.parametrize("prefix", ["a", "a/b", "logs 2026/x", "a" * 200])
def test_a_prefix_may_be(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["/a", "a/", "a//b", "../a", "a/./b", "a" * 201, "a\nb", "a\\b"])
def test_a_prefix_may_not_be(prefix: str) -> None:
    with pytest.raises(InvalidPrefix):
        check_prefix(prefix)


def test_a_trails_arn_is_read_as_it_was_made() -> None:
    found = parse_trail_arn(trail_arn("eu-west-1", ACCOUNT, "main"))

    assert (found.region, found.account, found.resource) == ("eu-west-1", ACCOUNT, "trail/main")


@pytest.mark.parametrize(
    "text",
    ["arn:aws:cloudtrail:us-east-1:123456789012:main", "arn:aws:s3:::b", "arn:aws",
     "arn:aws:cloudtrail::123456789012:trail/main", "arn:aws:cloudtrail:us-east-1:12:trail/main",
     "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/main"],
)  # fmt: skip
def test_another_arn_is_refused(text: str) -> None:
    with pytest.raises(InvalidTrailArn):
        parse_trail_arn(text)


def trail(**values: Any) -> Trail:
    usual = {
        "arn": trail_arn("us-east-1", ACCOUNT, "main"), "name": "main", "account_id": ACCOUNT,
        "home_region": "us-east-1", "s3_bucket_name": "b", "created": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Trail(**(usual | values))


def head(**values: Any) -> RecordHead:
    usual = {
        "event_id": "e", "event_time": "t", "event_version": "1.11", "aws_region": "us-east-1",
        "event_category": "Management", "recipient_account_id": ACCOUNT,
        "event_source": "ec2.amazonaws.com",
    }  # fmt: skip
    return RecordHead(**(usual | values))


IAM = {"event_source": "iam.amazonaws.com"}
WEST = {"aws_region": "eu-west-1"}


@pytest.mark.parametrize(
    ("configured", "recorded", "taken"),
    [
        ({}, {}, True),
        ({}, WEST, False),
        ({"is_multi_region_trail": True}, WEST, True),
        ({}, {"recipient_account_id": "999999999999"}, False),
        ({}, IAM, True),
        ({"include_global_service_events": False}, IAM, False),
        ({"include_global_service_events": False}, {}, True),
        ({"home_region": "eu-west-1"}, IAM, False),
        ({}, {"event_category": "Data"}, False),
    ],
)
def test_a_trail_takes(configured: dict[str, Any], recorded: dict[str, Any], taken: bool) -> None:
    assert trail(**configured).takes(head(**recorded)) is taken


def test_a_configuration_holds_from_its_place_on() -> None:
    first, second = trail(), trail(is_logging=True)
    timeline = Timeline().turned(10, first).turned(20, second).turned(30, None)

    assert [timeline.at(place) for place in (9, 10, 19, 20, 29, 30)] == [
        None, first, first, second, second, None
    ]  # fmt: skip
    assert [timeline.next_turn(place) for place in (0, 10, 30)] == [10, 20, None]


def test_turns_that_no_record_needs_any_more_are_forgotten() -> None:
    first, second = trail(), trail(is_logging=True)
    timeline = Timeline().turned(10, first).turned(20, second).turned(30, None)

    assert len(timeline.since(25).turns) == 2
    assert timeline.since(25).at(29) == second
    assert timeline.since(31).ended
