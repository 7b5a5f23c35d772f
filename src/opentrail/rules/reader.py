"""An event pattern's JSON, token by token, refused at the same place and in the same words as AWS.

EventBridge reads patterns with a streaming parser and checks them while it reads: what is wrong
first in the text is told, be it JSON or the pattern. So a value's first character is looked at
together with the name before it, and a string is read only when its text is asked for or when the
token behind it is. Source: the answers that AWS gave (tests/vectors/eventbridge); the words are
those of Jackson, the parser that they come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from opentrail.errors import InvalidInput

MOST_LEVELS = 100
"""Of objects and arrays in one another; ours: no event that anybody records is as deep."""

_SHOWN = 500
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip


class InvalidEventPattern(InvalidInput):
    """A text is no event pattern; the message is AWS's reason, with the place in further lines."""


class Token(StrEnum):
    """What stands at a place of the text."""

    OBJECT = "{"
    OBJECT_END = "}"
    ARRAY = "["
    ARRAY_END = "]"
    NAME = "name"
    STRING = "string"
    NUMBER = "number"
    TRUE = "true"
    FALSE = "false"
    NULL = "null"
    END = "end"


_BRACKETS = frozenset({Token.OBJECT, Token.OBJECT_END, Token.ARRAY, Token.ARRAY_END})
_LITERALS = {"t": Token.TRUE, "f": Token.FALSE, "n": Token.NULL}


@dataclass(slots=True)
class _Within:
    """An object or array that is open."""

    is_object: bool
    start: int
    has_members: bool = False

    @property
    def kind(self) -> str:
        return "Object" if self.is_object else "Array"


