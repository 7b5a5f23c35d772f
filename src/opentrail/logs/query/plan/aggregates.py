"""Functions over the rows of a group as SQL. Source: lang/logs_insights.md, section 4.

Each call becomes one or more columns of the grouped rows; what is shown is worked out from those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentrail.logs.query.functions import key_of
from opentrail.logs.query.plan.periods import period_of
from opentrail.logs.query.plan.scope import TIMESTAMP, Scope
from opentrail.logs.query.plan.values import (
    Kind,
    Value,
    natural,
    number,
    number_text,
    once,
    reads,
    text,
    time,
)
from opentrail.logs.query.times import milliseconds
from opentrail.logs.query.tree import Call, Expression, Literal

MOST_VALUES = 10_000
"""Of one cell of `values`: the first in natural order."""
_MOST_TOP = 1000


@dataclass(frozen=True, slots=True)
class _Rows:
    """A call and the values of its arguments, in the scope of single rows."""

    call: Call
    values: Sequence[Value]
    scope: Scope

    @property
    def first(self) -> Value:
        return self.values[0]


def aggregate(call: Call, values: Sequence[Value], scope: Scope) -> Value:
    """The value of an aggregate function for the rows of a group.

    Args:
        values: Of its arguments (durations left out), for one row.
    """
    sql, kind = _AGGREGATES[key_of(call.name)](_Rows(call, values, scope))
    of = list(values)
    if key_of(call.name) in _BY_TIME:
        of.append(scope.resolve(TIMESTAMP))
    return Value(sql, kind, reads(of))


_Made = tuple[str, Kind]


def _over_numbers(template: str) -> Callable[[_Rows], _Made]:
    return lambda rows: (template.format(number(rows.first)), Kind.NUMBER)


def _spread(function: str) -> Callable[[_Rows], _Made]:
    """Of numbers whose squares are numbers, too."""

    def make(rows: _Rows) -> _Made:
        value = rows.first
        fitting = once(
            number(value),
            simple=value.simple and value.kind is Kind.NUMBER,
            body=lambda one: f"CASE WHEN abs({one}) < 1e150 THEN {one} END",
        )
        return f"{function}({fitting})", Kind.NUMBER

    return make


def _count(rows: _Rows) -> _Made:
    counted = rows.first.sql if rows.values else "*"
    return f"CAST(count({counted}) AS DOUBLE)", Kind.NUMBER


def _count_distinct(rows: _Rows) -> _Made:
    return f"CAST(count(DISTINCT {text(rows.first)}) AS DOUBLE)", Kind.NUMBER


def _extreme(function: str) -> Callable[[_Rows], _Made]:
    """Of numbers where there are any, else of texts."""

    def make(rows: _Rows) -> _Made:
        value = rows.first
        if value.kind in (Kind.NUMBER, Kind.TIME):
            return f"{function}({value.sql})", value.kind
        if value.kind is Kind.TRUTH:
            return f"{function}({number(value)})", Kind.NUMBER
        number_found = Value(f"{function}({number(value)})", Kind.NUMBER)
        return f"coalesce({text(number_found)}, {function}({text(value)}))", Kind.TEXT

    return make


def _percentile(rows: _Rows) -> _Made:
    share = _literal_number(rows.call.arguments[1], 50.0)
    part = min(max(share / 100, 0.0), 1.0)
    return f"quantile_cont({number(rows.first)}, {part!r})", Kind.NUMBER


def _literal_number(expression: Expression, otherwise: float) -> float:
    if isinstance(expression, Literal) and isinstance(expression.value, float):
        return expression.value
    return otherwise


def _values(rows: _Rows) -> _Made:
    """The distinct texts as a list."""
    listed = f"list(DISTINCT {text(rows.first)}) FILTER ({rows.first.sql} IS NOT NULL)"
    return f"CAST(to_json(list_sort({listed})[:{MOST_VALUES}]) AS VARCHAR)", Kind.JSON


def _top(rows: _Rows) -> _Made:
    """The most frequent texts with how often they occur, most frequent first."""
    most = int(min(max(_literal_number(rows.call.arguments[1], 10.0), 1), _MOST_TOP))
    counted = f"map_entries(histogram({text(rows.first)}))"
    ranked = f"list_transform({counted}, lambda e: {{'n': -(e.value::BIGINT), 'v': e.key}})"
    shown = (
        f"list_transform(list_sort({ranked})[:{most}], lambda e: {{'value': e.v, 'count': -e.n}})"
    )
    return f"CAST(to_json({shown}) AS VARCHAR)", Kind.JSON


def _by_time(function: str) -> Callable[[_Rows], _Made]:
    """The value in the event of the earliest or latest time; times as milliseconds [aws]."""

    def make(rows: _Rows) -> _Made:
        value, when = rows.first, time(rows.scope.resolve(TIMESTAMP))
        if value.kind is Kind.TIME:
            return f"{function}({number(value)}, {when})", Kind.NUMBER
        return f"{function}({value.sql}, {when})", value.kind

    return make


def _by_order(function: str) -> Callable[[_Rows], _Made]:
    """The value that sorts first or last."""

    def make(rows: _Rows) -> _Made:
        value = rows.first
        if value.kind in (Kind.NUMBER, Kind.TIME):
            return f"{function}({value.sql}, {value.sql})", value.kind

        def key(one: str) -> str:
            told = number_text(one)
            by_text = f"CASE WHEN {told} IS NULL THEN {natural(one)} END"
            return f"{{'a': {told} IS NOT NULL, 'b': {told}, 'c': {by_text}, 'd': {one}}}"

        simple = value.simple and value.kind is Kind.TEXT
        return f"{function}({text(value)}, {once(text(value), simple=simple, body=key)})", Kind.TEXT

    return make


def _rate(rows: _Rows) -> _Made:
    """How much the value changes over the group's time, for each second of the period [aws]."""
    when = time(rows.scope.resolve(TIMESTAMP))
    value = number(rows.first)
    period = period_of(rows.call.arguments[1])
    seconds = max(milliseconds(period.count, period.unit), 1) / 1000
    sql = f"(arg_max({value}, {when}) - arg_min({value}, {when})) / {seconds!r}"
    return sql, Kind.NUMBER


_BY_TIME = frozenset({"earliest", "latest", "rate"})

_AGGREGATES: dict[str, Callable[[_Rows], _Made]] = {
    "avg": _over_numbers("avg({0})"),
    "sum": _over_numbers("sum({0})"),
    "stddev": _spread("stddev_samp"),
    "variance": _spread("var_samp"),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "count": _count,
    "countovertime": _count,
    "sumovertime": _over_numbers("sum({0})"),
    "countdistinct": _count_distinct,
    "pct": _percentile,
    "values": _values,
    "topk": _top,
    "earliest": _by_time("arg_min"),
    "latest": _by_time("arg_max"),
    "sortsfirst": _by_order("arg_min"),
    "sortslast": _by_order("arg_max"),
    "rate": _rate,
}
