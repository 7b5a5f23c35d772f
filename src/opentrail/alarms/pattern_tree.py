"""What a CloudWatch Logs filter pattern says, read: one tree for JSON, lists for fields and terms.

Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters,
filter log events, and Live Tail".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from opentrail.errors import InvalidInput


class InvalidFilterPattern(InvalidInput):
    """A filter pattern, or a selector beside it, that CloudWatch Logs would not take."""


class Comparison(StrEnum):
    """How a value is compared."""

    EQUALS = "="
    NOT_EQUALS = "!="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


class Every(Enum):
    """A step of a selector that leads to several values."""

    MEMBER = ".*"
    ELEMENT = "[*]"


Step = str | int | Every
"""A member's name, an element's place (from 0), or all of them."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Where a value stands in a JSON object.

    Attributes:
        steps: At least one.
        spelling: As the pattern has it: `$.userIdentity.type`.
    """

    steps: tuple[Step, ...]
    spelling: str

    @property
    def path(self) -> tuple[str, ...] | None:
        """The names alone, arrays on the way left out; None where any member is meant."""
        if Every.MEMBER in self.steps:
            return None
        return tuple(step for step in self.steps if isinstance(step, str))

    @property
    def is_plain(self) -> bool:
        """Whether it consists of names only."""
        return all(isinstance(step, str) for step in self.steps)

    @property
    def has_wildcard(self) -> bool:
        """Whether it may lead to several values."""
        return any(isinstance(step, Every) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `*` in it stands for any characters."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and how the pattern spells it."""

    value: Decimal
    spelling: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, to be found anywhere in the text."""

    value: str


Value = Text | Number | Pattern


@dataclass(frozen=True, slots=True)
class Compare:
    """One of the values at the selector compares so."""

    selector: Selector
    comparison: Comparison
    value: Value


class Constant(StrEnum):
    """What `IS` asks for."""

    NULL = "NULL"
    TRUE = "TRUE"
    FALSE = "FALSE"


@dataclass(frozen=True, slots=True)
class Is:
    """One of the values at the selector is the constant."""

    selector: Selector
    constant: Constant


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing stands at the selector, not even null."""

    selector: Selector


@dataclass(frozen=True, slots=True)
class Both:
    """Every part holds; at least two."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts holds; at least two."""

    parts: tuple[Condition, ...]


Condition = Compare | Is | Missing | Both | Either


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a space-delimited line.

    Attributes:
        name: "" for the ellipsis: any number of fields.
        tests: Alternatives of conditions that hold together; () asks nothing.
    """

    name: str
    tests: tuple[tuple[tuple[Comparison, Value], ...], ...] = ()


class Role(Enum):
    """What a term of a text pattern is for."""

    ALL = ""
    ANY = "?"
    NONE = "-"


@dataclass(frozen=True, slots=True)
class Term:
    """A text or regular expression that must, may or must not be in a message."""

    role: Role
    value: Text | Pattern


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty pattern."""


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """`{ … }`."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class SpacePattern:
    """`[…]`; at most one field is the ellipsis."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class TextPattern:
    """Anything else."""

    terms: tuple[Term, ...]


Tree = Everything | JsonPattern | SpacePattern | TextPattern
