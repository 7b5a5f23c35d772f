"""Times and ranges as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.errors import InvalidInput
from opentrail.search.times import TimeRange, parse_range, parse_time

NOW = datetime(2026, 7, 3, 10, 20, 30, 999_999, tzinfo=UTC)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(2026, 7, day, hour, minute, second, tzinfo=UTC).timestamp())


TIMES = {
    "now": at(3, 10, 20, 30),
    " NOW ": at(3, 10, 20, 30),
    "today": at(3),
    "Yesterday": at(2),
    "30s": at(3, 10, 20, 0),
    "15m": at(3, 10, 5, 30),
    "2h": at(3, 8, 20, 30),
    "2H": at(3, 8, 20, 30),
    "0d": at(3, 10, 20, 30),
    "1w": at(3, 10, 20, 30) - 7 * 86_400,
    "2026-07-01": at(1),
    "2026-07-01T09:30:15Z": at(1, 9, 30, 15),
    "2026-07-01t09:30:15z": at(1, 9, 30, 15),
    "2026-07-01 09:30:15": at(1, 9, 30, 15),
    "2026-07-01T09:30": at(1, 9, 30),
    "2026-07-01T09:30:15.999Z": at(1, 9, 30, 15),
    "2026-07-01T09:30:15+02:00": at(1, 7, 30, 15),
    "2026-07-01T09:30:15-0230": at(1, 12, 0, 15),
    "9999-12-31": 253_402_214_400,
    "1969-12-31T23:59:59.5Z": -1,
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_epoch_seconds(text: str) -> None:
    assert parse_time(text, NOW) == TIMES[text]


def test_now_may_be_told_in_any_zone() -> None:
    here = NOW.astimezone(timezone(timedelta(hours=14)))

    assert parse_time("today", here) == at(3)
    assert parse_time("now", here) == at(3, 10, 20, 30)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "tomorrow",
        "2",
        "h",
        "-2h",
        "2 h",
        "2y",
        "1.5h",
        "2026-07",
        "20260701",
        "12:00",
        "2026-13-01",
        "2026-02-30",
        "2026-07-01T25:00Z",
        "2026-07-01T09:00:60Z",
        "2026-W01-1",
        "2026-07-01T09",
        "2026-07-01T09:00:00 UTC",
        "1751360000",
        "999999999999w",
        "9999999w",
        "٢h",
        "2026-07-01T09:00:00+25:00",
        "2h..",
        "x" * 10000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_time(text, NOW)


def test_the_refusal_tells_what_is_a_time() -> None:
    with pytest.raises(InvalidInput, match="found 'tomorrow'; expected a time such as 2026-07-01T"):
        parse_time("tomorrow", NOW)
    with pytest.raises(InvalidInput, match="there is no time '2026-02-30'"):
        parse_time("2026-02-30", NOW)


RANGES = {
    "2h..1h": (at(3, 8, 20, 30), at(3, 9, 20, 30)),
    " 2h .. now ": (at(3, 8, 20, 30), at(3, 10, 20, 30)),
    "2h": (at(3, 8, 20, 30), None),
    "2h..": (at(3, 8, 20, 30), None),
    "..2h": (None, at(3, 8, 20, 30)),
    "now": (at(3, 10, 20, 30), None),
    "yesterday": (at(2), at(3)),
    "today": (at(3), at(4)),
    "yesterday..": (at(2), None),
    "yesterday..today": (at(2), at(4)),
    "..yesterday": (None, at(3)),
    "2026-07-01": (at(1), at(2)),
    "2026-07-01..2026-07-01": (at(1), at(2)),
    "2026-07-01..2026-07-03T00:00:00Z": (at(1), at(3)),
}


@pytest.mark.parametrize("text", RANGES)
def test_a_range_begins_at_its_start_and_ends_before_its_end(text: str) -> None:
    assert parse_range(text, NOW) == TimeRange(*RANGES[text])


@pytest.mark.parametrize("text", ["", "..", "1h..2h", "now..now", "a..b", "1h..2h..3h", "1h...2h"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_range(text, NOW)


@given(st.text() | st.from_regex(r"[0-9]{1,4}(-[0-9]{2}){2}([T .][0-9:.]*)?(Z|\+[0-9:]*)?|[0-9]+w"))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        found = parse_range(text, NOW)
    except InvalidInput:
        return

    assert found.start is None or found.end is None or found.start < found.end


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
@settings(max_examples=100, deadline=None)
def test_iso_times_read_back(when: datetime) -> None:
    whole = when.replace(microsecond=0, tzinfo=UTC)

    assert (
        datetime.fromtimestamp(0, UTC)
        + timedelta(seconds=parse_time(f"{whole:%Y-%m-%dT%H:%M:%S}Z".zfill(20), NOW))
        == whole
    )
