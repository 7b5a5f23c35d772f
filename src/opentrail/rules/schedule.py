"""Schedule expressions: `rate(5 minutes)` and `cron(0 12 ? * MON-FRI *)`, in UTC.

Source: EventBridge user guide, "Setting a schedule pattern for scheduled rules (legacy)": minutes,
hours, day of month, month, day of week (1 is Sunday), year; one of the two days is `?`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from opentrail.errors import InvalidInput

FIRST_YEAR, LAST_YEAR = 1970, 2199

_RATE = re.compile(r"rate\((?:1 (minute|hour|day)|([2-9]|[1-9][0-9]{1,8}) (minute|hour|day)s)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class InvalidSchedule(InvalidInput):
    """A text is no schedule expression."""


class Schedule(Protocol):
    """When a rule is due."""

    def next_after(self, seconds: int, since: int) -> int | None:
        """The first due time after `seconds` (exclusive), None if there is none any more.

        Args:
            since: When the rule was set going; rates count from then.
        """
        ...


def parse_schedule(text: str) -> Schedule:
    """The schedule that the expression tells. Times are epoch seconds.

    Raises:
        InvalidSchedule: it tells none.
    """
    rate = _RATE.fullmatch(text)
    if rate is not None:
        one, count, unit = rate.groups()
        return Rate(int(count or 1) * _SECONDS[one or unit])
    cron = _CRON.fullmatch(text)
    fields = cron[1].split() if cron else []
    if len(fields) != 6:
        return _refuse(text)
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        return _refuse(text)
    try:
        return Cron(
            minutes=_numbers(minutes, 0, 59),
            hours=_numbers(hours, 0, 23),
            days=_days_of_month(days) if days != "?" else _days_of_week(weekdays),
            months=_numbers(months, 1, 12, _MONTHS),
            years=_numbers(years, FIRST_YEAR, LAST_YEAR),
        )
    except ValueError:
        return _refuse(text)


def _refuse(text: str) -> Schedule:
    raise InvalidSchedule(
        f"{text[:100]!r} is no schedule expression; expected one as rate(5 minutes) or "
        "cron(0 12 * * ? *)"
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so many seconds since the rule was set going."""

    every: int

    def next_after(self, seconds: int, since: int) -> int | None:
        """See Schedule."""
        passed = max(0, seconds - since)
        return since + (passed // self.every + 1) * self.every


class Days(Protocol):
    """Which days of a month are meant."""

    def __call__(self, year: int, month: int) -> set[int]:
        """Days of that month, from 1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """At the minutes that all fields allow; each in ascending order."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_after(self, seconds: int, since: int) -> int | None:  # noqa: ARG002 - see Schedule
        """See Schedule."""
        start = datetime.fromtimestamp(seconds, UTC).replace(second=0) + timedelta(minutes=1)
        for day in self._dates(start.date()):
            is_first = day == start.date()
            for hour in self.hours:
                if is_first and hour < start.hour:
                    continue
                for minute in self.minutes:
                    if is_first and hour == start.hour and minute < start.minute:
                        continue
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    return int(due.timestamp())
        return None

    def _dates(self, start: date) -> Iterator[date]:
        for year in self.years:
            if year < start.year:
                continue
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in sorted(self.days(year, month)):
                    found = date(year, month, day)
                    if found >= start:
                        yield found


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The numbers that a field allows, ascending.

    Raises:
        ValueError: it is not valid.
    """
    found: set[int] = set()
    for part in field.split(","):
        among, slash, step = part.partition("/")
        first, dash, last = among.partition("-")
        if first == "*" and not dash:
            start, end = low, high
        else:
            start = _number(first, low, high, names)
            end = _number(last, low, high, names) if dash else (high if slash else start)
        every = _number(step, 1, high) if slash else 1
        if end < start:  # from Friday to Monday
            found.update(one for one in range(start, high + 1, every))
            found.update(one for one in range(low, end + 1, every))
        else:
            found.update(range(start, end + 1, every))
    return tuple(sorted(found))


def _number(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not (text.isascii() and text.isdigit() and len(text) <= 4) or not low <= int(text) <= high:
        raise ValueError(text)
    return int(text)


def _days_of_month(field: str) -> Days:
    if field == "L":
        return lambda year, month: {monthrange(year, month)[1]}
    if field == "LW":
        return lambda year, month: {_nearest_weekday(year, month, monthrange(year, month)[1])}
    if field.endswith("W"):
        day = _number(field[:-1], 1, 31)
        return lambda year, month: (
            {_nearest_weekday(year, month, day)} if day <= monthrange(year, month)[1] else set()
        )
    days = set(_numbers(field, 1, 31))
    return lambda year, month: {day for day in days if day <= monthrange(year, month)[1]}


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The day, or the Friday before or Monday after a weekend, in the same month."""
    weekday, last = date(year, month, day).weekday(), monthrange(year, month)[1]
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str) -> Days:
    if field == "L":
        return _on({7})
    name, hash_, count = field.partition("#")
    if hash_:
        weekday, nth = _number(name, 1, 7, _WEEKDAYS), _number(count, 1, 5)
        return lambda year, month: set(_days_on(year, month, weekday)[nth - 1 : nth])
    if field.endswith("L"):
        weekday = _number(field[:-1], 1, 7, _WEEKDAYS)
        return lambda year, month: {_days_on(year, month, weekday)[-1]}
    return _on(set(_numbers(field, 1, 7, _WEEKDAYS)))


def _on(weekdays: set[int]) -> Days:
    return lambda year, month: {
        day for weekday in weekdays for day in _days_on(year, month, weekday)
    }


def _days_on(year: int, month: int, weekday: int) -> list[int]:
    """The days of a month that are that day of the week; 1 is Sunday."""
    first, length = monthrange(year, month)
    start = (weekday - 2 - first) % 7 + 1
    return list(range(start, length + 1, 7))
