"""Expressions as SQL: operators, comparisons, `like` and `in`.

Null takes part in nothing: a comparison with it is null, and a filter drops the row. Two values are
compared as numbers where both tell one, else as texts, character by character.
"""

from __future__ import annotations

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.functions import FUNCTIONS, key_of
from opentrail.logs.query.plan.calls import call_value
from opentrail.logs.query.plan.scope import Scope
from opentrail.logs.query.plan.values import (
    Kind,
    Parameters,
    Value,
    made,
    number,
    number_text,
    once,
    reads,
    text,
    truth,
)
from opentrail.logs.query.regexes import read_regex
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
    SearchExpression,
    SearchLogic,
    SearchNot,
    Term,
    Unary,
)

_NUMERIC = (Kind.NUMBER, Kind.TIME, Kind.TRUTH)
_SQL = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def compute(expression: Expression, scope: Scope) -> Value:
    """The value of an expression.

    Raises:
        MalformedQuery: a duration stands where no function takes it.
    """
    match expression:
        case Field():
            return scope.resolve(expression.name)
        case Literal():
            return scope.parameters.constant(expression.value)
        case Duration():
            raise MalformedQuery(
                "Query cannot be compiled: a duration can only be a function's argument",
                expression.span.start,
                expression.span.end,
            )
        case Call():
            if expression in scope.given:
                return scope.given[expression]
            return _call(expression, scope)
        case Unary() | Binary() | Logic():
            return _operation(expression, scope)
        case Like():
            return _like(expression, scope)
        case In():
            return _in(expression, scope)


def _call(call: Call, scope: Scope) -> Value:
    periods = FUNCTIONS[key_of(call.name)].periods
    values = [
        None if place in periods else compute(one, scope)
        for place, one in enumerate(call.arguments)
    ]
    return call_value(call, values, scope)


def _operation(expression: Unary | Binary | Logic, scope: Scope) -> Value:
    if isinstance(expression, Logic):
        values = [compute(one, scope) for one in expression.parts]
        joined = f" {expression.operator.upper()} ".join(truth(one) for one in values)
        return made(f"({joined})", Kind.TRUTH, *values)
    if isinstance(expression, Unary):
        return _unary(expression, scope)
    left, right = compute(expression.left, scope), compute(expression.right, scope)
    if expression.operator in _SQL:
        return compare(expression.operator, left, right, scope.parameters)
    return _arithmetic(expression.operator, left, right)


def _unary(expression: Unary, scope: Scope) -> Value:
    value = compute(expression.operand, scope)
    match expression.operator:
        case "not":
            return made(f"(NOT {truth(value)})", Kind.TRUTH, value)
        case "-":
            return made(f"(-{number(value)})", Kind.NUMBER, value)
        case _:
            return made(f"(+{number(value)})", Kind.NUMBER, value)


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    one, other = number(left), number(right)
    match operator:
        case "^":
            sql = f"pow({one}, {other})"
        case "/" | "%":
            # Nothing divided by 0 is a number.
            sql = f"({one} {operator} nullif({other}, 0))"
        case _:
            sql = f"({one} {operator} {other})"
    return made(sql, Kind.NUMBER, left, right)


def compare(operator: str, left: Value, right: Value, parameters: Parameters) -> Value:
    """A comparison, TRUTH."""
    if left.kind in _NUMERIC and right.kind in _NUMERIC:
        sql = f"({number(left)} {_SQL[operator]} {number(right)})"
    elif left.constant is not None and right.constant is None:
        return compare(_turned(operator), right, left, parameters)
    elif right.constant is not None:
        sql = _with_constant(operator, left, right, parameters)
    else:
        sql = _dynamic(operator, left, right)
    return made(sql, Kind.TRUTH, left, right)


def _turned(operator: str) -> str:
    return {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)


def number_of(constant: str | float) -> float | None:
    """The number that a literal tells, as `values.number_text` reads it."""
    if isinstance(constant, float):
        return constant
    return _read_number(constant)


def _read_number(spelled: str) -> float | None:
    if "_" in spelled or not spelled.isascii() or not any(map(str.isdigit, spelled)):
        return None
    try:
        found = float(spelled)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def spelled_number(constant: str | float) -> str:
    """A literal as results show it."""
    if isinstance(constant, str):
        return constant
    whole = constant == int(constant) and abs(constant) < 1e16
    return str(int(constant)) if whole else repr(constant)


