"""From the text of an expression to a tree.

or      = and { ("OR" | "||") and }
and     = compared { ("AND" | "&&") compared }
compared= sum { ("==" | "!=" | "<=" | ">=" | "<" | ">") sum }
sum     = product { ("+" | "-") product }
product = signed { ("*" | "/") signed }
signed  = [ "-" | "+" ] signed | power
power   = first [ "^" signed ]
first   = number | text | name | name "(" [ or { "," or } ] ")" | "(" or ")"
        | "[" or { "," or } "]"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opentrail.alarms.metric_math.values import InvalidExpression

MAX_EXPRESSION = 2048
"""Characters, as botocore's model has it."""
MAX_DEPTH = 50
"""Parentheses, signs and functions within one another: ours."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """The id of a metric or expression, or a constant of a function."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negative:
    part: Expression


@dataclass(frozen=True, slots=True)
class Operation:
    operator: str
    left: Expression
    right: Expression


Expression = Number | Text | Name | Call | Listed | Negative | Operation

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>\|\||&&|==|!=|<=|>=|[-+*/^<>(),\[\]]))",
    re.ASCII,
)
_SPELLED = {"OR": "||", "AND": "&&"}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))


def parse_expression(text: str) -> Expression:
    """The tree.

    Raises:
        InvalidExpression: it is none.
    """
    if len(text) > MAX_EXPRESSION:
        raise InvalidExpression(f"it has {len(text)} characters; {MAX_EXPRESSION} are allowed")
    if re.match(r"\s*SELECT\s", text, re.IGNORECASE):
        raise InvalidExpression("Metrics Insights queries (SELECT …) are not done by OpenTrail")
    reader = _Reader(tuple(_tokens(text)))
    tree = reader.level(0, 0)
    reader.end()
    return tree


def references(expression: Expression) -> Iterator[str]:
    """The ids and constants in an expression."""
    match expression:
        case Name(name):
            yield name
        case Call(_, parts) | Listed(parts):
            for part in parts:
                yield from references(part)
        case Negative(part):
            yield from references(part)
        case Operation():
            first, steps = left_spine(expression)
            yield from references(first)
            for _, right in steps:
                yield from references(right)
        case Number() | Text():
            return


def left_spine(expression: Operation) -> tuple[Expression, list[tuple[str, Expression]]]:
    """`a + b - c` as a, then + b, then - c: however long it is, nothing is called in itself."""
    steps: list[tuple[str, Expression]] = []
    left: Expression = expression
    while isinstance(left, Operation):
        steps.append((left.operator, left.right))
        left = left.left
    return left, steps[::-1]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            rest = text[place:].lstrip()
            raise InvalidExpression(f"{rest[:20]!r} at {len(text) - len(rest)} is not understood")
        kind = found.lastgroup or ""
        spelled = found[kind]
        if kind == "name" and spelled.upper() in _SPELLED:
            kind, spelled = "sign", _SPELLED[spelled.upper()]
        yield _Token(kind, spelled, found.start(found.lastgroup or ""))
        place = found.end()


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self._tokens = tokens
        self._place = 0

    def end(self) -> None:
        """Nothing is left."""
        if self._place < len(self._tokens):
            raise self._wrong("an operator or the end")

    def level(self, number: int, depth: int) -> Expression:
        """What binds as closely as the level, or closer."""
        if number == len(_LEVELS):
            return self._signed(depth)
        left = self.level(number + 1, depth)
        while (sign := self._sign()) in _LEVELS[number]:
            self._place += 1
            left = Operation(sign, left, self.level(number + 1, depth))
        return left

    def _signed(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise InvalidExpression(f"it nests deeper than {MAX_DEPTH} levels")
        if self._takes("-"):
            return Negative(self._signed(depth + 1))
        if self._takes("+"):
            return self._signed(depth + 1)
        first = self._first(depth)
        return Operation("^", first, self._signed(depth + 1)) if self._takes("^") else first

    def _first(self, depth: int) -> Expression:
        if self._takes("("):
            inner = self.level(0, depth + 1)
            self._expects(")")
            return inner
        if self._takes("["):
            return Listed(self._arguments("]", depth))
        token = self._token()
        if token is None or token.kind == "sign":
            raise self._wrong("a number, a metric, a function or (")
        self._place += 1
        match token.kind:
            case "number":
                return Number(float(token.text))
            case "text":
                return Text(token.text[1:-1])
            case _:
                if not self._takes("("):
                    return Name(token.text)
                return Call(token.text.upper(), self._arguments(")", depth))

    def _arguments(self, end: str, depth: int) -> tuple[Expression, ...]:
        if self._takes(end):
            return ()
        found = [self.level(0, depth + 1)]
        while self._takes(","):
            found.append(self.level(0, depth + 1))
        self._expects(end)
        return tuple(found)

    def _token(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _sign(self) -> str:
        token = self._token()
        return token.text if token is not None and token.kind == "sign" else ""

    def _takes(self, sign: str) -> bool:
        if self._sign() != sign:
            return False
        self._place += 1
        return True

    def _expects(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._wrong(sign)

    def _wrong(self, expected: str) -> InvalidExpression:
        token = self._token()
        found = "it ends" if token is None else f"{token.text[:20]!r} stands at {token.at}"
        return InvalidExpression(f"{found} where {expected} is expected")
