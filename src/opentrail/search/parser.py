"""A filter's text read into what it asks: the whole of it, or an error that tells the place.

The language is described in docs/reference/filter-language.md; in short:

    filter = [ any ]
    any    = all { OR all }
    all    = part { [ AND ] part }
    part   = NOT part | "(" any ")" | "*" | test | free text
    test   = field ( "=" | "!=" | ">" | ">=" | "<" | "<=" ) value
           | field [ NOT ] ( PREFIX | SUFFIX | CONTAINS | LIKE ) value
           | field [ NOT ] IN ( network | "(" value { "," value } ")" )
           | field [ NOT ] EXISTS
"""

from __future__ import annotations

from collections.abc import Callable

from opentrail.predicate.comparing import network
from opentrail.predicate.expression import (
    EVERYTHING,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Test,
)
from opentrail.search.fields import ALIASES, FIELDS, check_path, is_known
from opentrail.search.invalid import InvalidFilter, shown
from opentrail.search.lexer import Kind, Token, tokens

LONGEST_TEXT = 10_000
"""Characters; what a person or console writes is far below."""
DEEPEST = 64
"""Parentheses and NOTs around a test; keeps the reader's stack bounded."""
MOST_TESTS = 1_000
"""Tests and free texts in one filter; a bound on the work per record."""

_SIGNS = {
    "=": Operator.EQUALS,
    "!=": Operator.NOT_EQUALS,
    ">": Operator.GREATER,
    ">=": Operator.GREATER_OR_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.LESS_OR_EQUAL,
}
_WORDS = {
    "PREFIX": Operator.PREFIX,
    "SUFFIX": Operator.SUFFIX,
    "CONTAINS": Operator.CONTAINS,
    "LIKE": Operator.WILDCARD,
}
_AFTER_FIELD = frozenset({*_WORDS, "IN", "EXISTS"})
_TOP_LEVEL = frozenset(field.path[0] for field in FIELDS if len(field.path) > 1 or field.open)


def parse_filter(text: str) -> Expression:
    """What the filter asks; EVERYTHING for an empty text.

    Raises:
        InvalidFilter: the text is no filter, names an unknown field or is beyond a limit.
    """
    if len(text) > LONGEST_TEXT:
        message = f"the filter has {len(text)} characters; {LONGEST_TEXT} are allowed"
        raise InvalidFilter(message, offset=LONGEST_TEXT)
    return _Reader(tokens(text)).filter()


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, all_tokens: tuple[Token, ...]) -> None:
        self._tokens = all_tokens
        self._at = 0
        self._depth = 0
        self._tests = 0

    def filter(self) -> Expression:
        if len(self._tokens) == 1:
            return EVERYTHING
        found = self._any()
        if self._at < len(self._tokens) - 1:
            raise self._unexpected("AND, OR or the end")
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def _is(self, text: str, ahead: int = 0) -> bool:
        at = min(self._at + ahead, len(self._tokens) - 1)
        token = self._tokens[at]
        return token.kind in {Kind.SIGN, Kind.KEYWORD} and token.text == text

    def _unexpected(self, expected: str) -> InvalidFilter:
        token = self._next
        hint = ""
        if token.kind is Kind.KEYWORD:
            hint = f'; the word itself is written "{token.source}"'
        message = f"found {token.described}; expected {expected}{hint}"
        return InvalidFilter(message, offset=token.offset)

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._is("OR"):
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Expression:
        parts = [self._part()]
        while self._is("AND") or self._is("NOT") or self._is("(") or self._next.kind is Kind.WORD:
            if self._is("AND"):
                self._take()
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self) -> Expression:
        if self._is("NOT"):
            return self._deeper(lambda: Not(self._part()))
        if self._is("("):
            return self._deeper(self._in_parentheses)
        if self._next.kind is not Kind.WORD:
            raise self._unexpected("a test or free text")
        if self._is_test():
            return self._test()
        token = self._take()
        if token.bare and token.text == "*":
            return EVERYTHING
        self._count(token)
        return _free_text(token)

    def _deeper(self, read: Callable[[], Expression]) -> Expression:
        opening = self._take()
        self._depth += 1
        if self._depth > DEEPEST:
            message = f"parentheses and NOTs go deeper than {DEEPEST}"
            raise InvalidFilter(message, offset=opening.offset)
        found = read()
        self._depth -= 1
        return found

    def _in_parentheses(self) -> Expression:
        found = self._any()
        if not self._is(")"):
            raise self._unexpected('")"')
        self._take()
        return found

    def _count(self, token: Token) -> None:
        self._tests += 1
        if self._tests > MOST_TESTS:
            message = f"the filter has more than {MOST_TESTS} tests"
            raise InvalidFilter(message, offset=token.offset)

    def _is_test(self) -> bool:
        sign = self._tokens[self._at + 1]
        if sign.kind is Kind.SIGN:
            return sign.text in _SIGNS
        ahead = 2 if self._is("NOT", 1) else 1
        return any(self._is(word, ahead) for word in _AFTER_FIELD)

    def _test(self) -> Expression:
        token = self._take()
        path = _path(token)
        self._count(token)
        sign = self._take()
        if sign.kind is Kind.SIGN:
            return self._comparison(path, _SIGNS[sign.text])
        refused = sign.text == "NOT"
        word = self._take() if refused else sign
        if word.text == "EXISTS":
            exists = Test(path, Operator.EXISTS)
            return Not(exists) if refused else exists
        if word.text == "IN":
            tests = self._members(path)
        else:
            value = self._value().text if word.text == "LIKE" else self._literal()
            tests = (Test(path, _WORDS[word.text], value),)
        if refused:
            return _none_of(tests)
        return tests[0] if len(tests) == 1 else Any(tests)

    def _comparison(self, path: tuple[str, ...], operator: Operator) -> Expression:
        if operator is Operator.EQUALS:
            return _equals(path, self._value())
        if operator is Operator.NOT_EQUALS:
            return _none_of((_equals(path, self._value()),))
        return Test(path, operator, self._literal())

    def _literal(self) -> str:
        token = self._value()
        if token.bare and "*" in token.text:
            message = f"found {token.described}; a star is written in quotes here"
            raise InvalidFilter(f"{message}, a wildcard needs = or like", offset=token.offset)
        return token.text

    def _value(self) -> Token:
        if self._next.kind is not Kind.WORD:
            raise self._unexpected("a value")
        token = self._take()
        if len(token.pieces) != 1:
            message = f"found {token.described}; expected a value with quotes around all of it"
            raise InvalidFilter(message, offset=token.offset)
        return token

    def _members(self, path: tuple[str, ...]) -> tuple[Test, ...]:
        if not self._is("("):
            if self._next.kind is not Kind.WORD:
                raise self._unexpected('a network or "("')
            token = self._value()
            if network(token.text) is None:
                message = f"found {token.described}; expected a network such as 10.0.0.0/8"
                raise InvalidFilter(f'{message} or "("', offset=token.offset)
            return (Test(path, Operator.CIDR, token.text),)
        self._take()
        tests = [_member(path, self._value())]
        while self._is(","):
            self._take()
            self._count(self._next)
            tests.append(_member(path, self._value()))
        if not self._is(")"):
            raise self._unexpected('"," or ")"')
        self._take()
        return tuple(tests)


