"""Rules as they are known here: of one record, of many records, and of values never seen before.

Sources: Sigma Rules Specification and Sigma Correlation Rules Specification 2.1. `first_seen` is a
correlation type of ours.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opentrail.predicate.expression import Expression

Path = tuple[str, ...]


class Level(StrEnum):
    """How bad it is, the least first."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a rule says of itself.

    Attributes:
        id: Unique in a rule set; the rule's UUID, or one made of its title.
        name: By which correlations may call it; "" for none.
        fields: Whose values a finding shows.
        source: The file that it was read from, below the directory of rules.
    """

    id: str
    title: str
    name: str = ""
    level: Level = Level.MEDIUM
    status: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    fields: tuple[Path, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Asks each record by itself."""

    about: About
    where: Expression


class Kind(StrEnum):
    """What a correlation counts."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"


class Comparison(StrEnum):
    """How a count compares with the condition's number."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EQ = "eq"
    NEQ = "neq"


_COMPARES: Mapping[Comparison, Callable[[int, int], bool]] = {
    one: getattr(operator, {"gte": "ge", "lte": "le", "neq": "ne"}.get(one.value, one.value))
    for one in Comparison
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A count compared with a number."""

    comparison: Comparison
    number: int

    def holds(self, count: int) -> bool:
        """Whether a count passes."""
        return _COMPARES[self.comparison](count, self.number)

    @property
    def enough(self) -> int | None:
        """The count from which it holds whatever else comes; None: only the window's end tells."""
        match self.comparison:
            case Comparison.GTE:
                return max(1, self.number)
            case Comparison.GT:
                return max(1, self.number + 1)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Happened:
    """A rule matched within the time; by its reference."""

    rule: str


@dataclass(frozen=True, slots=True)
class Both:
    """All parts."""

    parts: tuple[Combination, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts."""

    parts: tuple[Combination, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Not the part."""

    part: Combination


Combination = Happened | Both | Either | Without


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Asks many records together.

    Attributes:
        rules: References to rules or other correlations: ids or names.
        span_seconds: Records within this time of each other count together.
        group_by: Names of fields or aliases; each combination of their values counts by itself.
        aliases: Alias to the field it stands for, by reference.
        condition: Of the number of records, values or rules; or which rules matched (temporal).
        values: value_count: the fields whose values (together, if several) are counted.
        generate: The rules referred to make findings of their own, too.
    """

    about: About
    kind: Kind
    rules: tuple[str, ...]
    span_seconds: int
    condition: Threshold | Combination
    group_by: tuple[str, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    generate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSeen:
    """Finds a value that a group (a principal, an account) never had before.

    Attributes:
        rules: References to the rules whose matches count; () for every record.
        group_by: As in Correlation.
        values: The fields whose values (together, if several) are new or not.
        learning_seconds: So long after a group's first record its values are only learned.
        learning_values: So many values of a group are only learned, too.
        forget_seconds: A value not seen for so long is new again.
    """

    about: About
    rules: tuple[str, ...]
    values: tuple[str, ...]
    learning_seconds: int
    forget_seconds: int
    learning_values: int = 0
    group_by: tuple[str, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    generate: bool = False


Definition = Rule | Correlation | FirstSeen
