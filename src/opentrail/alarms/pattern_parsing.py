"""Filter patterns, from text to tree; `&&` binds tighter than `||`.

(1) A pattern that starts with `{` asks about JSON, (2) one that starts with `[` about fields
between blanks, (3) any other about texts in the message.
Source: CloudWatch Logs user guide, "Filter pattern syntax"; the messages are AWS's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from opentrail.alarms.pattern_reading import (
    NAME,
    Cursor,
    bad_character,
    invalid,
    unexpected,
)
from opentrail.alarms.pattern_tree import (
    Both,
    Compare,
    Comparison,
    Condition,
    Constant,
    Either,
    Everything,
    Field,
    InvalidFilterPattern,
    Is,
    JsonPattern,
    Missing,
    Number,
    Role,
    Selector,
    SpacePattern,
    Term,
    Text,
    TextPattern,
    Tree,
    Value,
)

MOST_CHARACTERS = 1024
MOST_NESTED = 64
"""Parentheses within parentheses."""

MOST_WILDCARDS = 3
"""Selectors with a wildcard in one pattern (AWS's quota)."""

_OPERATOR = re.compile(r"!=|>=|<=|=|>|<")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_KEYWORD = re.compile(r"[A-Za-z]+")
_OTHERS = re.compile(r"[^A-Za-z0-9_\s]+")
_EQUALITIES = (Comparison.EQUALS, Comparison.NOT_EQUALS)


def parse_pattern(text: str) -> Tree:
    """What the pattern says.

    Raises:
        InvalidFilterPattern: nothing that CloudWatch Logs understands.
    """
    if len(text) > MOST_CHARACTERS:
        raise invalid(f"it has {len(text)} characters; {MOST_CHARACTERS} are allowed")
    plain = text.strip()
    if not plain:
        return Everything()
    if plain.startswith("{"):
        return JsonPattern(_JsonReader(_inside(plain, "}")).read())  # (1)
    if plain.startswith("["):
        return SpacePattern(_fields(Cursor(_inside(plain, "]"))))  # (2)
    return TextPattern(_terms(Cursor(plain)))  # (3)


def parse_selector(text: str) -> Selector:
    """A selector that stands alone, as `$.userIdentity.type`.

    Raises:
        InvalidFilterPattern: it is none.
    """
    cursor = Cursor(text)
    found = cursor.selector()
    if found is None or not cursor.at_end:
        raise invalid(f"{text[:100]!r} is no selector")
    return found


def _inside(plain: str, end: str) -> str:
    if len(plain) < 2 or not plain.endswith(end):
        raise InvalidFilterPattern(
            f"If a filter pattern starts with '{plain[0]}' it must end with '{end}'"
        )
    return plain[1:-1]


class _JsonReader:
    """Reads conditions; `_nested` counts the parentheses that are open."""

    def __init__(self, text: str) -> None:
        self._cursor = Cursor(text)
        self._nested = 0
        self._wildcards = 0

    def read(self) -> Condition:
        found = self._alternatives()
        if not self._cursor.at_end:
            raise bad_character(self._cursor.peek())
        return found

    def _alternatives(self) -> Condition:
        return _joined(self._parts("||", self._together), Either)

    def _together(self) -> Condition:
        return _joined(self._parts("&&", self._single), Both)

    def _parts(self, word: str, read: Callable[[], Condition]) -> list[Condition]:
        parts = [read()]
        while self._cursor.takes(word):
            parts.append(read())
        return parts

    def _single(self) -> Condition:
        cursor = self._cursor
        cursor.skip_blanks()
        if not cursor.takes("("):
            found = self._condition()
            cursor.skip_blanks()
            return found
        self._nested += 1
        if self._nested > MOST_NESTED:
            raise invalid(f"parentheses nest deeper than {MOST_NESTED}")
        found = self._alternatives()
        if not cursor.takes(")"):
            raise unexpected(cursor, "')'")
        self._nested -= 1
        cursor.skip_blanks()
        return found

    def _condition(self) -> Condition:
        cursor = self._cursor
        selector = cursor.selector()
        if selector is None:
            raise unexpected(cursor, "a selector")
        self._wildcards += selector.has_wildcard
        if self._wildcards > MOST_WILDCARDS:
            raise invalid(f"more than {MOST_WILDCARDS} of its selectors have a wildcard")
        cursor.skip_blanks()
        operator = cursor.take(_OPERATOR)
        if operator:
            cursor.skip_blanks()
            return Compare(selector, *_compared(Comparison(operator), cursor.value()))
        match cursor.take(_KEYWORD).upper():
            case "IS":
                cursor.skip_blanks()
                word = cursor.take(_KEYWORD).upper()
                if word not in Constant.__members__:
                    raise invalid("IS is followed by NULL, TRUE or FALSE")
                return Is(selector, Constant(word))
            case "NOT":
                cursor.skip_blanks()
                if cursor.take(_KEYWORD).upper() != "EXISTS":
                    raise invalid("NOT is followed by EXISTS")
                return Missing(selector)
            case _:
                raise invalid(f"what {selector.spelling} is compared with is missing")


def _joined(parts: list[Condition], kind: type[Both | Either]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    return kind(tuple(flat))


def _compared(comparison: Comparison, value: Value) -> tuple[Comparison, Value]:
    if comparison not in _EQUALITIES and not isinstance(value, Number):
        raise invalid(f"{comparison} compares numbers")
    return comparison, value


def _fields(cursor: Cursor) -> tuple[Field, ...]:
    fields: list[Field] = []
    while True:
        cursor.skip_blanks()
        fields.append(_field(cursor))
        cursor.skip_blanks()
        if cursor.at_end:
            break
        if not cursor.takes(","):
            raise bad_character(cursor.peek())
    if sum(not field.name for field in fields) > 1:
        raise invalid("it has more than one '...'")
    return tuple(fields)


def _field(cursor: Cursor) -> Field:
    if cursor.takes("..."):
        return Field("")
    name = cursor.take(NAME)
    if not name:
        raise unexpected(cursor, "a field")
    cursor.skip_blanks()
    if cursor.peek() in ("", ","):
        return Field(name)
    alternatives = [[_field_test(cursor)]]
    while True:
        cursor.skip_blanks()
        together, instead = cursor.takes("&&"), cursor.takes("||")
        if not together and not instead:
            return Field(name, tuple(tuple(one) for one in alternatives))
        cursor.skip_blanks()
        if cursor.take(NAME) != name:
            raise invalid(f"the conditions of field {name} must all be of {name}")
        cursor.skip_blanks()
        if instead:
            alternatives.append([])
        alternatives[-1].append(_field_test(cursor))


def _field_test(cursor: Cursor) -> tuple[Comparison, Value]:
    operator = cursor.take(_OPERATOR)
    if not operator:
        raise bad_character(cursor.peek())
    cursor.skip_blanks()
    return _compared(Comparison(operator), cursor.value())


def _terms(cursor: Cursor) -> tuple[Term, ...]:
    terms: list[Term] = []
    while not cursor.at_end:
        role = Role.ANY if cursor.takes("?") else Role.NONE if cursor.takes("-") else Role.ALL
        value = cursor.quoted() or cursor.regex() or _word(cursor, role)
        terms.append(Term(role, value))
        if not cursor.skip_blanks() and not cursor.at_end:
            raise bad_character(cursor.take(_OTHERS) or cursor.peek())
    return tuple(terms)


def _word(cursor: Cursor, role: Role) -> Text:
    found = cursor.take(_WORD)
    if not found:
        raise bad_character(cursor.take(_OTHERS) or role.value)
    return Text(found)
