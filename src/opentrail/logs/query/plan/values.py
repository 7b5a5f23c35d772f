"""Values of the language in SQL: their kinds, and how one kind is read as another.

A field's value is a text that may tell a number; numbers, times (epoch milliseconds), truth and
JSON (maps and lists, as text) are what functions give. Everything can be read as text or number:
a text that tells none is null as number. Source: lang/logs_insights.md, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What the SQL of a value gives."""

    TEXT = auto()
    """VARCHAR."""
    NUMBER = auto()
    """DOUBLE; endless and undefined ones are shown as null."""
    TIME = auto()
    """BIGINT, epoch milliseconds."""
    TRUTH = auto()
    """BOOLEAN."""
    JSON = auto()
    """VARCHAR that holds valid JSON."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as SQL.

    Attributes:
        columns: The columns of the relation that it reads.
        simple: Its SQL may be written twice: a column, a parameter or null.
        constant: What it is, where that is known.
    """

    sql: str
    kind: Kind
    columns: frozenset[str] = frozenset()
    simple: bool = False
    constant: str | float | None = None


NULL = Value("NULL::VARCHAR", Kind.TEXT, simple=True)


@dataclass(slots=True)
class Parameters:
    """What a query's texts and numbers are bound to."""

    values: dict[str, object] = field(default_factory=dict)
    _names: dict[tuple[type, object], str] = field(default_factory=dict)

    def bind(self, value: str | float) -> str:
        """The SQL that stands for it; equal values share a parameter."""
        key = (type(value), value)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"p{len(self.values)}"
            self.values[name] = value
        return f"${name}"

    def constant(self, value: str | float) -> Value:
        """A literal."""
        kind = Kind.TEXT if isinstance(value, str) else Kind.NUMBER
        cast = "VARCHAR" if isinstance(value, str) else "DOUBLE"
        return Value(f"{self.bind(value)}::{cast}", kind, simple=True, constant=value)


def column(name: str, kind: Kind) -> Value:
    """A column of the relation."""
    return Value(name, kind, frozenset({name}), simple=True)


def reads(values: Iterable[Value]) -> frozenset[str]:
    """The columns that any of the values reads."""
    found: frozenset[str] = frozenset()
    for one in values:
        found |= one.columns
    return found


def made(sql: str, kind: Kind, *of: Value) -> Value:
    """A value computed from others."""
    return Value(sql, kind, reads(of))


def once(sql: str, *, simple: bool, body: Callable[[str], str]) -> str:
    """SQL that uses a value several times and works it out once.

    Written out, expressions within expressions would double at each level.
    """
    if simple:
        return body(sql)
    return f"list_transform([{sql}], lambda v: {body('v')})[1]"


def number_text(sql: str) -> str:
    """The number that a text tells: digits, with a point and an exponent; blanks around it."""
    cast = f"TRY_CAST({sql} AS DOUBLE)"
    return f"CASE WHEN isfinite({cast}) AND NOT contains({sql}, '_') THEN {cast} END"


def _shown_number(sql: str) -> str:
    whole = f"{sql} = trunc({sql}) AND abs({sql}) < 1e16"
    return (
        f"CASE WHEN {whole} THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) "
        f"WHEN isfinite({sql}) THEN CAST({sql} AS VARCHAR) END"
    )


EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999
"""Milliseconds of the years 1 to 9999: others are shown as plain numbers."""


def _shown_time(sql: str) -> str:
    spelled = f"strftime(make_timestamp({sql} * 1000), '%Y-%m-%d %H:%M:%S.%g')"
    return (
        f"CASE WHEN {sql} BETWEEN {EARLIEST} AND {LATEST} THEN {spelled} "
        f"ELSE CAST({sql} AS VARCHAR) END"
    )


