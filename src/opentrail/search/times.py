"""Times and ranges of time as people write them: `2026-07-01`, `2h`, `yesterday`, `2d..1d`.

All in UTC, as records tell time. A range begins at its start and ends before its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opentrail.errors import InvalidInput
from opentrail.search.invalid import shown

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_AGO = re.compile(r"([0-9]{1,12})([smhdw])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_DAY = timedelta(days=1)
_EXPECTED = "a time such as 2026-07-01T09:00:00Z, a date, now, today, yesterday, 15m, 2h, 7d or 2w"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Epoch seconds; None for no bound.

    Attributes:
        start: Inclusive.
        end: Exclusive.
    """

    start: int | None
    end: int | None


def parse_time(text: str, now: datetime) -> int:
    """The time in epoch seconds, fractions cut; of a day its first second.

    Args:
        now: Aware.

    Raises:
        InvalidInput: no time that we know.
    """
    return _span(text, now)[0]


def parse_range(text: str, now: datetime) -> TimeRange:
    """The range `A..B`, `A..`, `..B`, or what one time says by itself.

    By itself a day (`yesterday`, `2026-07-01`) is the whole day, another time begins a range
    without end. A day at the end of a range belongs to it.

    Args:
        now: Aware.

    Raises:
        InvalidInput: no time that we know, or a range that ends before it begins.
    """
    left, dots, right = (part.strip() for part in text.partition(".."))
    if not dots:
        first, after = _span(left, now)
        return TimeRange(first, after if after > first else None)
    if not left and not right:
        raise InvalidInput(f"found {shown(text)}; expected a time before or after the dots")
    start = _span(left, now)[0] if left else None
    end = _span(right, now)[1] if right else None
    if start is not None and end is not None and start >= end:
        raise InvalidInput(f"the range {shown(text)} ends before it begins")
    return TimeRange(start, end)


def _span(text: str, now: datetime) -> tuple[int, int]:
    """First second and the second after; both are the same for what is no day."""
    word = text.strip()
    try:
        day = _day(word, now)
        if day is not None:
            return _seconds(day), _seconds(day) + 86_400
        instant = _instant(word, now)
    except (ValueError, OverflowError) as cause:
        raise InvalidInput(f"there is no time {shown(text)}") from cause
    if instant is None:
        raise InvalidInput(f"found {shown(text)}; expected {_EXPECTED}")
    seconds = _seconds(instant)
    return seconds, seconds


def _day(word: str, now: datetime) -> datetime | None:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match word.lower():
        case "today":
            return midnight
        case "yesterday":
            return midnight - _DAY
        case _:
            if _DATE.fullmatch(word):
                return datetime.fromisoformat(word).replace(tzinfo=UTC)
            return None


def _instant(word: str, now: datetime) -> datetime | None:
    if word.lower() == "now":
        return now
    ago = _AGO.fullmatch(word.lower())
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    if _TIME.fullmatch(word):
        when = datetime.fromisoformat(word.upper())
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None


def _seconds(when: datetime) -> int:
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
