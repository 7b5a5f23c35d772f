"""The words of a query, read where the parser stands: what `/` means depends on what came before.

Three ways of reading: usual; `like` (after `like`, `=~`, `~=` and `parse`: `/` begins a regular
expression); `search` (bare words of a search, until a blank, `|`, a quote or a parenthesis).
Source: lang/logs_insights.md, section 1; the messages are those of the service's parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.tree import Span

MAX_CHARACTERS = 10_000
"""Of a query [model]."""


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    """A name or keyword; its text may hold dots."""
    QUOTED = auto()
    """A name in backticks."""
    SYSTEM = auto()
    """`@name`; also with backticks."""
    NUMBER = auto()
    STRING = auto()
    REGEX = auto()
    SYMBOL = auto()
    END = auto()


class Way(Enum):
    """How the next token is read."""

    USUAL = auto()
    LIKE = auto()
    SEARCH = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        text: Without quotes and their escapes.
    """

    kind: Kind
    text: str
    span: Span

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case."""
        return self.kind is Kind.WORD and self.text.lower() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these symbols."""
        return self.kind is Kind.SYMBOL and self.text in symbols


_BLANK = re.compile(r"(?:\s+|#[^\n]*)+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?)?")
_QUOTED = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)
_SYSTEM = re.compile(r"@@?(?:[A-Za-z_][A-Za-z0-9_.]*|`(?:[^`\\]|\\.)*`)", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|' r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_CURLY = re.compile(r"\u201c([^\u201d]*)\u201d|\u2018([^\u2019]*)\u2019")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/", re.DOTALL)
_SYMBOL = re.compile(r"==|!=|<=|>=|=~|~=|[-+*/%^=<>!|,()\[\]:.]")
_TERM = re.compile(r"[^\s|()\"']+")
_ESCAPED = re.compile(r"\\([\"'\\`])")


class Lexer:
    """Reads tokens of one query, one ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self._ahead: tuple[Way, int, Token] | None = None

    def peek(self, way: Way = Way.USUAL) -> Token:
        """The token that comes next, not taken."""
        if self._ahead is None or self._ahead[:2] != (way, self.place):
            self._ahead = (way, self.place, self._read(way))
        return self._ahead[2]

    def take(self, way: Way = Way.USUAL) -> Token:
        """The token that comes next."""
        token = self.peek(way)
        self.place = token.span.end
        return token

    def touches(self) -> bool:
        """Whether the next token follows the last one without a blank."""
        return self.peek().span.start == self.place

    def _read(self, way: Way) -> Token:
        blank = _BLANK.match(self.text, self.place)
        start = blank.end() if blank else self.place
        if start >= len(self.text):
            end = len(self.text)
            return Token(Kind.END, "<EOF>", Span(end, end))
        if way is Way.SEARCH:
            return self._search(start)
        found = self._like(start) if way is Way.LIKE else None
        found = found or self._usual(start)
        if found is None:
            raise self._unknown(start)
        return found

    def _usual(self, start: int) -> Token | None:
        text = self.text
        if match := _WORD.match(text, start):
            return _token(Kind.WORD, match.group(), match)
        if match := _NUMBER.match(text, start):
            return _token(Kind.NUMBER, match.group(), match)
        if match := _SYSTEM.match(text, start):
            return _token(Kind.SYSTEM, _without_backticks(match.group()), match)
        if match := _QUOTED.match(text, start):
            return _token(Kind.QUOTED, _unescaped(match.group(1)), match)
        if match := _STRING.match(text, start):
            return _token(Kind.STRING, _unescaped(match.group(1) or match.group(2) or ""), match)
        if match := _SYMBOL.match(text, start):
            return _token(Kind.SYMBOL, match.group(), match)
        return None

    def _like(self, start: int) -> Token | None:
        if match := _CURLY.match(self.text, start):
            return _token(Kind.STRING, match.group(1) or match.group(2) or "", match)
        if self.text[start] != "/":
            return None
        if match := _REGEX.match(self.text, start):
            return _token(Kind.REGEX, match.group(1), match)
        raise self._unknown(start)

    def _search(self, start: int) -> Token:
        if match := _STRING.match(self.text, start):
            return _token(Kind.STRING, _unescaped(match.group(1) or match.group(2) or ""), match)
        if match := _TERM.match(self.text, start):
            return _token(Kind.WORD, match.group(), match)
        if self.text[start] in "|()":
            return Token(Kind.SYMBOL, self.text[start], Span(start, start + 1))
        raise self._unknown(start)

    def _unknown(self, start: int) -> MalformedQuery:
        # What is left of the line, as far as it could have been one token.
        end = start + 1
        if self.text[start] in "\"'`/":
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
        shown = self.text[start : min(end, start + 60)]
        return MalformedQuery(f"token recognition error at: '{shown}'", start, end)


def _token(kind: Kind, text: str, match: re.Match[str]) -> Token:
    return Token(kind, text, Span(match.start(), match.end()))


def _unescaped(text: str) -> str:
    """A backslash before a quote or a backslash goes; before anything else it stays."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _without_backticks(text: str) -> str:
    name = text.lstrip("@")
    marks = text[: len(text) - len(name)]
    return marks + (_unescaped(name[1:-1]) if name.startswith("`") else name)
