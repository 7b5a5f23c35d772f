"""Functions of one row as SQL. Source: lang/logs_insights.md, section 4.

What DuckDB has no function for is one of texts.PYTHON_FUNCTIONS, called `u_…`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentrail.errors import InvalidInput
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.functions import key_of
from opentrail.logs.query.plan import dates
from opentrail.logs.query.plan.periods import capped, ceiling_sql, floor_sql, period_of
from opentrail.logs.query.plan.scope import MESSAGE, TIMESTAMP, Scope
from opentrail.logs.query.plan.values import (
    Kind,
    Value,
    json,
    made,
    number,
    once,
    text,
    time,
    truth,
)
from opentrail.logs.query.regexes import read_regex, replacement
from opentrail.logs.query.tree import Call

_EARTH_KILOMETRES = 6371.0088


@dataclass(frozen=True, slots=True)
class _Arguments:
    """A call's arguments; None where a duration stands."""

    call: Call
    all: Sequence[Value | None]
    scope: Scope

    @property
    def values(self) -> list[Value]:
        return [one for one in self.all if one is not None]

    def __getitem__(self, place: int) -> Value:
        found = self.all[place]
        assert found is not None
        return found

    def __len__(self) -> int:
        return len(self.all)

    def constant(self, place: int) -> str:
        """A string literal's text."""
        return str(self[place].constant)


def call_value(call: Call, values: Sequence[Value | None], scope: Scope) -> Value:
    """The value of a function of one row.

    Args:
        values: Of its arguments, None for durations.

    Raises:
        MalformedQuery: a literal argument can't be used.
    """
    try:
        return _CALLS[key_of(call.name)](_Arguments(call, values, scope))
    except InvalidInput as problem:
        if isinstance(problem, MalformedQuery):
            raise
        raise MalformedQuery(
            f"Query cannot be compiled: {problem}", call.span.start, call.span.end
        ) from None


_Maker = Callable[[_Arguments], Value]


def _texts(template: str, kind: Kind = Kind.TEXT) -> _Maker:
    """SQL with the arguments as texts in the place of {0}, {1}, …, each once."""

    def make(arguments: _Arguments) -> Value:
        values = arguments.values
        return made(template.format(*map(text, values)), kind, *values)

    return make


def _numbers(template: str, kind: Kind = Kind.NUMBER) -> _Maker:
    """SQL with the arguments as numbers, each once."""

    def make(arguments: _Arguments) -> Value:
        values = arguments.values
        return made(template.format(*map(number, values)), kind, *values)

    return make


def _many_numbers(function: str) -> _Maker:
    """A function of any number of numbers."""

    def make(arguments: _Arguments) -> Value:
        joined = ", ".join(map(number, arguments.values))
        return made(f"{function}({joined})", Kind.NUMBER, *arguments.values)

    return make


def _round(arguments: _Arguments) -> Value:
    places = "0"
    if len(arguments) == 2:
        whole = f"TRY_CAST({number(arguments[1])} AS INTEGER)"
        places = once(
            whole,
            simple=False,
            body=lambda one: (
                f"CASE WHEN abs({one}) < 16 THEN {one} WHEN {one} < 0 THEN -15 "
                f"WHEN {one} > 0 THEN 15 END"
            ),
        )
    sql = f"round({number(arguments[0])}, {places})"
    return made(sql, Kind.NUMBER, *arguments.values)


def _is_numeric(arguments: _Arguments) -> Value:
    return made(f"({number(arguments[0])} IS NOT NULL)", Kind.TRUTH, arguments[0])


def _haversine(arguments: _Arguments) -> Value:
    """The distance of two places in kilometres: latitude, longitude of each, in degrees."""
    one, two, three, four = (f"radians({number(value)})" for value in arguments.values)
    names = f"{{'a': {one}, 'b': {two}, 'c': {three}, 'd': {four}}}"

    def body(v: str) -> str:
        chord = (
            f"(pow(sin(({v}.c - {v}.a) / 2), 2) + cos({v}.a) * cos({v}.c) * "
            f"pow(sin(({v}.d - {v}.b) / 2), 2))"
        )
        return f"2 * {_EARTH_KILOMETRES} * asin(sqrt(least({chord}, 1.0)))"

    return made(f"TRY({once(names, simple=False, body=body)})", Kind.NUMBER, *arguments.values)


