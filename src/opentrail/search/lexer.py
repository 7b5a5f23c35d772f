"""A filter's text cut into words, quoted texts, keywords and signs, each with its place.

Nothing is skipped but white space: a character that stands for nothing is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from opentrail.search.invalid import InvalidFilter, shown


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    SIGN = auto()
    KEYWORD = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text.

    Attributes:
        text: A word's text without quotes; a keyword in capitals.
        source: As it was written.
        pieces: A word's stretches with and without quotes: (text, quoted).
    """

    kind: Kind
    text: str
    source: str
    offset: int
    pieces: tuple[tuple[str, bool], ...] = ()

    @property
    def bare(self) -> bool:
        """A word without any quotes."""
        return self.kind is Kind.WORD and len(self.pieces) == 1 and not self.pieces[0][1]

    @property
    def described(self) -> str:
        return "the end" if self.kind is Kind.END else shown(self.source)


KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "EXISTS", "PREFIX", "SUFFIX", "CONTAINS", "LIKE"})

_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[^\s()\"',=!<>]+")
_SIGN = re.compile(r"!=|>=|<=|[()=<>,]")
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL),
}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {'"': '"', "'": "'", "\\": "\\", "/": "/", "n": "\n", "r": "\r", "t": "\t"}
_NOT_OURS = {
    "==": "=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "=!": "!=",
    "=~": "like",
    "&&": "AND",
    "&": "AND",
    "||": "OR",
    "|": "OR",
    "!": "NOT or !=",
}
"""Signs of other languages, and what says the same here."""
_CURLY = re.compile("[\u2018\u2019\u201c\u201d]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def tokens(text: str) -> tuple[Token, ...]:
    """The pieces of `text`; the last is the END.

    Raises:
        InvalidFilter: a quote that is not closed, an unknown escape or sign.
    """
    found = []
    place = _after_space(text, 0)
    while place < len(text):
        token = _sign(text, place) or _word(text, place)
        found.append(token)
        place = _after_space(text, place + len(token.source))
    return (*found, Token(Kind.END, "", "", len(text)))


def _after_space(text: str, place: int) -> int:
    space = _SPACE.match(text, place)
    return space.end() if space else place


def _sign(text: str, place: int) -> Token | None:
    pair = text[place : place + 2]
    if pair in _NOT_OURS:
        raise InvalidFilter(f"found {pair!r}; expected {_NOT_OURS[pair]}", offset=place)
    sign = _SIGN.match(text, place)
    if sign:
        return Token(Kind.SIGN, sign[0], sign[0], place)
    if text[place] == "!":
        raise InvalidFilter("found '!'; expected NOT or !=", offset=place)
    return None


def _word(text: str, start: int) -> Token:
    """The word at `start`: stretches with and without quotes that touch each other."""
    pieces: list[tuple[str, bool]] = []
    place = start
    while place < len(text):
        if text[place] in _QUOTED:
            quoted = _QUOTED[text[place]].match(text, place)
            if quoted is None:
                raise InvalidFilter(f"the quote {text[place]} is not closed", offset=place)
            pieces.append((_unescaped(quoted[1], place + 1), True))
            place = quoted.end()
        elif bare := _BARE.match(text, place):
            _check_bare(bare[0], place)
            pieces.append((bare[0], False))
            place = bare.end()
        else:
            break
    source = text[start:place]
    if len(pieces) == 1 and not pieces[0][1]:
        if source in _NOT_OURS:
            raise InvalidFilter(f"found {source!r}; expected {_NOT_OURS[source]}", offset=start)
        if source.upper() in KEYWORDS:
            return Token(Kind.KEYWORD, source.upper(), source, start)
    return Token(Kind.WORD, "".join(piece for piece, _ in pieces), source, start, tuple(pieces))


def _check_bare(word: str, place: int) -> None:
    curly = _CURLY.search(word)
    if curly:
        offset = place + curly.start()
        raise InvalidFilter(f"found {curly[0]}; expected a straight quote", offset=offset)
    control = _CONTROL.search(word)
    if control:
        offset = place + control.start()
        raise InvalidFilter(f"found {control[0]!r}; control characters need quotes", offset=offset)


def _unescaped(inside: str, place: int) -> str:
    if "\\" not in inside:
        return inside

    def character(escape: re.Match[str]) -> str:
        name = escape[1]
        if len(name) == 5:
            return chr(int(name[1:], 16))
        if name not in _ESCAPED:
            message = f"unknown escape {escape[0]!r}; a backslash is written \\\\"
            raise InvalidFilter(message, offset=place + escape.start())
        return _ESCAPED[name]

    text = _ESCAPE.sub(character, inside)
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