def _equals(path: tuple[str, ...], token: Token) -> Test:
    if token.bare and "*" in token.text:
        return Test(path, Operator.WILDCARD, token.text)
    return Test(path, Operator.EQUALS, token.text)


def _member(path: tuple[str, ...], token: Token) -> Test:
    if token.bare and "/" in token.text and network(token.text) is not None:
        return Test(path, Operator.CIDR, token.text)
    return _equals(path, token)


def _none_of(tests: tuple[Test, ...]) -> Expression:
    """There is a text, and no text passes one of the tests."""
    parts: list[Expression] = [
        Test(test.path, Operator.NOT_EQUALS, test.value)
        if test.operator is Operator.EQUALS
        else Not(test)
        for test in tests
    ]
    if not any(isinstance(part, Test) for part in parts):
        parts.insert(0, Test(tests[0].path, Operator.WILDCARD, "*"))  # there is a text
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _path(token: Token) -> tuple[str, ...]:
    """The field that a word names: `a.b."c.d"`, or what a short name stands for."""
    if token.bare and token.text in ALIASES:
        return ALIASES[token.text]
    members: list[str] = []
    joined = False  # the last member still goes on
    for text, quoted in token.pieces:
        if quoted:
            if joined:
                raise _broken_path(token)
            members.append(text)
            joined = True
            continue
        names = text.split(".")
        if joined != (not names[0]) and members:
            raise _broken_path(token)
        members += names[1 if members else 0 :]
        joined = bool(members[-1])
        if not joined:
            members.pop()
    if not joined or not all(members):
        raise _broken_path(token)
    if any("[" in text for text, quoted in token.pieces if not quoted):
        message = f"found {token.described}; arrays are searched whole, without an index"
        raise InvalidFilter(message, offset=token.offset)
    path = tuple(members)
    check_path(path, token.offset)
    return path


def _broken_path(token: Token) -> InvalidFilter:
    message = f"found {token.described}; expected a field: names joined by dots"
    return InvalidFilter(message, offset=token.offset)


def _free_text(token: Token) -> FreeText:
    """What a word without a test looks for, unless it rather looks like half a test.

    Raises:
        InvalidFilter: it does.
    """
    if len(token.pieces) != 1:
        message = f"found {token.described}; expected free text with quotes around all of it"
        raise InvalidFilter(message, offset=token.offset)
    text = token.text
    if not text:
        raise InvalidFilter("free text is empty", offset=token.offset)
    if token.bare:
        problem = _half_test(text, token.offset)
        if problem:
            message = f"{problem}; as free text it needs quotes"
            raise InvalidFilter(message, offset=token.offset)
    return FreeText(text)


def _half_test(word: str, offset: int) -> str:
    """What is wrong with a word in bare free text, "" for nothing."""
    path = tuple(word.split("."))
    if path[0] in _TOP_LEVEL and all(path):
        check_path(path, offset)
        return f"the field {shown(word)} has no test; expected =, exists or another"
    if is_known(path) and path[0] not in {"person", "session"}:
        return f"the field {shown(word)} has no test; expected =, exists or another"
    name, colon, _ = word.partition(":")
    if colon and (name in ALIASES or is_known(tuple(name.split(".")))):
        return f"found ':' after the field {shown(name)}; expected ="
    if "*" in word:
        return f"found {shown(word)}; free text has no wildcards"
    if word.startswith("-"):
        return f"found {shown(word)}; expected NOT"
    return ""
