"""Logs Insights in plain Python, row by row: slow, and what the engine has to agree with.

Source: lang/logs_insights.md, sections 3 and 4. Values are None, or (kind, value).
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import re2

from opentrail.logs.query.functions import key_of
from opentrail.logs.query.tree import (
    Binary,
    Call,
    Duration,
    Expression,
    Field,
    In,
    Like,
    Literal,
    Logic,
    Name,
    Unary,
)

Value = tuple[str, Any] | None
Lookup = Callable[[Name], Value]

_NUMBER = re.compile(r"[ \t\n\r\f\v]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t\n\r\f\v]*")
_WIDTHS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def number(value: Value) -> float | None:
    if value is None:
        return None
    kind, found = value
    if kind in ("text", "json"):
        return number_of(text(value))
    return float(found)


def number_of(spelled: str | None) -> float | None:
    if spelled is None or not spelled.isascii() or not _NUMBER.fullmatch(spelled):
        return None
    found = float(spelled)
    return found if math.isfinite(found) else None


def text(value: Value) -> str | None:
    if value is None:
        return None
    kind, found = value
    match kind:
        case "text":
            return found
        case "number":
            return number_text(found)
        case "time":
            when = datetime.fromtimestamp(found // 1000, UTC)
            return f"{when:%Y-%m-%d %H:%M:%S}.{found % 1000:03}"
        case "truth":
            return "1" if found else "0"
        case _:
            return leaf(found)


def number_text(found: float) -> str | None:
    if not math.isfinite(found):
        return None
    if found == int(found) and abs(found) < 1e16:
        return str(int(found))
    return repr(found)


def leaf(value: Any) -> str | None:
    """A JSON value as a result shows it."""
    match value:
        case None:
            return None
        case bool():
            return "1" if value else "0"
        case str():
            return value
        case int() | float():
            return repr(value)
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def truth(value: Value) -> bool | None:
    if value is None:
        return None
    kind, found = value
    if kind == "truth":
        return found
    if kind == "number":
        return found != 0
    if kind == "text":
        told = number_of(found)
        return found.lower() == "true" if told is None else told != 0
    return True


def walk(value: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def evaluate(one: Expression, lookup: Lookup) -> Value:
    match one:
        case Field():
            return lookup(one.name)
        case Literal():
            return ("text" if isinstance(one.value, str) else "number", one.value)
        case Call():
            return call(one, lookup)
        case Unary():
            return _unary(one, lookup)
        case Binary():
            left, right = evaluate(one.left, lookup), evaluate(one.right, lookup)
            if one.operator in ("=", "!=", "<", "<=", ">", ">="):
                return _truth(compare(one.operator, left, right))
            return _arithmetic(one.operator, number(left), number(right))
        case _:
            return _truth(_test(one, lookup))


def _test(one: Expression, lookup: Lookup) -> bool | None:
    match one:
        case Logic():
            return _logic(one, lookup)
        case Like():
            return _like(one, lookup)
        case In():
            return _in(one, lookup)
    raise AssertionError(one)


def _truth(found: bool | None) -> Value:
    return None if found is None else ("truth", found)


def _number(found: float | None) -> Value:
    return None if found is None else ("number", found)


def _unary(one: Unary, lookup: Lookup) -> Value:
    value = evaluate(one.operand, lookup)
    if one.operator == "not":
        found = truth(value)
        return _truth(None if found is None else not found)
    told = number(value)
    return _number(None if told is None else -told if one.operator == "-" else told)


def _arithmetic(operator: str, left: float | None, right: float | None) -> Value:
    if left is None or right is None or (operator in "/%" and right == 0):
        return None
    if operator == "^":
        return _number(_power(left, right))
    found = {
        "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
        "/": lambda: left / right, "%": lambda: math.fmod(left, right),
    }[operator]()  # fmt: skip
    return _number(found)


def _power(left: float, right: float) -> float:
    try:
        found = math.pow(left, right)
    except (ValueError, OverflowError):
        return math.nan
    return found


def compare(operator: str, left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    one: Any = number(left)
    other: Any = number(right)
    if one is None or other is None:
        one, other = text(left), text(right)
    return {
        "=": one == other, "!=": one != other, "<": one < other, "<=": one <= other,
        ">": one > other, ">=": one >= other,
    }[operator]  # fmt: skip


def _logic(one: Logic, lookup: Lookup) -> bool | None:
    found = [truth(evaluate(part, lookup)) for part in one.parts]
    decisive = one.operator == "or"
    if decisive in found:
        return decisive
    return None if None in found else not decisive


def _like(one: Like, lookup: Lookup) -> bool | None:
    spelled = text(evaluate(one.operand, lookup))
    if spelled is None:
        return None
    found = (
        re2.search(one.pattern, spelled) is not None if one.is_regex else (one.pattern in spelled)
    )
    return not found if one.negated else found


def _in(one: In, lookup: Lookup) -> bool | None:
    value = evaluate(one.operand, lookup)
    if text(value) is None:
        return None
    found = any(compare("=", value, evaluate(literal, lookup)) for literal in one.values)
    return not found if one.negated else found


def call(one: Call, lookup: Lookup) -> Value:
    key = key_of(one.name)
    values = [
        None if isinstance(part, Duration) else evaluate(part, lookup) for part in one.arguments
    ]
    if key in ("bin", "datefloor", "dateceil"):
        return _stepped(key, one, values, lookup)
    return _CALLS[key](values)


def _stepped(key: str, one: Call, values: list[Value], lookup: Lookup) -> Value:
    period = one.arguments[-1]
    assert isinstance(period, Duration)
    name = Name("@timestamp", ("@timestamp",), period.span)
    value = lookup(name) if key == "bin" else values[0]
    when = time(value)
    if when is None:
        return None
    width = period.count * _WIDTHS[period.unit]
    floor = when // width * width
    return ("time", floor if key != "dateceil" or floor == when else floor + width)


def time(value: Value) -> int | None:
    if value is not None and value[0] == "time":
        return value[1]
    told = number(value)
    return None if told is None else math.floor(told)


def _of_number(make: Callable[[float], float | None]) -> Callable[[list[Value]], Value]:
    def work(values: list[Value]) -> Value:
        told = number(values[0])
        return None if told is None else _number(make(told))

    return work


def _of_text(make: Callable[[str], Any], kind: str = "text") -> Callable[[list[Value]], Value]:
    def work(values: list[Value]) -> Value:
        spelled = text(values[0])
        if spelled is None:
            return None
        found = make(spelled)
        return None if found is None else (kind, found)

    return work


def _of_texts(make: Callable[..., Any], kind: str = "text") -> Callable[[list[Value]], Value]:
    def work(values: list[Value]) -> Value:
        spelled = [text(one) for one in values]
        if None in spelled:
            return None
        return (kind, make(*spelled))

    return work


def _round(told: float) -> float:
    return math.copysign(math.floor(abs(told) + 0.5), told)


def _extreme(pick: Callable[..., float]) -> Callable[[list[Value]], Value]:
    def work(values: list[Value]) -> Value:
        told = [one for one in map(number, values) if one is not None]
        return _number(pick(told)) if told else None

    return work


def _case(values: list[Value]) -> Value:
    pairs = len(values) // 2 * 2
    results = [*values[1:pairs:2], *values[pairs:]]
    chosen: Value = values[-1] if len(values) > pairs else None
    for place in range(0, pairs, 2):
        if truth(values[place]):
            chosen = values[place + 1]
            break
    return _alike(chosen, results)


def _alike(chosen: Value, all_: Sequence[Value]) -> Value:
    del all_
    return chosen


def _substr(values: list[Value]) -> Value:
    spelled, start = text(values[0]), number(values[1])
    if spelled is None or start is None:
        return None
    first = max(int(start), 0)
    if len(values) == 2:
        return ("text", spelled[first:])
    length = number(values[2])
    return None if length is None else ("text", spelled[first : first + max(int(length), 0)])


def _json_parse(values: list[Value]) -> Value:
    spelled = text(values[0])
    if spelled is not None and spelled.strip() in ("inf", "nan"):
        # DuckDB reads these as JSON, too.
        return ("json", spelled.strip())
    try:
        return None if spelled is None else ("json", json.loads(spelled))
    except ValueError:
        return None


def _concat(values: list[Value]) -> Value:
    return ("text", "".join(text(one) or "" for one in values))


def _to_millis(values: list[Value]) -> Value:
    when = time(values[0])
    return None if when is None else ("number", float(when))


def _from_millis(values: list[Value]) -> Value:
    when = time(values[0])
    return None if when is None else ("time", when)


_BLANK = " \t\r\n"
_CALLS: dict[str, Callable[[list[Value]], Value]] = {
    "abs": _of_number(abs),
    "ceil": _of_number(lambda told: float(math.ceil(told))),
    "floor": _of_number(lambda told: float(math.floor(told))),
    "round": _of_number(_round),
    "sqrt": _of_number(lambda told: math.sqrt(told) if told >= 0 else None),
    "log": _of_number(lambda told: math.log(told) if told > 0 else None),
    "tonumber": _of_number(lambda told: told),
    "toint": _of_number(lambda told: float(math.trunc(told))),
    "greatest": _extreme(max),
    "least": _extreme(min),
    "isnumeric": lambda values: ("truth", number(values[0]) is not None),
    "ispresent": lambda values: ("truth", values[0] is not None),
    "isempty": lambda values: ("truth", not text(values[0])),
    "isblank": lambda values: ("truth", not (text(values[0]) or "").strip(" \t\r\n\f")),
    "coalesce": lambda values: next((one for one in values if one is not None), None),
    "if": _case,
    "case": _case,
    "strlen": _of_text(lambda spelled: float(len(spelled)), "number"),
    "toupper": _of_text(str.upper),
    "tolower": _of_text(str.lower),
    "trim": _of_text(lambda spelled: spelled.strip(_BLANK)),
    "ltrim": _of_text(lambda spelled: spelled.lstrip(_BLANK)),
    "rtrim": _of_text(lambda spelled: spelled.rstrip(_BLANK)),
    "substr": _substr,
    "replace": _of_texts(lambda one, old, new: one.replace(old, new) if old else one),
    "concat": _concat,
    "strcontains": _of_texts(lambda one, part: part in one, "truth"),
    "startswith": _of_texts(str.startswith, "truth"),
    "endswith": _of_texts(str.endswith, "truth"),
    "urlencode": _of_text(lambda spelled: quote(spelled, safe="-_.~")),
    "md5": _of_text(lambda spelled: hashlib.md5(spelled.encode()).hexdigest()),
    "sha256": _of_text(lambda spelled: hashlib.sha256(spelled.encode()).hexdigest()),
    "jsonparse": _json_parse,
    "tomillis": _to_millis,
    "frommillis": _from_millis,
}


def natural_key(value: Value) -> Any:
    """By which values sort: nothing first, then texts that tell no number, then numbers."""
    spelled = text(value)
    if spelled is None:
        return (0,)
    if value is not None and value[0] in ("number", "time", "truth"):
        return (2, number(value), "")
    told = number_of(spelled)
    if told is not None:
        return (2, told, spelled)
    pieces = re.findall(r"[0-9]+|[^0-9]+", spelled)
    keyed = "".join(f"0{chr(256 + len(p))}{p}" if p[0] in "0123456789" else p for p in pieces)
    return (1, keyed, spelled)