def _bin(arguments: _Arguments) -> Value:
    when = arguments.scope.resolve(TIMESTAMP)
    period = capped(period_of(arguments.call.arguments[0]))
    offset = arguments.scope.bin_offset
    sql = once(
        time(when),
        simple=when.simple and when.kind is Kind.TIME,
        body=lambda one: floor_sql(one, period, offset),
    )
    return made(sql, Kind.TIME, when)


def _stepped(step: Callable[..., str]) -> _Maker:
    def make(arguments: _Arguments) -> Value:
        period = period_of(arguments.call.arguments[1])
        when = arguments[0]
        sql = once(
            time(when),
            simple=when.simple and when.kind is Kind.TIME,
            body=lambda one: step(one, period),
        )
        return made(sql, Kind.TIME, when)

    return make


def _moment(place: str, kind: Kind) -> _Maker:
    def make(arguments: _Arguments) -> Value:
        moments = arguments.scope.moments
        found = {
            "now": moments.now // 1000,
            "start": moments.start,
            # The last second that is asked for.
            "end": moments.end - 1000,
            "range": moments.end - 1000 - moments.start,
        }[place]
        cast = "BIGINT" if kind is Kind.TIME else "DOUBLE"
        return Value(f"{found}::{cast}", kind, simple=True)

    return make


def _parse_date(arguments: _Arguments) -> Value:
    value = arguments[0]
    if len(arguments) == 1:
        return made(time(value), Kind.TIME, value)
    form = arguments.scope.parameters.bind(dates.from_pattern(arguments.constant(1)))
    return made(f"epoch_ms(try_strptime({text(value)}, {form}))", Kind.TIME, value)


def _format_date(read: Callable[[str], str]) -> _Maker:
    def make(arguments: _Arguments) -> Value:
        form = arguments.scope.parameters.bind(read(arguments.constant(1)))
        value = arguments[0]
        sql = f"TRY(strftime(make_timestamp({time(value)} * 1000), {form}))"
        return made(sql, Kind.TEXT, value)

    return make


def _from_millis(arguments: _Arguments) -> Value:
    return made(time(arguments[0]), Kind.TIME, arguments[0])


def _to_millis(arguments: _Arguments) -> Value:
    return made(f"CAST({time(arguments[0])} AS DOUBLE)", Kind.NUMBER, arguments[0])


def _is_present(arguments: _Arguments) -> Value:
    return made(f"({arguments[0].sql} IS NOT NULL)", Kind.TRUTH, arguments[0])


def _alike(values: Sequence[Value]) -> Kind | None:
    """The kind of all values, None if they differ."""
    kinds = {one.kind for one in values}
    return kinds.pop() if len(kinds) == 1 else None


def _as_alike(values: Sequence[Value]) -> tuple[list[str], Kind]:
    kind = _alike(values)
    if kind is None:
        return [text(one) for one in values], Kind.TEXT
    return [one.sql for one in values], kind


def _coalesce(arguments: _Arguments) -> Value:
    parts, kind = _as_alike(arguments.values)
    return made(f"coalesce({', '.join(parts)})", kind, *arguments.values)


