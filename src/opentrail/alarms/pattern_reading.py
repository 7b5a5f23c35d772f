"""The words of filter patterns: quoted texts, regular expressions, bare words, selectors.

The messages are those that AWS gives as people report them.
"""

from __future__ import annotations

import re
from decimal import Decimal

from opentrail.alarms.pattern_tree import (
    Every,
    InvalidFilterPattern,
    Number,
    Pattern,
    Selector,
    Step,
    Text,
    Value,
)

MOST_REGEXES = 2
"""Regular expressions in one pattern (AWS's quota)."""

BARE = re.compile(r"[A-Za-z0-9_*.:/@#+\-]+")
"""Values without quotation marks."""

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,17})?")
NAME = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNESCAPED = re.compile(r'\\(["\\])')
_REGEX = re.compile(r"%((?:[^%\\]|\\.)*)%")
_REGEX_CHARACTER = re.compile(r"\\[!-~]|[A-Za-z0-9:_#=@/;,^$?\[\]{}|*+. -]")
_BRACKETED = re.compile(r"""\[(?:(\*)|([0-9]{1,9})|'([^']*)'|"([^"]*)")\]""")


def invalid(why: str) -> InvalidFilterPattern:
    """The error for a pattern that cannot be read."""
    return InvalidFilterPattern(
        f"Invalid filter pattern: {why}" if why else "Invalid filter pattern"
    )


def bad_character(found: str) -> InvalidFilterPattern:
    """The error for characters that must stand in quotation marks, or not at all."""
    return InvalidFilterPattern(f"Invalid character(s) in term '{found}'")


class Cursor:
    """A place in a pattern, moving on as words are taken."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._regexes = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._place >= len(self._text)

    def peek(self) -> str:
        """The next character, "" at the end."""
        return self._text[self._place : self._place + 1]

    def skip_blanks(self) -> bool:
        """Go behind blanks; whether there were any."""
        return bool(self.take(_BLANKS))

    def take(self, what: re.Pattern[str]) -> str:
        """The text that `what` fits here, "" (and no move) if it does not."""
        found = what.match(self._text, self._place)
        if found is None:
            return ""
        self._place = found.end()
        return found[0]

    def takes(self, literal: str) -> bool:
        """Whether `literal` stands here; if so, go behind it."""
        if not self._text.startswith(literal, self._place):
            return False
        self._place += len(literal)
        return True

    def quoted(self) -> Text | None:
        """A text in quotation marks; None where none stands.

        Raises:
            InvalidFilterPattern: it does not end.
        """
        if self.peek() != '"':
            return None
        found = _QUOTED.match(self._text, self._place)
        if found is None:
            raise bad_character('"')
        self._place = found.end()
        return Text(_UNESCAPED.sub(r"\1", found[1]))

    def regex(self) -> Pattern | None:
        """A regular expression between percent signs; None where none stands.

        Raises:
            InvalidFilterPattern: it does not end, has a character that is not allowed, or is the
                third one.
        """
        if self.peek() != "%":
            return None
        found = _REGEX.match(self._text, self._place)
        if found is None or not found[1]:
            raise bad_character("%")
        _check_regex(found[1])
        self._place = found.end()
        self._regexes += 1
        if self._regexes > MOST_REGEXES:
            raise invalid(f"it has more than {MOST_REGEXES} regular expressions")
        return Pattern(found[1])

    def value(self) -> Value:
        """What a condition compares with.

        Raises:
            InvalidFilterPattern: there is nothing such.
        """
        found = self.quoted() or self.regex()
        if found is not None:
            return found
        bare = self.take(BARE)
        if not bare:
            raise unexpected(self, "a value")
        if NUMBER.fullmatch(bare):
            return Number(Decimal(bare), bare)
        return Text(bare)

    def selector(self) -> Selector | None:
        """A selector of JSON; None where none stands.

        Raises:
            InvalidFilterPattern: it is not complete, or has two wildcards.
        """
        start = self._place
        if not self.takes("$"):
            return None
        steps: list[Step] = []
        while (step := self._step()) is not None:
            steps.append(step)
        spelling = self._text[start : self._place]
        if not steps:
            raise bad_character(f"${self.peek()}")
        if sum(isinstance(step, Every) for step in steps) > 1:
            raise invalid(f"{spelling} has more than one wildcard")
        return Selector(tuple(steps), spelling)

    def _step(self) -> Step | None:
        dot = self.takes(".")
        if dot and self.takes("*"):
            return Every.MEMBER
        if dot and (name := self.take(NAME)):
            return name
        found = _BRACKETED.match(self._text, self._place)
        if found is None:
            if dot or self.peek() == "[":
                raise bad_character(f"{'.' if dot else ''}{self.peek()}")
            return None
        self._place = found.end()
        star, place, single, double = found.groups()
        if star:
            return Every.ELEMENT
        if place:
            return int(place)
        return single if single is not None else double


def unexpected(cursor: Cursor, expected: str) -> InvalidFilterPattern:
    """The error for whatever stands where something else is expected."""
    found = cursor.peek()
    return bad_character(found) if found else invalid(f"{expected} is missing at its end")


def _check_regex(text: str) -> None:
    place = 0
    while place < len(text):
        found = _REGEX_CHARACTER.match(text, place)
        if found is None:
            raise bad_character(text[place])
        place = found.end()
