"""A Sigma detection as a tree, whatever program read the rule's YAML.

Modifiers are gone: what they make of a value (`contains` puts wildcards around it, `base64offset`
three encodings in its place) is in the values. Source of the rules: Sigma Rules Specification
2.1, and its appendix of modifiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Wildcard(Enum):
    """What stands for other characters in a text."""

    MANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Text:
    """A text with wildcards.

    Attributes:
        parts: Texts as they are, and wildcards between them; () is the empty text.
        cased: Compared case by case; Sigma's texts ignore it unless they say `cased`.
    """

    parts: tuple[str | Wildcard, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number or truth value, as the rule spells it (`true`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Null:
    """The field is missing or null."""


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there (or, if not `there`, missing or null)."""

    there: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, found anywhere in the text.

    Attributes:
        flags: Of `i` (ignore case), `m` (`^` and `$` at lines), `s` (`.` is any character).
    """

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses of a network."""

    cidr: str


class Order(StrEnum):
    """How a number compares."""

    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    EQUAL = "="


@dataclass(frozen=True, slots=True)
class Ordered:
    """Numbers above or below one."""

    order: Order
    number: str


class Unit(StrEnum):
    """A part of a time."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Moment:
    """Times one part of which compares so (`eventTime|hour|gte: 22`)."""

    unit: Unit
    order: Order
    number: int


@dataclass(frozen=True, slots=True)
class Field:
    """The text of another field: equal, or this one `starts` or `ends` with it; both: holds it."""

    path: str
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several values that a modifier made of one."""

    values: tuple[Value, ...]


Value = Text | Number | Null | Exists | Pattern | Network | Ordered | Moment | Field | OneOf


@dataclass(frozen=True, slots=True)
class Is:
    """A field has a value; its name is a path of members, joined by dots."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class Keyword:
    """The record holds a value, wherever."""

    value: Value


@dataclass(frozen=True, slots=True)
class Every:
    """All parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of the parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """Not the part; a field that is missing has no value, so `Never(Is(…))` holds for it."""

    part: Condition


Condition = Is | Keyword | Every | Some | Never
