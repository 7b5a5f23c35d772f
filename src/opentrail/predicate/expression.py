"""What a search asks of a record: one small tree, whatever language it was written in.

A path names members from the record's root; arrays on the way are entered, so one path may lead
to several values. A value's text is the string itself, `true` or `false`, or a number exactly as
the record spells it; null counts as absent, objects have no text (unless a test looks into them),
and an array at the end of a path has the texts of what it holds (`requestParameters.Host` of
`["a", "b"]`: `a` and `b`). Of members with the same name the last one counts.

A test looks at the texts that its path leads to:
- every test but NOT_EQUALS and EXISTS holds when one of the texts passes it;
- NOT_EQUALS holds when there is at least one text and none equals (so `NOT a = b` takes records
  without `a`, `a != b` does not);
- EXISTS holds when the path leads to anything but null, objects and arrays included, empty too.
A record that is no JSON object passes no test; FREE TEXT is then looked for in its bytes.
Text is compared case by case, character by character, unless a test ignores case; FREE TEXT
always does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """How a test compares."""

    EQUALS = "="
    NOT_EQUALS = "!="
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    WILDCARD = "wildcard"
    """`*` stands for any characters, `?` for one; the whole text must fit."""
    CIDR = "cidr"
    """An IPv4 or IPv6 network; texts that are no address never pass."""
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    """Numbers when both sides are numbers, else plain text order (which orders times rightly)."""
    REGEX = "regex"
    """RE2's syntax; found anywhere in the text."""
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison.

    Attributes:
        path: At least one member name.
        value: The literal; "" for EXISTS.
        ignore_case: Both sides are compared as `str.casefold` makes them (REGEX: RE2's `(?i)`);
            of no meaning for CIDR, order and EXISTS.
        in_objects: An object at the end of the path has texts, too: its JSON without spaces, its
            members in the record's order, and every text within it.
    """

    path: tuple[str, ...]
    operator: Operator
    value: str = ""
    ignore_case: bool = False
    in_objects: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Two fields compared: a text of `path` passes the test whose value is a text of `other`.

    Attributes:
        operator: EQUALS, PREFIX, SUFFIX or CONTAINS; the last three look at the first
            MOST_REFERENCES texts of `other` alone, so that two long arrays take no time.
        ignore_case: As in Test.
    """

    path: tuple[str, ...]
    operator: Operator
    other: tuple[str, ...]
    ignore_case: bool = False


MOST_REFERENCES = 100
"""No field that rules compare with holds nearly as many texts."""


@dataclass(frozen=True, slots=True)
class FreeText:
    """The record's JSON holds `text` somewhere in a member name or value, whatever its case."""

    text: str


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts, every record passes."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of the parts holds; without parts, no record passes."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Expression


Expression = Test | Reference | FreeText | All | Any | Not

EVERYTHING = All(())

DERIVED = frozenset({"person", "session"})
"""First names of paths that stand in no record: fields of ours, worked out from it."""
