"""Times and their spelling, ARNs and their parts, and the one tree of errors."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail import errors
from opentrail.arn import Arn
from opentrail.clock import (
    ManualClock,
    SystemClock,
    epoch_milliseconds,
    iso_seconds,
    parse_iso_seconds,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

# Clocks


def test_the_systems_clock_tells_aware_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(NOON)

    assert [clock.now(), clock.now()] == [NOON, NOON]
    assert clock.advance(timedelta(hours=1)) == NOON + timedelta(hours=1)
    assert clock.advance(timedelta(hours=-2)) == NOON - timedelta(hours=1)
    assert clock.now() == NOON - timedelta(hours=1)


@given(st.integers(-(10**12), 10**14), st.integers(0, 999), st.integers(-23, 23))
def test_milliseconds_are_exact(milliseconds: int, micros: int, hours: int) -> None:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    when = start + timedelta(milliseconds=milliseconds, microseconds=micros)

    assert epoch_milliseconds(when) == milliseconds
    assert epoch_milliseconds(when.astimezone(timezone(timedelta(hours=hours)))) == milliseconds


def test_a_manual_clock_moved_from_many_threads_loses_no_step() -> None:
    clock = ManualClock(NOON)

    with ThreadPoolExecutor(8) as pool:
        reached = set(pool.map(clock.advance, [timedelta(seconds=1)] * 200))

    assert clock.now() == NOON + timedelta(seconds=200)
    assert len(reached) == 200


# Times

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 29))


@settings(max_examples=100, deadline=None)
@given(TIMES, ZONES)
def test_a_time_of_any_zone_is_spelled_in_utc_and_cut_to_seconds(
    when: datetime, zone: timezone
) -> None:
    aware = when.replace(tzinfo=zone)

    text = iso_seconds(aware)

    assert len(text) == 20
    assert parse_iso_seconds(text) == aware.astimezone(UTC).replace(microsecond=0)
    assert iso_seconds(parse_iso_seconds(text)) == text


@settings(max_examples=50, deadline=None)
@given(TIMES, TIMES)
def test_spellings_stand_in_the_order_of_time(first: datetime, second: datetime) -> None:
    one, other = (when.replace(microsecond=0, tzinfo=UTC) for when in (first, second))

    assert (iso_seconds(one) < iso_seconds(other)) is (one < other)


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (NOON, "2026-11-24T12:00:00Z"),
        (NOON + timedelta(seconds=1, microseconds=-1), "2026-11-24T12:00:00Z"),
        (NOON - timedelta(microseconds=1), "2026-11-24T11:59:59Z"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T23:00:00Z"),
        (datetime(2024, 2, 29, tzinfo=UTC), "2024-02-29T00:00:00Z"),
    ],
)
def test_a_time_is_spelled(when: datetime, text: str) -> None:
    assert iso_seconds(when) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24T12:00:00",
        "2026-11-24T12:00Z",
        "2026-11-24T12:00:00.000Z",
        "2026-11-24T12:00:00+00:00",
        "2026-11-24 12:00:00Z",
        "2026-11-24T12:00:00ZZ",
        " 2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00Z\n",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T12:60:00Z",
        "2026-11-24T12:00:60Z",
        "1795521600",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso_seconds(text)


# ARNs


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("arn:aws:s3:::b", Arn("aws", "s3", "", "", "b")),
        ("arn:aws:s3:::b/k:with:colons", Arn("aws", "s3", "", "", "b/k:with:colons")),
        ("arn:aws:s3:::b/a key", Arn("aws", "s3", "", "", "b/a key")),
        ("arn:aws:iam::123456789012:root", Arn("aws", "iam", "", "123456789012", "root")),
        ("arn:aws-cn:ec2:cn-north-1:1:instance/i", Arn("aws-cn", "ec2", "cn-north-1", "1", "instance/i")),
        ("arn:aws:sns:us-east-1:1:t:sub-id", Arn("aws", "sns", "us-east-1", "1", "t:sub-id")),
    ],
)  # fmt: skip
def test_an_arn_is_read_in_its_parts(text: str, parts: Arn) -> None:
    assert Arn.parse(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize(
    "text",
    ["", "arn", "arn:aws", "arn:aws:s3::b", "arn:aws:s3:::", "arn::s3:::b", "arn:aws::::b",
     "ARN:aws:s3:::b", " arn:aws:s3:::b", "arn:aws:s3::: b", "arn:a s:s3:::b", "x:aws:s3:::b",
     "arn:aws:s3:us east:1:b"],
)  # fmt: skip
def test_what_is_no_arn_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(errors.InvalidArn) as refused:
        Arn.parse(text)

    assert repr(text) in str(refused.value)


def test_the_refusal_of_a_long_text_is_short() -> None:
    with pytest.raises(errors.InvalidArn) as refused:
        Arn.parse("x" * 100_000)

    assert len(str(refused.value)) < 400


PART = st.text(alphabet="abc-123", min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(PART, PART, st.just("") | PART, st.just("") | PART, PART, st.text(max_size=20))
def test_an_arn_is_written_as_it_was_read(
    partition: str, service: str, region: str, account: str, start: str, rest: str
) -> None:
    arn = Arn(partition, service, region, account, start + rest)

    assert Arn.parse(str(arn)) == arn


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["", "arn:", "arn:aws:s3:::"]))
def test_any_text_is_an_arn_or_is_refused(text: str, start: str) -> None:
    with contextlib.suppress(errors.InvalidArn):
        assert str(Arn.parse(start + text)) == start + text


# Errors


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (errors.InvalidInput, errors.OpenTrailError),
        (errors.InvalidArn, errors.InvalidInput),
        (errors.IntegrityError, errors.OpenTrailError),
        (errors.Unavailable, errors.OpenTrailError),
        (errors.StateConflict, errors.OpenTrailError),
    ],
)
def test_every_error_has_its_place_in_the_tree(
    error: type[Exception], parent: type[Exception]
) -> None:
    assert issubclass(error, parent)
    assert str(error("what is wrong")) == "what is wrong"


def test_what_is_unavailable_tells_the_others_word_for_it() -> None:
    assert errors.Unavailable("no").code == ""
    assert errors.Unavailable("no", code="NoSuchBucket").code == "NoSuchBucket"