def _case(arguments: _Arguments) -> Value:
    """Pairs of condition and value; one more is what holds otherwise."""
    values = arguments.values
    pairs, rest = values[: len(values) // 2 * 2], values[len(values) // 2 * 2 :]
    results, kind = _as_alike([*pairs[1::2], *rest])
    sql = " ".join(
        f"WHEN {truth(condition)} THEN {result}"
        for condition, result in zip(pairs[::2], results, strict=False)
    )
    otherwise = f" ELSE {results[-1]}" if rest else ""
    return made(f"CASE {sql}{otherwise} END", kind, *values)


def _message_size(arguments: _Arguments) -> Value:
    value = arguments[0] if len(arguments) else arguments.scope.resolve(MESSAGE)
    return made(f"CAST(strlen({text(value)}) AS DOUBLE)", Kind.NUMBER, value)


def _unmask(arguments: _Arguments) -> Value:
    return arguments[0]


def _histogram(arguments: _Arguments) -> Value:
    """The lower end of the bucket, of a width [aws]."""
    one, width = number(arguments[0]), f"nullif(abs({number(arguments[1])}), 0)"
    pair = f"{{'a': {one}, 'b': {width}}}"
    sql = once(pair, simple=False, body=lambda v: f"floor({v}.a / {v}.b) * {v}.b")
    return made(sql, Kind.NUMBER, *arguments.values)


def _json_parse(arguments: _Arguments) -> Value:
    return made(json(arguments[0]), Kind.JSON, arguments[0])


def _json_stringify(arguments: _Arguments) -> Value:
    value = arguments[0]
    if value.kind is Kind.JSON:
        return made(f"CAST(json({value.sql}) AS VARCHAR)", Kind.TEXT, value)
    return made(f"CAST(to_json({text(value)}) AS VARCHAR)", Kind.TEXT, value)


def _array_size(arguments: _Arguments) -> Value:
    def body(one: str) -> str:
        is_list = f"json_type({one}) = 'ARRAY'"
        return f"CASE WHEN {is_list} THEN CAST(json_array_length({one}) AS DOUBLE) END"

    sql = once(json(arguments[0]), simple=False, body=body)
    return made(sql, Kind.NUMBER, arguments[0])


def _array_contains(arguments: _Arguments) -> Value:
    listed, wanted = arguments[0], arguments[1]
    pair = f"{{'a': {json(listed)}, 'b': {text(wanted)}}}"

    def body(v: str) -> str:
        shown = f"list_transform(json_extract({v}.a, '$[*]'), lambda e: e->>'$')"
        is_list = f"json_type({v}.a) = 'ARRAY'"
        return f"CASE WHEN {is_list} THEN list_contains({shown}, {v}.b) END"

    return made(once(pair, simple=False, body=body), Kind.TRUTH, listed, wanted)


def _in_subnet(version: int) -> _Maker:
    def make(arguments: _Arguments) -> Value:
        address, network = (text(one) for one in arguments.values)
        sql = f"u_in_subnet({address}, {network}, {version})"
        return made(sql, Kind.TRUTH, *arguments.values)

    return make


def _is_empty(arguments: _Arguments) -> Value:
    return made(f"(coalesce({text(arguments[0])}, '') = '')", Kind.TRUTH, arguments[0])


def _is_blank(arguments: _Arguments) -> Value:
    sql = f"regexp_full_match(coalesce({text(arguments[0])}, ''), '\\s*')"
    return made(sql, Kind.TRUTH, arguments[0])


def _concat(arguments: _Arguments) -> Value:
    joined = ", ".join(map(text, arguments.values))
    return made(f"concat({joined})", Kind.TEXT, *arguments.values)


def _trimmed(function: str) -> _Maker:
    def make(arguments: _Arguments) -> Value:
        joined = ", ".join(map(text, arguments.values))
        if len(arguments) == 1:
            joined += r", E' \t\r\n'"
        return made(f"{function}({joined})", Kind.TEXT, *arguments.values)

    return make


def _substr(arguments: _Arguments) -> Value:
    """From a place counted from 0, so many characters."""
    value = arguments[0]
    sql = f"substring({text(value)}, {_not_negative(arguments[1])} + 1"
    if len(arguments) == 3:
        sql += f", {_not_negative(arguments[2])}"
    return made(f"TRY({sql}))", Kind.TEXT, *arguments.values)


def _not_negative(value: Value) -> str:
    """A whole number, 0 for negative ones; null stays null."""
    whole = f"TRY_CAST(trunc({number(value)}) AS BIGINT)"
    return once(whole, simple=False, body=lambda one: f"CASE WHEN {one} < 0 THEN 0 ELSE {one} END")


def _regex_replace(arguments: _Arguments) -> Value:
    found = read_regex(arguments.constant(1))
    parameters = arguments.scope.parameters
    by = parameters.bind(replacement(arguments.constant(2), found.groups))
    pattern = parameters.bind(found.pattern)
    sql = f"regexp_replace({text(arguments[0])}, {pattern}, {by}, 'g')"
    return made(sql, Kind.TEXT, arguments[0])


def _contains(arguments: _Arguments) -> Value:
    """A third argument is taken and makes no difference [aws]."""
    one, other = text(arguments[0]), text(arguments[1])
    return made(f"contains({one}, {other})", Kind.TRUTH, *arguments.values)


def _split(arguments: _Arguments) -> Value:
    one, other = text(arguments[0]), text(arguments[1])
    return made(f"CAST(to_json(string_split({one}, {other})) AS VARCHAR)", Kind.JSON,
                *arguments.values)  # fmt: skip


def _hex_to_dec(arguments: _Arguments) -> Value:
    def body(one: str) -> str:
        digits = f"regexp_extract({one}, '^\\s*-?(?:0[xX])?([0-9a-fA-F]{{1,15}})\\s*$', 1)"
        value = f"CAST(TRY_CAST('0x' || nullif({digits}, '') AS BIGINT) AS DOUBLE)"
        return f"CASE WHEN starts_with(ltrim({one}), '-') THEN -{value} ELSE {value} END"

    sql = once(text(arguments[0]), simple=False, body=body)
    return made(sql, Kind.NUMBER, arguments[0])


def _dec_to_hex(arguments: _Arguments) -> Value:
    def body(one: str) -> str:
        sign = f"CASE WHEN {one} < 0 THEN '-0x' ELSE '0x' END"
        return f"{sign} || lower(to_hex(TRY_CAST(abs(trunc({one})) AS BIGINT)))"

    sql = once(number(arguments[0]), simple=False, body=body)
    return made(sql, Kind.TEXT, arguments[0])


_CALLS: dict[str, _Maker] = {
    "abs": _numbers("abs({0})"),
    "ceil": _numbers("ceil({0})"),
    "floor": _numbers("floor({0})"),
    "log": _numbers("TRY(ln({0}))"),
    "sqrt": _numbers("TRY(sqrt({0}))"),
    "round": _round,
    "greatest": _many_numbers("greatest"),
    "least": _many_numbers("least"),
    "haversine": _haversine,
    "tonumber": _numbers("{0}"),
    "todouble": _numbers("{0}"),
    "toint": _numbers("trunc({0})"),
    "tolong": _numbers("trunc({0})"),
    "isnumeric": _is_numeric,
    "bin": _bin,
    "datefloor": _stepped(floor_sql),
    "dateceil": _stepped(ceiling_sql),
    "frommillis": _from_millis,
    "tomillis": _to_millis,
    "now": _moment("now", Kind.NUMBER),
    "querystarttime": _moment("start", Kind.TIME),
    "queryendtime": _moment("end", Kind.TIME),
    "querytimerange": _moment("range", Kind.NUMBER),
    "parsedate": _parse_date,
    "formatdate": _format_date(dates.from_pattern),
    "strftime": _format_date(dates.checked),
    "ispresent": _is_present,
    "coalesce": _coalesce,
    "case": _case,
    "if": _case,
    "messagesize": _message_size,
    "unmask": _unmask,
    "histogram": _histogram,
    "jsonparse": _json_parse,
    "jsonstringify": _json_stringify,
    "jsonarraysize": _array_size,
    "jsonarraycontains": _array_contains,
    "isvalidip": _texts("u_is_address({0}, 0)", Kind.TRUTH),
    "isvalidipv4": _texts("u_is_address({0}, 4)", Kind.TRUTH),
    "isvalidipv6": _texts("u_is_address({0}, 6)", Kind.TRUTH),
    "isipinsubnet": _in_subnet(0),
    "isipv4insubnet": _in_subnet(4),
    "isipv6insubnet": _in_subnet(6),
    "ipv4tonumber": _texts("u_ipv4_number({0})", Kind.NUMBER),
    "isprivateip": _texts("u_address_is({0}, 'private')", Kind.TRUTH),
    "ispublicip": _texts("u_address_is({0}, 'public')", Kind.TRUTH),
    "isreservedip": _texts("u_address_is({0}, 'reserved')", Kind.TRUTH),
    "isempty": _is_empty,
    "isblank": _is_blank,
    "concat": _concat,
    "ltrim": _trimmed("ltrim"),
    "rtrim": _trimmed("rtrim"),
    "trim": _trimmed("trim"),
    "strlen": _texts("CAST(length({0}) AS DOUBLE)", Kind.NUMBER),
    "toupper": _texts("upper({0})"),
    "tolower": _texts("lower({0})"),
    "substr": _substr,
    "replace": _texts("replace({0}, {1}, {2})"),
    "regexreplace": _regex_replace,
    "strcontains": _contains,
    "startswith": _texts("starts_with({0}, {1})", Kind.TRUTH),
    "endswith": _texts("ends_with({0}, {1})", Kind.TRUTH),
    "urlencode": _texts("url_encode({0})"),
    "urldecode": _texts("TRY(url_decode({0}))"),
    "base64encode": _texts("to_base64(encode({0}))"),
    "base64decode": _texts("TRY(decode(from_base64({0})))"),
    "split": _split,
    "hextoascii": _texts("TRY(decode(unhex(regexp_replace({0}, '^0[xX]', ''))))"),
    "hextodec": _hex_to_dec,
    "dectohex": _dec_to_hex,
    "md5": _texts("md5({0})"),
    "sha256": _texts("sha256({0})"),
}
