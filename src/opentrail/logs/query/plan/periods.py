"""Durations in SQL: the floor and the ceiling of a time."""

from __future__ import annotations

from opentrail.logs.query.functions import FUNCTIONS, key_of
from opentrail.logs.query.times import FIXED, LARGEST, MONTHS, UNITS, milliseconds
from opentrail.logs.query.tree import Call, Duration, Expression, Field, Span


def period_of(argument: Expression) -> Duration:
    """The duration that an argument is; a bare unit means one of it."""
    if isinstance(argument, Duration):
        return argument
    assert isinstance(argument, Field)
    return Duration(1, UNITS[argument.name.text.lower()], Span(0, 0))


def is_period(call: Call, argument: Expression) -> bool:
    """Whether an argument of a call is a duration."""
    return any(
        place < len(call.arguments) and call.arguments[place] is argument
        for place in FUNCTIONS[key_of(call.name)].periods
    )


def capped(period: Duration) -> Duration:
    """A bin's duration: at most as many of its unit as make the next one, at least one."""
    most = LARGEST.get(period.unit)
    count = max(period.count, 1)
    return Duration(count if most is None else min(count, most), period.unit, period.span)


def floor_sql(time: str, period: Duration, offset: Duration | None = None) -> str:
    """The beginning of the bin that holds a time; bins are counted from 1970.

    Args:
        time: SQL of epoch milliseconds that may be written several times.
        offset: By how much the bins are shifted.
    """
    shift = 0 if offset is None else milliseconds(offset.count, offset.unit)
    moved = f"({time} - {shift})" if shift else time
    count = max(period.count, 1)
    if period.unit in FIXED:
        width = count * FIXED[period.unit]
        over = f"{moved} % {width}"  # negative before 1970
        floor = f"({moved} - {over} - CASE WHEN {over} < 0 THEN {width} ELSE 0 END)"
    else:
        floor = _month_floor(moved, count * MONTHS[period.unit])
    return f"({floor} + {shift})" if shift else floor


def ceiling_sql(time: str, period: Duration) -> str:
    """The beginning of the first bin that is not before a time."""
    count = max(period.count, 1)
    floor = floor_sql(time, period)
    if period.unit in FIXED:
        following = f"{floor} + {count * FIXED[period.unit]}"
    else:
        following = _month_floor(time, count * MONTHS[period.unit], later=1)
    return f"CASE WHEN {floor} = {time} THEN {time} ELSE {following} END"


def _month_floor(time: str, months: int, *, later: int = 0) -> str:
    """Of periods of so many months, counted from January 1970."""
    moment = f"make_timestamp({_bounded(time)} * 1000)"
    number = f"((year({moment}) - 1970) * 12 + month({moment}) - 1)"
    first = f"({number} - (({number} % {months}) + {months}) % {months} + {later * months})"
    year = f"(1970 + ({first} - (({first} % 12) + 12) % 12) // 12)"
    month = f"((({first} % 12) + 12) % 12 + 1)"
    in_years = f"{time} BETWEEN {_FIRST} AND {_LAST} AND {year} BETWEEN 1 AND 9999"
    spelled = f"epoch_ms(make_timestamp({year}, {month}, 1, 0, 0, 0.0))"
    return f"CASE WHEN {in_years} THEN {spelled} END"


_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


def _bounded(time: str) -> str:
    """Times that no calendar has make no error: the CASE around decides."""
    return f"least(greatest({time}, {_FIRST}), {_LAST})"
