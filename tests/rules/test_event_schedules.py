"""When scheduled rules are due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.rules.schedule import InvalidSchedule, parse_schedule


def due(
    expression: str, after: str, count: int = 1, since: str = "2026-01-01T00:00:00"
) -> list[str]:
    schedule, found = parse_schedule(expression), []
    at: int | None = epoch(after)
    for _ in range(count):
        at = schedule.next_after(at or 0, epoch(since))
        if at is None:
            break
        found.append(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    return found


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(1 minute)", "2026-01-01T00:00:00", ["2026-01-01T00:01:00", "2026-01-01T00:02:00"]),
        ("rate(5 minutes)", "2026-01-01T00:04:59", ["2026-01-01T00:05:00"]),
        ("rate(2 hours)", "2026-01-01T02:00:00", ["2026-01-01T04:00:00"]),
        ("rate(7 days)", "2025-01-01T00:00:00", ["2026-01-08T00:00:00"]),
        # The examples of the user guide.
        ("cron(0 10 * * ? *)", "2026-07-01T10:00:00", ["2026-07-02T10:00:00"]),
        ("cron(15 12 * * ? *)", "2026-07-01T10:00:00", ["2026-07-01T12:15:00"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-07-03T18:00:00", ["2026-07-06T18:00:00"]),
        ("cron(0 8 1 * ? *)", "2026-07-01T08:00:00", ["2026-08-01T08:00:00"]),
        ("cron(0/15 * * * ? *)", "2026-07-01T10:16:59", ["2026-07-01T10:30:00"]),
        ("cron(0/10 * ? * MON-FRI *)", "2026-07-03T23:50:00", ["2026-07-06T00:00:00"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-07-03T17:55:00", ["2026-07-06T08:00:00"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-07-03T02:30:00", ["2026-07-03T20:00:00"]),
        ("cron(0 9 ? * 2#1 *)", "2026-07-01T00:00:00", ["2026-07-06T09:00:00"]),
        ("cron(0 9 L * ? *)", "2028-02-01T00:00:00", ["2028-02-29T09:00:00"]),
        ("cron(0 9 LW * ? *)", "2026-05-01T00:00:00", ["2026-05-29T09:00:00"]),
        ("cron(0 9 3W * ? *)", "2026-10-01T00:00:00", ["2026-10-02T09:00:00"]),
        ("cron(0 9 1W * ? *)", "2026-08-01T00:00:00", ["2026-08-03T09:00:00"]),
        ("cron(0 9 31W * ? *)", "2026-05-01T00:00:00", ["2026-05-29T09:00:00"]),
        ("cron(0 9 ? * 6L *)", "2026-07-01T00:00:00", ["2026-07-31T09:00:00"]),
        ("cron(0 9 ? * L *)", "2026-07-01T00:00:00", ["2026-07-04T09:00:00"]),
        ("cron(0 9 29 2 ? *)", "2026-07-01T00:00:00", ["2028-02-29T09:00:00"]),
        ("cron(0 0 1 JAN ? 2027-2028)", "2026-07-01T00:00:00", ["2027-01-01T00:00:00", "2028-01-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2025)", "2026-07-01T00:00:00", []),
        ("cron(0 0 30 2 ? *)", "2026-07-01T00:00:00", []),
        ("cron(0 0 ? * SUN,tue *)", "2026-07-01T00:00:00", ["2026-07-05T00:00:00", "2026-07-07T00:00:00"]),
        ("cron(0 0 ? * FRI-MON/3 *)", "2026-07-01T00:00:00", ["2026-07-03T00:00:00"]),
    ],
)  # fmt: skip
def test_due_times(expression: str, after: str, expected: list[str]) -> None:
    assert due(expression, after, len(expected) or 1) == expected


@pytest.mark.parametrize(
    "expression",
    [
        *("", "rate()", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 weeks)"),
        *("rate(5.5 hours)", "rate(-1 hours)", "rate(05 hours)", "every 5 minutes", "cron(* * * * *)"),
        *("cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)", "cron(* 24 * * ? *)"),
        *("cron(* * 32 * ? *)", "cron(* * 0 * ? *)", "cron(* * * 13 ? *)", "cron(* * ? * 8 *)"),
        *("cron(* * ? * MON#6 *)", "cron(* * * * ? 1969)", "cron(* * * * ? 2200)", "cron(*/0 * * * ? *)"),
        *("cron(a * * * ? *)", "cron(1- * * * ? *)", "cron(,1 * * * ? *)", "cron(٣ * * * ? *)"),
        *("cron(* * W * ? *)", "cron(* * ? * #1 *)", "rate(5 minutes) ", "cron(0 9 ? * MON *))"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(expression)


NUMBERS = st.integers(0, 59).map(str) | st.just("*") | st.just("*/7") | st.just("3-9")


@settings(max_examples=60)
@given(
    NUMBERS,
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["5", "*", "10-12"]),
)
def test_the_next_time_is_the_first_minute_that_fits(
    minutes: str, after: datetime, hours: str
) -> None:
    schedule = parse_schedule(f"cron({minutes} {hours} * * ? *)")
    start = int(after.replace(tzinfo=UTC).timestamp())

    found = schedule.next_after(start, 0)

    assert found is not None
    assert found > start
    assert found % 60 == 0
    # Every minute before is none of its times: each would be the next after the minute before it.
    for minute in range(start // 60 * 60 + 60, min(found, start + 6000), 60):
        assert schedule.next_after(minute - 60, 0) == found
    assert datetime.fromtimestamp(found, UTC) - after.replace(tzinfo=UTC) < timedelta(days=2)