def _with_constant(operator: str, left: Value, right: Value, parameters: Parameters) -> str:
    """A value with a literal: where that tells no number, texts are compared, as columns can."""
    assert right.constant is not None
    sign = _SQL[operator]
    told = number_of(right.constant)
    if told is None:
        return f"({text(left)} {sign} {right.sql})"
    if left.kind in _NUMERIC:
        return f"({number(left)} {sign} {parameters.bind(told)})"
    limit = parameters.bind(told)
    spelled = parameters.bind(spelled_number(right.constant))
    simple = left.simple and left.kind is Kind.TEXT

    def body(one: str) -> str:
        as_number = f"({number_text(one)} {sign} {limit})"
        if operator in ("=", "!="):
            # What tells no number differs from every number.
            differs = "true" if operator == "!=" else "false"
            return f"coalesce({as_number}, CASE WHEN {one} IS NOT NULL THEN {differs} END)"
        return f"coalesce({as_number}, {one} {sign} {spelled})"

    return once(text(left), simple=simple, body=body)


def _dynamic(operator: str, left: Value, right: Value) -> str:
    """Two values of which nothing is known before."""
    sign = _SQL[operator]
    one, other = text(left), text(right)
    numbers = f"{number(left)} {sign} {number(right)}"
    simple = (left.simple and left.kind is Kind.TEXT) and (right.simple and right.kind is Kind.TEXT)
    if simple:
        return f"coalesce({numbers}, {one} {sign} {other})"
    pair = f"{{'a': {one}, 'b': {other}}}"

    def body(name: str) -> str:
        first, second = f"{name}.a", f"{name}.b"
        as_numbers = f"{number_text(first)} {sign} {number_text(second)}"
        return f"coalesce({as_numbers}, {first} {sign} {second})"

    return once(pair, simple=False, body=body)


def _like(expression: Like, scope: Scope) -> Value:
    value = compute(expression.operand, scope)
    if expression.is_regex:
        pattern = scope.parameters.bind(read_regex(expression.pattern).pattern)
        sql = f"regexp_matches({text(value)}, {pattern})"
    else:
        sql = f"contains({text(value)}, {scope.parameters.bind(expression.pattern)})"
    return made(f"(NOT {sql})" if expression.negated else f"({sql})", Kind.TRUTH, value)


def _in(expression: In, scope: Scope) -> Value:
    value = compute(expression.operand, scope)
    parameters = scope.parameters
    numbers: list[str] = []
    texts: list[str] = []
    for literal in expression.values:
        told = number_of(literal.value)
        if told is None:
            texts.append(parameters.bind(str(literal.value)))
        else:
            numbers.append(parameters.bind(told))
    sql = _member_of(value, numbers, texts)
    return made(f"(NOT {sql})" if expression.negated else sql, Kind.TRUTH, value)


def _member_of(value: Value, numbers: list[str], texts: list[str]) -> str:
    if not numbers and not texts:
        return f"CASE WHEN {text(value)} IS NOT NULL THEN false END"
    if not numbers:
        return f"({text(value)} IN ({', '.join(texts)}))"
    if value.kind in _NUMERIC and not texts:
        return f"({number(value)} IN ({', '.join(numbers)}))"

    def body(one: str) -> str:
        told = f"coalesce({number_text(one)} IN ({', '.join(numbers)}), false)"
        if texts:
            told = f"({told} OR {one} IN ({', '.join(texts)}))"
        return f"CASE WHEN {one} IS NOT NULL THEN {told} END"

    return once(text(value), simple=value.simple and value.kind is Kind.TEXT, body=body)


def search(expression: SearchExpression, message: Value, parameters: Parameters) -> Value:
    """The words of a search, in @message, whatever their case."""
    match expression:
        case Term():
            word = parameters.bind(expression.text.lower())
            return made(f"contains(lower({text(message)}), {word})", Kind.TRUTH, message)
        case SearchNot():
            inner = search(expression.part, message, parameters)
            return made(f"(NOT {inner.sql})", Kind.TRUTH, message)
        case SearchLogic():
            parts = [search(one, message, parameters) for one in expression.parts]
            joined = f" {expression.operator.upper()} ".join(one.sql for one in parts)
            return Value(f"({joined})", Kind.TRUTH, reads(parts))