class PatternReader:
    """The tokens of one text."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._place = 0
        self._open: list[_Within] = []
        self._behind_name: Token | None = None
        self._unread = False
        self._text = ""
        self.token = Token.END
        """The token read last."""
        self.name = ""
        """The name read last."""

    def next(self) -> Token:
        """The next token; END behind the text's one value.

        Raises:
            InvalidEventPattern: it is no JSON here.
        """
        self.token = self._next()
        return self.token

    def text(self) -> str:
        """The text of the token that is current.

        Raises:
            InvalidEventPattern: it is a string, and not a valid one.
        """
        if self.token is Token.NAME:
            return self.name
        if self.token in _BRACKETS:
            return str(self.token)
        self._finish_string()
        return self._text

    def refusal(self, reason: str) -> InvalidEventPattern:
        """The error that gives `reason`, with how far the text is read."""
        return InvalidEventPattern(f"{reason}\n at {self._location(self._place)}")

    def _next(self) -> Token:
        if self._behind_name is not None:
            token, self._behind_name = self._behind_name, None
            return self._opened(token)
        self._finish_string()
        if not self._skip_space():
            if self._open:
                within = self._open[-1]
                raise self.refusal(
                    f"Unexpected end-of-input: expected close marker for {within.kind} "
                    f"(start marker at {self._location(within.start)})"
                )
            return Token.END
        character = self._take()
        if character in "]}":
            return self._closed(character)
        if self._open and self._open[-1].has_members:
            character = self._behind_comma(character)
        if not self._open:
            return self._opened(self._value(character))
        within = self._open[-1]
        within.has_members = True
        if not within.is_object:
            return self._opened(self._value(character))
        if character != '"':
            raise self._unexpected(character, "was expecting double-quote to start field name")
        self.name = self._string("in field name", "name")
        self._behind_name = self._value(self._behind_colon())
        return Token.NAME

    def _opened(self, token: Token) -> Token:
        if token in (Token.OBJECT, Token.ARRAY):
            self._open.append(_Within(token is Token.OBJECT, self._place - 1))
            if len(self._open) > MOST_LEVELS:
                raise self.refusal(f"The pattern nests deeper than {MOST_LEVELS} levels")
        return token

    def _closed(self, character: str) -> Token:
        if not self._open or self._open[-1].is_object != (character == "}"):
            expected, kind, start = "]", "root", 0
            if self._open:
                within = self._open[-1]
                expected, kind, start = "]}"[within.is_object], within.kind, within.start
            raise self.refusal(
                f"Unexpected close marker '{character}': expected '{expected}' "
                f"(for {kind} starting at {self._location(start)})"
            )
        self._open.pop()
        return Token(character)

    def _behind_comma(self, character: str) -> str:
        kind = self._open[-1].kind
        if character != ",":
            raise self._unexpected(character, f"was expecting comma to separate {kind} entries")
        return self._within_entries(kind)

    def _behind_colon(self) -> str:
        character = self._within_entries("Object")
        if character != ":":
            raise self._unexpected(
                character, "was expecting a colon to separate field name and value"
            )
        return self._within_entries("Object")

    def _within_entries(self, kind: str) -> str:
        if not self._skip_space():
            raise self.refusal(f"Unexpected end-of-input within/between {kind} entries")
        return self._take()

    def _value(self, character: str) -> Token:
        """The token that begins with `character`, which is taken already."""
        if character == '"':
            self._unread = True
            return Token.STRING
        if character in "{[":
            return Token(character)
        if character in _LITERALS:
            return self._literal(_LITERALS[character])
        if character in "-0123456789":
            return self._number()
        if character == "}":
            raise self._unexpected(character, "expected a value")
        if character.isidentifier() or character == "$":
            raise self._unrecognized()
        raise self._unexpected(character, f"expected a valid value {_VALUES}")

    def _literal(self, token: Token) -> Token:
        start = self._place - 1
        end = start + len(token)
        behind = self._source[end : end + 1]
        if self._source[start:end] != token or _continues(behind):
            raise self._unrecognized()
        self._place, self._text = end, str(token)
        return token

    def _unrecognized(self) -> InvalidEventPattern:
        end = self._place - 1
        while end < len(self._source) and _continues(self._source[end]):
            end += 1
        word, self._place = self._source[self._place - 1 : end], end
        return self.refusal(f"Unrecognized token '{word[:256]}': was expecting {_VALUES}")

    def _number(self) -> Token:
        start = self._place - 1
        found = _NUMBER.match(self._source, start)
        end = found.end() if found else start + 1
        behind = self._source[end : end + 1]
        self._place = end + len(behind)
        if found is None:
            raise self._unexpected_in_number(
                behind, "expected digit (0-9) to follow minus sign, for valid numeric value"
            )
        if found[0] in ("0", "-0") and behind.isdigit() and behind.isascii():
            raise self.refusal("Invalid numeric value: Leading zeroes not allowed")
        if behind == "." and found[1] is None and found[2] is None:
            raise self._unexpected_in_number(
                self._source[self._place : self._place + 1],
                "Decimal point not followed by a digit",
            )
        if behind in ("e", "E") and found[2] is None:
            raise self._unexpected_in_number(
                self._source[self._place : self._place + 1],
                "Exponent indicator not followed by a digit",
            )
        self._place, self._text = end, found[0]
        return Token.NUMBER

    def _unexpected_in_number(self, character: str, comment: str) -> InvalidEventPattern:
        if not character:
            return self.refusal("Unexpected end-of-input in a Number value")
        return self.refusal(
            f"Unexpected character ({_named(character)}) in numeric value: {comment}"
        )

    def _finish_string(self) -> None:
        if self._unread:
            self._unread = False
            self._text = self._string(
                ": was expecting closing quote for a string value", "string value"
            )

    def _string(self, at_end: str, what: str) -> str:
        """The string whose opening quote is taken, to its closing quote."""
        pieces: list[str] = []
        while True:
            plain = _PLAIN.match(self._source, self._place)
            assert plain is not None
            pieces.append(plain[0])
            self._place = plain.end()
            if self._place == len(self._source):
                gap = "" if at_end.startswith(":") else " "
                raise self.refusal(f"Unexpected end-of-input{gap}{at_end}")
            character = self._take()
            if character == '"':
                return _joined("".join(pieces))
            if character != "\\":
                raise self.refusal(
                    f"Illegal unquoted character ({_named(character)}): has to be escaped using "
                    f"backslash to be included in {what}"
                )
            pieces.append(self._escaped())

    def _escaped(self) -> str:
        character = self._take()
        if character == "u":
            found = _HEX.match(self._source, self._place)
            if found is None:
                while self._source[self._place : self._place + 1] in set("0123456789abcdefABCDEF"):
                    self._place += 1
                raise self._unexpected(
                    self._take(), "expected a hex-digit for character escape sequence"
                )
            self._place = found.end()
            return chr(int(found[0], 16))
        if character not in _ESCAPES:
            if not character:
                raise self.refusal("Unexpected end-of-input in character escape sequence")
            raise self.refusal(f"Unrecognized character escape {_named(character)}")
        return _ESCAPES[character]

    def _skip_space(self) -> bool:
        """Whether anything stands behind the space."""
        found = _SPACE.match(self._source, self._place)
        assert found is not None
        self._place = found.end()
        behind = self._source[self._place : self._place + 1]
        if behind and behind < " ":
            self._place += 1
            raise self.refusal(
                f"Illegal character ({_named(behind)}): only regular white space "
                "(\\r, \\n, \\t) is allowed between tokens"
            )
        return bool(behind)

    def _take(self) -> str:
        character = self._source[self._place : self._place + 1]
        self._place += len(character)
        return character

    def _unexpected(self, character: str, comment: str) -> InvalidEventPattern:
        if not character:
            return self.refusal("Unexpected end-of-input in character escape sequence")
        if character == "/":
            comment = (
                "maybe a (non-standard) comment? (not recognized as one since Feature "
                "'ALLOW_COMMENTS' not enabled for parser)"
            )
        return self.refusal(f"Unexpected character ({_named(character)}): {comment}")

    def _location(self, place: int) -> str:
        shown = self._source[:_SHOWN]
        cut = len(self._source) - len(shown)
        line = self._source.count("\n", 0, place) + 1
        column = place - (self._source.rfind("\n", 0, place) + 1) + 1
        rest = f"[truncated {cut} chars]" if cut else ""
        return f'[Source: (String)"{shown}"{rest}; line: {line}, column: {column}]'


def _named(character: str) -> str:
    code = ord(character)
    if code < 32 or 127 <= code < 160:
        return f"(CTRL-CHAR, code {code})"
    if code > 255:
        return f"'{character}' (code {code} / 0x{code:x})"
    return f"'{character}' (code {code})"


def _continues(character: str) -> bool:
    """Whether a word of Java's goes on with it."""
    return character == "$" or (character != "" and f"a{character}".isidentifier())


def _joined(text: str) -> str:
    """Halves of one character, each escaped, as that character."""
    if text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