def number(value: Value) -> str:
    """The value as DOUBLE."""
    match value.kind:
        case Kind.NUMBER:
            return value.sql
        case Kind.TIME:
            return f"CAST({value.sql} AS DOUBLE)"
        case Kind.TRUTH:
            return f"CAST(CAST({value.sql} AS INTEGER) AS DOUBLE)"
        case Kind.TEXT:
            return once(value.sql, simple=value.simple, body=number_text)
        case Kind.JSON:
            return once(text(value), simple=False, body=number_text)


def text(value: Value) -> str:
    """The value as results show it, VARCHAR."""
    match value.kind:
        case Kind.TEXT:
            return value.sql
        case Kind.NUMBER:
            return once(value.sql, simple=value.simple, body=_shown_number)
        case Kind.TIME:
            return once(value.sql, simple=value.simple, body=_shown_time)
        case Kind.TRUTH:
            return f"CAST(CAST({value.sql} AS INTEGER) AS VARCHAR)"
        case Kind.JSON:
            return once(value.sql, simple=value.simple, body=_shown_json)


def _shown_json(sql: str) -> str:
    return leaf_of(sql, "''")


def found_text(json: str, pointer: str) -> str:
    """What a JSON pointer leads to in valid JSON: a text, whatever its type."""
    return f"json_extract_string({json}, {pointer})"


def leaf_of(json: str, pointer: str) -> str:
    """What a JSON pointer leads to in valid JSON, as fields show it.

    Args:
        json: SQL that may be written several times.
        pointer: SQL of the pointer, a constant.
    """
    return leaf_text(found_text(json, pointer), f"json_type({json}, {pointer})")


def leaf_text(found: str, json_type: str) -> str:
    """A member's text as fields show it: true and false are 1 and 0 [aws]."""
    return (
        f"CASE WHEN {found} IN ('true', 'false') AND {json_type} = 'BOOLEAN' "
        f"THEN CASE {found} WHEN 'true' THEN '1' ELSE '0' END ELSE {found} END"
    )


def truth(value: Value) -> str:
    """The value as BOOLEAN: a number other than 0, the text `true`."""
    match value.kind:
        case Kind.TRUTH:
            return value.sql
        case Kind.NUMBER:
            return f"({value.sql} <> 0)"
        case Kind.TEXT:
            return once(value.sql, simple=value.simple, body=_text_truth)
        case Kind.TIME | Kind.JSON:
            return f"({value.sql} IS NOT NULL)"


def _text_truth(sql: str) -> str:
    return f"coalesce({number_text(sql)} <> 0, lower({sql}) = 'true')"


def time(value: Value) -> str:
    """The value as epoch milliseconds, BIGINT; a text may spell a time in ISO 8601."""
    match value.kind:
        case Kind.TIME:
            return value.sql
        case Kind.TEXT | Kind.JSON:
            return once(
                text(value), simple=value.simple and value.kind is Kind.TEXT, body=_text_time
            )
        case Kind.NUMBER | Kind.TRUTH:
            return f"TRY_CAST(floor({number(value)}) AS BIGINT)"


def _text_time(sql: str) -> str:
    milliseconds = f"TRY_CAST(floor({number_text(sql)}) AS BIGINT)"
    return f"coalesce({milliseconds}, epoch_ms(TRY_CAST({sql} AS TIMESTAMP)))"


def json(value: Value) -> str:
    """The value as valid JSON, VARCHAR; a text that is none is null."""
    if value.kind is Kind.JSON:
        return value.sql
    return once(
        text(value),
        simple=value.simple and value.kind is Kind.TEXT,
        body=lambda sql: f"CASE WHEN json_valid({sql}) THEN {sql} END",
    )


def natural(sql: str) -> str:
    """A text by which texts sort naturally: runs of digits by length, then value."""
    keyed = (
        f"array_to_string(list_transform(regexp_extract_all({sql}, '[0-9]+|[^0-9]+'), "
        "lambda c: CASE WHEN c[1] BETWEEN '0' AND '9' "
        "THEN '0' || chr((256 + least(length(c), 50000))::INTEGER) || c ELSE c END), '')"
    )
    return f"CASE WHEN regexp_matches({sql}, '[0-9]') THEN {keyed} ELSE {sql} END"
