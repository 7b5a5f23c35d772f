"""Expressions, by the strength of their operators (Pratt).

Source: lang/logs_insights.md, section 2. The trap of the language is kept: prefix `not` binds
tighter than `=`, so `not a = 1` asks whether `not a` is 1.
"""

from __future__ import annotations

from collections.abc import Callable

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.lexer import Kind, Lexer, Token, Way
from opentrail.logs.query.times import MOST, UNITS
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
    Span,
    Unary,
)

DEEPEST = 60
"""Levels of parentheses, functions and operators; real queries have a handful."""

_OPERAND = ("a field", "a function", "a number", "a string", "SYM_LPAREN", "K_NOT")
_LIKE_OPERAND = (
    "REGEX", "RE_SDQUOTED_STRING", "RE_SSQUOTED_STRING", "RE_CDQUOTED_STRING", "RE_CSQUOTED_STRING",
)  # fmt: skip

_POWER, _NOT, _MINUS, _PLUS = 13, 12, 11, 10
_LIKE, _IN, _AND, _OR = 5, 4, 3, 2
_INFIX = {
    "^": _POWER, "*": 9, "/": 9, "%": 9, "+": 8, "-": 8,
    "<": 7, ">": 7, "<=": 7, ">=": 7, "=": 6, "==": 6, "!=": 6,
}  # fmt: skip
_PREFIX = {"!": _NOT, "-": _MINUS, "+": _PLUS}


def mismatch(token: Token, expecting: tuple[str, ...]) -> MalformedQuery:
    """The error for a token that cannot stand there."""
    wanted = expecting[0] if len(expecting) == 1 else "{" + ", ".join(expecting) + "}"
    return MalformedQuery(
        f"mismatched input '{shown(token)}' expecting {wanted}", token.span.start, token.span.end
    )


def shown(token: Token) -> str:
    """A token in a message."""
    return f'"{token.text[:60]}"' if token.kind is Kind.STRING else token.text[:60]


