"""A parsed query: stages of a pipeline, and the expressions in them.

Spans are characters of the query's text: the first one, and the one behind the last.
Source of the language: lang/logs_insights.md, sections 1 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of the query: `start` inclusive, `end` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A field's name.

    Attributes:
        text: As results spell it: `@timestamp`, `userIdentity.arn`, `request-id` (no backticks).
        parts: The ways in: `items[1]` and `items.1` both end with "1"; of a name in backticks the
            text is also one part (`whole`).
        whole: The text in backticks may be one member's name, dots included.
    """

    text: str
    parts: tuple[str, ...]
    span: Span
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: Name

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.name.span


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a string."""

    value: str | float
    span: Span


@dataclass(frozen=True, slots=True)
class Duration:
    """`5m`: a number of units, see times."""

    count: int
    unit: str
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments; `star` is `count(*)`'s.

    Attributes:
        name: As it was written.
    """

    name: str
    arguments: tuple[Expression, ...]
    star: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x`, `-x`, `+x`; `!` is `not`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic (`^ * / % + -`) or a comparison (`= != < <= > >=`)."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more parts of one `and` or `or`."""

    operator: str
    parts: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Like:
    """A text holds a string, or a regular expression is found in it."""

    operand: Expression
    pattern: str
    is_regex: bool
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class In:
    """Equality with one of some literals."""

    operand: Expression
    values: tuple[Literal, ...]
    negated: bool
    span: Span


Expression = Field | Literal | Duration | Call | Unary | Binary | Logic | Like | In


@dataclass(frozen=True, slots=True)
class Spec:
    """An expression and the name of its column: the alias, else the expression's own text."""

    expression: Expression
    name: str
    aliased: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """`fields` adds columns."""

    specs: tuple[Spec, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Display:
    """`display` says which columns are shown; the last one counts."""

    specs: tuple[Spec, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Filter:
    """`filter`, `where`, `filterIndex`."""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Term:
    """A word that @message holds, whatever its case."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchNot:
    """`not x` in a search."""

    part: SearchExpression


@dataclass(frozen=True, slots=True)
class SearchLogic:
    """Two or more parts of one `and` or `or` in a search."""

    operator: str
    parts: tuple[SearchExpression, ...]


SearchExpression = Term | SearchNot | SearchLogic


@dataclass(frozen=True, slots=True)
class Search:
    """`search`, or words without a command at the query's beginning."""

    condition: SearchExpression
    span: Span


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field, ascending unless said otherwise."""

    name: Name
    descending: bool


@dataclass(frozen=True, slots=True)
class Sort:
    """`sort`, `order by`."""

    keys: tuple[SortKey, ...]
    span: Span


class Which(StrEnum):
    """Which rows a limit leaves."""

    FIRST = "first"
    LAST = "last"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit`, `head`, `tail`, `limit any`.

    Attributes:
        count: None for `limit any` without a number.
    """

    count: int | None
    which: Which
    span: Span


@dataclass(frozen=True, slots=True)
class ParseGlob:
    """`parse FIELD "user=*, *" as a, b`: as many aliases as stars."""

    field: Name
    glob: str
    aliases: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ParseRegex:
    """`parse FIELD /(?<name>…)/`."""

    field: Name
    pattern: str
    span: Span


@dataclass(frozen=True, slots=True)
class ParseFormat:
    """`parse FIELD json as x`: a map or list; also logfmt, csv and xml."""

    field: Name
    format: str
    alias: str
    span: Span


@dataclass(frozen=True, slots=True)
class Stats:
    """`stats`.

    Attributes:
        offset: By how much bins are shifted.
    """

    aggregates: tuple[Spec, ...]
    groups: tuple[Spec, ...]
    offset: Duration | None
    span: Span


@dataclass(frozen=True, slots=True)
class Dedup:
    """`dedup`: the first row of each key; rows without a key stay."""

    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Pattern:
    """`pattern`: clusters of like texts."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Diff:
    """`diff`: patterns beside those of the period before."""

    span: Span


@dataclass(frozen=True, slots=True)
class Unmask:
    """`unmask(x)`: nothing is masked here."""

    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unnest:
    """`unnest LIST into x`: a row for each element."""

    name: Name
    alias: str
    span: Span


@dataclass(frozen=True, slots=True)
class Deferred:
    """A command that is known and not supported yet."""

    command: str
    span: Span


Stage = (
    Fields
    | Display
    | Filter
    | Search
    | Sort
    | Limit
    | ParseGlob
    | ParseRegex
    | ParseFormat
    | Stats
    | Dedup
    | Pattern
    | Diff
    | Unmask
    | Unnest
    | Deferred
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of SOURCE: epoch milliseconds, or so long before now (None: now)."""

    epoch_ms: int | None = None
    ago: Duration | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """`SOURCE`: which log groups.

    Attributes:
        groups: Named one by one.
        selections: `logGroups(namePrefix: ['a'], …)`: option to values, one a call.
    """

    groups: tuple[str, ...]
    selections: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]
    start: Moment | None
    end: Moment | None
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Attributes:
        text: What was parsed.
    """

    source: Source | None
    stages: tuple[Stage, ...]
    text: str
