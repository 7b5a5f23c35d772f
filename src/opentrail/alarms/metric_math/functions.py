"""The functions of metric math, each by its name, over values of an expression.

Where a line is asked for, an array gives an array: the function of each of its lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from statistics import fmean, pstdev
from typing import Any

from opentrail.alarms.metric_math.values import (
    EmptyArray,
    InvalidExpression,
    Line,
    Value,
    Word,
    kept,
    named,
)

Arguments = Sequence[Value]
Grid = range
"""When the periods asked for begin, epoch seconds."""
Function = Callable[[Arguments, Grid], Value]

_TOTALS: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": fmean,
    "MAX": max,
    "MIN": min,
    "STDDEV": pstdev,
    "SUM": math.fsum,
}
_ELEMENTS: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}
_TIMES: dict[str, Callable[[datetime], float]] = {
    "MINUTE": lambda when: when.minute,
    "HOUR": lambda when: when.hour,
    "DAY": lambda when: when.isoweekday(),
    "DATE": lambda when: when.day,
    "MONTH": lambda when: when.month,
    "YEAR": lambda when: when.year,
    "EPOCH": lambda when: int(when.timestamp()),
}


def worked_out(act: Callable[..., float], *given: Any) -> float | None:
    """A number, None if there is none (as 1 / 0, or LOG(-1))."""
    try:
        return float(act(*given))
    except (ArithmeticError, ValueError):
        return None


def _total(name: str) -> Function:
    """Of a line one number, of an array one line: what its lines have at each time."""
    total = _TOTALS[name]

    def function(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
        (given,) = _exactly(arguments, 1)
        match given:
            case Line(points):
                return _number(worked_out(total, list(points.values())))
            case tuple():
                return Line(kept(_across(given, total)), _period(given), name)
            case _:
                raise InvalidExpression(f"{name} takes time series and was given {named(given)}")

    return function


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _across(
    lines: Iterable[Line], total: Callable[[Sequence[float]], float]
) -> Iterable[tuple[int, float | None]]:
    columns: dict[int, list[float]] = {}
    for line in lines:
        for time, value in line.points.items():
            columns.setdefault(time, []).append(value)
    for time in sorted(columns):
        yield time, worked_out(total, columns[time])


def _element(name: str) -> Function:
    act = _ELEMENTS[name]

    def one(line: Line) -> Line:
        points = ((time, worked_out(act, value)) for time, value in line.points.items())
        return Line(kept(points), line.period, name)

    def function(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
        (given,) = _exactly(arguments, 1)
        if isinstance(given, float):
            return _number(worked_out(act, given))
        return _each(name, given, one)

    return function


def _each(name: str, given: Value, one: Callable[[Line], Line]) -> Value:
    match given:
        case Line():
            return one(given)
        case tuple():
            return tuple(one(line) for line in given)
        case _:
            raise InvalidExpression(f"{name} takes time series and was given {named(given)}")


def _of_lines(name: str, act: Callable[[Line], Iterable[tuple[int, float | None]]]) -> Function:
    """A function that makes of each line another one."""

    def function(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
        (given,) = _exactly(arguments, 1)
        return _each(name, given, lambda line: Line(kept(act(line)), line.period, name))

    return function


def _steps(line: Line) -> Iterable[tuple[tuple[int, float], tuple[int, float]]]:
    return pairwise(line.points.items())


def _running(line: Line) -> Iterable[tuple[int, float]]:
    return zip(line.points, accumulate(line.points.values()), strict=True)


def _timed(name: str) -> Function:
    act = _TIMES[name]
    return _of_lines(
        name,
        lambda line: ((time, act(datetime.fromtimestamp(time, UTC))) for time in line.points),
    )


def _fill(arguments: Arguments, grid: Grid) -> Value:
    given, filling = _exactly(arguments, 2)
    if isinstance(filling, Word) and filling.name not in ("REPEAT", "LINEAR"):
        raise InvalidExpression(f"FILL takes a number, REPEAT or LINEAR, not {filling.name}")
    if isinstance(filling, str | tuple):
        raise InvalidExpression(f"FILL takes a number to fill with and was given {named(filling)}")
    return _each("FILL", given, lambda line: _filled(line, filling, grid))


def _filled(line: Line, filling: float | Line | Word, grid: Grid) -> Line:
    match filling:
        case float():
            points = {time: line.points.get(time, filling) for time in grid}
        case Line():
            points = kept((time, line.points.get(time, filling.points.get(time))) for time in grid)
        case Word("LINEAR"):
            points = dict(_straight(line))
        case _:
            points = kept(_repeated(line, grid))
    return Line(dict(sorted({**points, **line.points}.items())), line.period, "FILL")


def _repeated(line: Line, grid: Grid) -> Iterable[tuple[int, float | None]]:
    last: float | None = None
    for time in grid:
        last = line.points.get(time, last)
        yield time, last


def _straight(line: Line) -> Iterable[tuple[int, float]]:
    for (start, first), (end, second) in _steps(line):
        for time in range(start + line.period, end, line.period):
            yield time, first + (second - first) * (time - start) / (end - start)


def _series_of(arguments: Arguments, grid: Grid) -> Value:
    (given,) = _exactly(arguments, 1)
    if isinstance(given, Line):
        return given
    if not isinstance(given, float):
        raise InvalidExpression(f"TIME_SERIES takes a number and was given {named(given)}")
    return Line(kept((time, given) for time in grid), grid.step, "TIME_SERIES")


def _chosen(arguments: Arguments, grid: Grid) -> Value:
    """IF: at each time what the condition says; one that is missing is no datapoint."""
    if len(arguments) not in (2, 3):
        raise InvalidExpression(f"IF takes 2 or 3 arguments and was given {len(arguments)}")
    for one in arguments:
        if not isinstance(one, float | Line):
            raise InvalidExpression(f"IF takes numbers and time series, not {named(one)}")
    condition, then, *other = arguments
    if not any(isinstance(one, Line) for one in arguments):
        return then if condition else (other or [math.nan])[0]
    times = _times((condition, then, *other), grid)

    def at(time: int) -> float | None:
        holds = value_at(condition, time)
        if holds is None:
            return None
        return value_at(then, time) if holds else value_at(other[0], time) if other else None

    return Line(kept((time, at(time)) for time in times), grid.step, "IF")


def _times(values: Arguments, grid: Grid) -> Iterable[int]:
    """When the first of them has datapoints that has any; what is only a number always has."""
    for value in values:
        if isinstance(value, Line):
            return value.points
    return grid


def value_at(value: Value, time: int) -> float | None:
    """What a number or line has at a time."""
    if isinstance(value, Line):
        return value.points.get(time)
    return value if isinstance(value, float) else None


def _lines(name: str, given: Value) -> tuple[Line, ...]:
    if isinstance(given, Line):
        return (given,)
    if isinstance(given, tuple):
        return given
    raise InvalidExpression(f"{name} takes an array of time series and was given {named(given)}")


def _sliced(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
    if len(arguments) not in (2, 3):
        raise InvalidExpression(f"SLICE takes 2 or 3 arguments and was given {len(arguments)}")
    lines = _lines("SLICE", arguments[0])
    places = [_whole("SLICE", one) for one in arguments[1:]]
    return lines[places[0] : places[1] if len(places) > 1 else None]


def _whole(name: str, value: Value) -> int:
    if not isinstance(value, float) or not value.is_integer() or value < 0:
        raise InvalidExpression(f"{name} takes whole numbers from 0 on")
    return int(value)


def _sorted(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
    if len(arguments) not in (3, 4):
        raise InvalidExpression(f"SORT takes 3 or 4 arguments and was given {len(arguments)}")
    lines, by, order = _lines("SORT", arguments[0]), arguments[1], arguments[2]
    if not isinstance(by, Word) or by.name not in _TOTALS:
        raise InvalidExpression(f"SORT orders by one of {', '.join(_TOTALS)}")
    if not isinstance(order, Word) or order.name not in ("ASC", "DESC"):
        raise InvalidExpression("SORT orders ASC or DESC")
    total = _TOTALS[by.name]
    filled = [line for line in lines if line.points]
    filled.sort(key=lambda line: total(list(line.points.values())), reverse=order.name == "DESC")
    ordered = (*filled, *(line for line in lines if not line.points))
    return ordered[: _whole("SORT", arguments[3])] if len(arguments) == 4 else ordered


def _end_of(name: str, place: int) -> Function:
    def function(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
        (given,) = _exactly(arguments, 1)
        lines = _lines(name, given)
        if not lines:
            raise EmptyArray(f"{name} of no time series")
        return lines[place]

    return function


def _not_empty(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
    (given,) = _exactly(arguments, 1)
    return tuple(line for line in _lines("REMOVE_EMPTY", given) if line.points)


def _metric_count(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
    (given,) = _exactly(arguments, 1)
    return float(len(_lines("METRIC_COUNT", given)))


def _datapoint_count(arguments: Arguments, grid: Grid) -> Value:
    (given,) = _exactly(arguments, 1)
    if isinstance(given, Line):
        return float(len(given.points))
    counts = _across(_lines("DATAPOINT_COUNT", given), len)
    return Line(kept(counts), grid.step, "DATAPOINT_COUNT")


def _period_of(arguments: Arguments, grid: Grid) -> Value:  # noqa: ARG001 - a Function
    (given,) = _exactly(arguments, 1)
    return float(_period(_lines("PERIOD", given)))


def _period(lines: Sequence[Line]) -> int:
    return max((line.period for line in lines), default=60)


def _exactly(arguments: Arguments, count: int) -> Arguments:
    if len(arguments) != count:
        raise InvalidExpression(
            f"a function takes {count} argument{'s' if count > 1 else ''} and was given "
            f"{len(arguments)}"
        )
    return arguments


CONSTANTS = frozenset({"REPEAT", "LINEAR", "ASC", "DESC", *_TOTALS})
"""Names that are no ids."""

FUNCTIONS: Mapping[str, Function] = {
    **{name: _total(name) for name in _TOTALS},
    **{name: _element(name) for name in _ELEMENTS},
    **{name: _timed(name) for name in _TIMES},
    "DATAPOINT_COUNT": _datapoint_count,
    "DIFF": _of_lines(
        "DIFF", lambda line: ((at, value - before) for (_, before), (at, value) in _steps(line))
    ),
    "DIFF_TIME": _of_lines(
        "DIFF_TIME", lambda line: ((at, at - before) for (before, _), (at, _) in _steps(line))
    ),
    "FILL": _fill,
    "FIRST": _end_of("FIRST", 0),
    "IF": _chosen,
    "LAST": _end_of("LAST", -1),
    "METRIC_COUNT": _metric_count,
    "PERIOD": _period_of,
    "RATE": _of_lines(
        "RATE",
        lambda line: (
            (at, (value - before) / (at - start)) for (start, before), (at, value) in _steps(line)
        ),
    ),
    "REMOVE_EMPTY": _not_empty,
    "RUNNING_SUM": _of_lines("RUNNING_SUM", _running),
    "SLICE": _sliced,
    "SORT": _sorted,
    "TIME_SERIES": _series_of,
}
NOT_DONE = frozenset(
    {"DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SEARCH", "SERVICE_QUOTA"}
)
"""Functions of AWS that need what is not here."""