class Expressions:
    """Reads expressions of one query."""

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._depth = 0

    def read(self, floor: int = 0) -> Expression:
        """The longest expression whose operators bind at least as tightly as `floor`.

        Raises:
            MalformedQuery: there is none, or it nests too deep.
        """
        self._enter()
        left = self._prefix()
        while True:
            token = self._lexer.peek()
            follow = self._infix(token, floor)
            if follow is None:
                break
            left = follow(left)
        self._depth -= 1
        return left

    def name(self) -> Name:
        """A field's name.

        Raises:
            MalformedQuery: no name stands there.
        """
        token = self._lexer.peek()
        if token.kind not in (Kind.WORD, Kind.QUOTED, Kind.SYSTEM):
            raise mismatch(token, ("a field",))
        self._lexer.take()
        return self._path(token)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            token = self._lexer.peek()
            raise MalformedQuery(
                f"Query cannot be compiled: expressions may nest {DEEPEST} levels deep at most",
                token.span.start,
                token.span.end,
            )

    def _prefix(self) -> Expression:
        token = self._lexer.take()
        if token.is_symbol("("):
            inner = self.read()
            self._expect(")", "SYM_RPAREN")
            return inner
        if token.kind is Kind.SYMBOL and token.text in _PREFIX:
            return self._unary(token, "not" if token.text == "!" else token.text)
        if token.is_word("not") and not self._stands_alone():
            return self._unary(token, "not")
        if token.kind is Kind.NUMBER:
            return self._number(token)
        if token.kind is Kind.STRING:
            return Literal(token.text, token.span)
        if token.kind is Kind.WORD and self._lexer.peek().is_symbol("("):
            return self._call(token)
        if token.kind in (Kind.WORD, Kind.QUOTED, Kind.SYSTEM):
            return Field(self._path(token))
        if token.is_symbol(".", ":"):
            raise MalformedQuery(
                f"token recognition error at: '{token.text}'", token.span.start, token.span.end
            )
        raise mismatch(token, _OPERAND)

    def _stands_alone(self) -> bool:
        """Whether a word is a field's name, as no operand follows it."""
        token = self._lexer.peek()
        if token.kind is Kind.END or token.is_word("as", "by", "and", "or", "like", "in"):
            return True
        return token.kind is Kind.SYMBOL and token.text not in ("(", "!", "-", "+")

    def _unary(self, token: Token, operator: str) -> Expression:
        operand = self.read(_PREFIX["!" if operator == "not" else operator])
        return Unary(operator, operand, Span(token.span.start, operand.span.end))

    def _number(self, token: Token) -> Expression:
        unit = self._lexer.peek()
        if unit.kind is Kind.WORD and "." not in token.text and unit.text.lower() in UNITS:
            if len(token.text) > len(str(MOST)) or int(token.text) > MOST:
                raise MalformedQuery(
                    f"a duration has at most {MOST} of its unit", token.span.start, unit.span.end
                )
            self._lexer.take()
            span = Span(token.span.start, unit.span.end)
            return Duration(int(token.text), UNITS[unit.text.lower()], span)
        return Literal(float(token.text), token.span)

    def _call(self, token: Token) -> Expression:
        self._lexer.take()
        arguments: list[Expression] = []
        star = False
        if self._lexer.peek().is_symbol("*"):
            self._lexer.take()
            star = True
        elif not self._lexer.peek().is_symbol(")"):
            arguments.append(self.read())
            while self._lexer.peek().is_symbol(","):
                self._lexer.take()
                arguments.append(self.read())
        end = self._expect(")", "SYM_RPAREN").span.end
        return Call(token.text, tuple(arguments), star, Span(token.span.start, end))

    def _path(self, token: Token) -> Name:
        """A name, with the members behind it: `map.list[1].name`, map.`user.id`."""
        text, end = token.text, token.span.end
        whole = token.kind is Kind.QUOTED
        parts = [part for part in text.split(".") if part]
        while self._lexer.touches():
            ahead = self._lexer.peek()
            if text.endswith(".") and ahead.kind is Kind.QUOTED:
                self._lexer.take()
                text += ahead.text
                parts.append(ahead.text)
            elif ahead.is_symbol("[") and "." in text:
                self._lexer.take()
                index = self._lexer.take()
                if index.kind is not Kind.NUMBER or "." in index.text:
                    raise mismatch(index, ("NUMBER",))
                ahead = self._expect("]", "SYM_RBRACKET")
                text += f".{index.text}"
                parts.append(index.text)
            elif ahead.is_symbol(".") and parts[-1:] and "." in text:
                self._lexer.take()
                text += "."
                ahead = self._member(ahead)
                text += ahead.text
                parts.extend(part for part in _members(ahead) if part)
            else:
                break
            end = ahead.span.end
        if not parts:
            raise mismatch(token, ("a field",))
        return Name(text, tuple(parts), Span(token.span.start, end), whole)

    def _member(self, dot: Token) -> Token:
        ahead = self._lexer.peek()
        if not self._lexer.touches() or ahead.kind not in (Kind.WORD, Kind.QUOTED):
            raise MalformedQuery("token recognition error at: '.'", dot.span.start, dot.span.end)
        return self._lexer.take()

    def _infix(self, token: Token, floor: int) -> Callable[[Expression], Expression] | None:
        if token.kind is Kind.SYMBOL:
            strength = _INFIX.get(token.text)
            if strength is not None and strength > floor:
                return lambda left: self._binary(left, token, strength)
            if token.text in ("=~", "~=") and floor < _LIKE:
                return lambda left: self._like(left, negated=False)
            return None
        if token.kind is not Kind.WORD:
            return None
        return self._word_infix(token, floor)

    def _word_infix(self, token: Token, floor: int) -> Callable[[Expression], Expression] | None:
        word = token.text.lower()
        if word in ("and", "or") and floor < (_AND if word == "and" else _OR):
            return lambda left: self._logic(left, word)
        if word == "like" and floor < _LIKE:
            return lambda left: self._like(left, negated=False)
        if word == "in" and floor < _IN:
            return lambda left: self._in(left, negated=False)
        if word == "exists" and floor < _LIKE:
            return self._exists
        if word == "not" and floor < _LIKE:
            return self._negated()
        return None

    def _negated(self) -> Callable[[Expression], Expression] | None:
        place = self._lexer.place
        self._lexer.take()
        ahead = self._lexer.peek()
        if ahead.is_word("like") or ahead.is_symbol("=~", "~="):
            return lambda left: self._like(left, negated=True)
        if ahead.is_word("in"):
            return lambda left: self._in(left, negated=True)
        self._lexer.place = place
        return None

    def _exists(self, left: Expression) -> Expression:
        """`errorCode exists`, which AWS's own examples write for `ispresent(errorCode)`."""
        end = self._lexer.take().span.end
        return Call("ispresent", (left,), star=False, span=Span(left.span.start, end))

    def _binary(self, left: Expression, token: Token, strength: int) -> Expression:
        self._lexer.take()
        # `a ^ b ^ c` is `a ^ (b ^ c)`; all others bind to the left.
        right = self.read(strength - 1 if token.text == "^" else strength)
        operator = "=" if token.text == "==" else token.text
        self._check_height(left, token)
        return Binary(operator, left, right, Span(left.span.start, right.span.end))

    def _check_height(self, left: Expression, token: Token) -> None:
        """Chains such as `a + a + …` make trees as deep as they are long."""
        height = 0
        while isinstance(left, Binary):
            left = left.left
            height += 1
        if height > DEEPEST:
            raise MalformedQuery(
                f"Query cannot be compiled: expressions may nest {DEEPEST} levels deep at most",
                token.span.start,
                token.span.end,
            )

    def _logic(self, left: Expression, word: str) -> Expression:
        parts = [left]
        while self._lexer.peek().is_word(word):
            self._lexer.take()
            parts.append(self.read(_AND if word == "and" else _OR))
        return Logic(word, tuple(parts), Span(left.span.start, parts[-1].span.end))

    def _like(self, left: Expression, *, negated: bool) -> Expression:
        self._lexer.take()
        token = self._lexer.take(Way.LIKE)
        if token.kind not in (Kind.STRING, Kind.REGEX):
            raise mismatch(token, _LIKE_OPERAND)
        span = Span(left.span.start, token.span.end)
        return Like(left, token.text, token.kind is Kind.REGEX, negated, span)

    def _in(self, left: Expression, *, negated: bool) -> Expression:
        self._lexer.take()
        token = self._lexer.peek()
        if token.is_symbol("("):
            raise MalformedQuery(
                "Query cannot be compiled: subqueries are not supported yet by OpenTrail; "
                "expected literals in [ ]",
                token.span.start,
                token.span.end,
            )
        self._expect("[", "SYM_LBRACKET")
        values: list[Literal] = []
        if not self._lexer.peek().is_symbol("]"):
            values.append(self._literal())
            while self._lexer.peek().is_symbol(","):
                self._lexer.take()
                values.append(self._literal())
        end = self._expect("]", "SYM_RBRACKET").span.end
        return In(left, tuple(values), negated, Span(left.span.start, end))

    def _literal(self) -> Literal:
        token = self._lexer.take()
        sign = 1.0
        start = token.span.start
        if token.is_symbol("-"):
            sign, token = -1.0, self._lexer.take()
            if token.kind is Kind.STRING:
                raise mismatch(token, ("NUMBER",))
        if token.kind is Kind.STRING:
            return Literal(token.text, token.span)
        if token.kind is Kind.NUMBER:
            return Literal(sign * float(token.text), Span(start, token.span.end))
        raise mismatch(token, ("NUMBER", "STRING"))

    def _expect(self, symbol: str, name: str) -> Token:
        token = self._lexer.take()
        if not token.is_symbol(symbol):
            if token.kind is Kind.END:
                raise MalformedQuery(f"missing {name} at '<EOF>'", token.span.start, token.span.end)
            raise mismatch(token, (name,))
        return token


def _members(token: Token) -> list[str]:
    return [token.text] if token.kind is Kind.QUOTED else token.text.split(".")
