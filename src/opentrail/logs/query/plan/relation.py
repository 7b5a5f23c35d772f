"""The relation that a pipeline has made so far: its SQL, what names lead to, and its order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from opentrail.logs.query.plan.fields import (
    OF_EVENTS,
    Base,
    Holds,
    base_field,
    field_in_steps,
    member,
)
from opentrail.logs.query.plan.scope import Moments, Scope
from opentrail.logs.query.plan.values import (
    NULL,
    Kind,
    Parameters,
    Value,
    column,
    json,
    made,
    natural,
    number,
    text,
)
from opentrail.logs.query.rules import walk
from opentrail.logs.query.tree import Duration, Expression, Field, Name

KEYS = (Base.SOURCE.value, Base.SEGMENT.value, Base.ROW.value, Base.TIME.value)
RAW = OF_EVENTS | {one.value for one in Base}


@dataclass(frozen=True, slots=True)
class Order:
    """A part of ORDER BY.

    Attributes:
        columns: That it reads.
    """

    sql: str
    descending: bool
    columns: frozenset[str]

    @property
    def text(self) -> str:
        """As SQL; nulls come first, and last where it descends."""
        return f"{self.sql} {'DESC NULLS LAST' if self.descending else 'ASC NULLS FIRST'}"


NEWEST_FIRST = tuple(
    Order(one.value, descending=True, columns=frozenset({one.value}))
    for one in (Base.TIME, Base.SOURCE, Base.SEGMENT, Base.ROW)
)
"""The order of log events unless said otherwise; the last parts make it the same every time."""

_LIST = "\0columns\0"
_MADE = re.compile(r"\bc[0-9]+\b")
_HEAVY = 4000
"""Of expressions that DuckDB copies when it moves filters: what is heavier stays where it is."""


class Relation:
    """Levels of SELECT, each over the one before."""

    def __init__(self, holds: Holds, parameters: Parameters, moments: Moments) -> None:
        self.parameters = parameters
        self.moments = moments
        self.order: tuple[Order, ...] = NEWEST_FIRST
        self.are_events = True
        self.is_filtered = False
        self.has_limit = False
        self.matched = ""
        self.columns: set[str] = set()
        self._holds = holds
        self._name = "base"
        self._levels: list[tuple[str, str]] = []
        self._names: dict[str, Value] = {}
        self._shared: dict[str, Callable[[], None]] = {}
        self._made = 0
        self._made_before = 0
        self._kept: set[str] = set()
        self._keeps = False
        self._weights: dict[str, int] = {}

    # names

    def resolve(self, name: Name) -> Value:
        """The value of a name: of a column, of what is in one, or of a log event's field."""
        if name.text in self._names:
            return self._names[name.text]
        for count in range(len(name.parts) - 1, 0, -1):
            outer = ".".join(name.parts[:count])
            if outer in self._names:
                return self._inside(outer, name, name.parts[count:])
        if not self.are_events:
            return NULL
        return base_field(name, self._holds, self.parameters)

    def is_field(self, name: Name, text: str) -> bool:
        """Whether a name leads to that field of the log events themselves."""
        if name.text != text or not self.are_events:
            return False
        return self.resolve(name) == base_field(name, self._holds, self.parameters)

    def _inside(self, outer: str, name: Name, rest: tuple[str, ...]) -> Value:
        value = self._names[outer]
        if value.kind not in (Kind.JSON, Kind.TEXT):
            return NULL
        return made(member(json(value), rest, name, self.parameters), Kind.TEXT, value)

    def name(self, name: str, value: Value) -> None:
        """From now on `name` leads to `value`."""
        inner = f"{name}."
        for known in [one for one in self._names if one.startswith(inner)]:
            del self._names[known]
        self._names[name] = value
        self._shared.pop(name, None)

    def name_together(self, values: dict[str, Value], make: Callable[[], dict[str, Value]]) -> None:
        """Names whose values are parts of one; when one is settled, `make` gives columns of all."""
        for name, value in values.items():
            self.name(name, value)

        def settle() -> None:
            for name, value in make().items():
                if self._shared.get(name) is settle:
                    self.name(name, value)

        for name in values:
            self._shared[name] = settle

    def forget(self) -> None:
        """Rows are no longer log events: their fields are gone."""
        self._names.clear()
        self._shared.clear()
        self.are_events = False
        self._keeps = False

    def scope(self, *, bin_offset: Duration | None = None, hidden: Collection[str] = ()) -> Scope:
        """For expressions over this relation.

        Args:
            hidden: Names into which dots do not lead: those of the same command [aws].
        """
        names = frozenset(hidden)

        def resolve(name: Name) -> Value:
            outers = (".".join(name.parts[:count]) for count in range(1, len(name.parts)))
            return NULL if not names.isdisjoint(outers) else self.resolve(name)

        return Scope(
            resolve=resolve if names else self.resolve,
            parameters=self.parameters,
            moments=self.moments,
            given={},
            bin_offset=bin_offset,
        )

    # levels

    def settle(self, names: Iterable[Name], *, fields: bool = True) -> None:
        """What those names lead to becomes columns, so that it is worked out once.

        Args:
            fields: Those of log events, too; else only what the query has named.
        """
        for name in dict.fromkeys(names):
            self._settle(name, fields=fields)

    def _settle(self, name: Name, *, fields: bool) -> None:
        outers = [
            outer
            for count in range(1, len(name.parts))
            if (outer := ".".join(name.parts[:count])) in self._names
        ]
        for known in [*outers, name.text]:
            if known in self._shared:
                self._shared[known]()
            value = self._names.get(known)
            if value is not None and not value.simple:
                self.name(known, self.add(value))
        value = self.resolve(name)
        if not value.simple and (fields or outers):
            self._names[name.text] = self.add(self._after_steps(name, value))

    def _after_steps(self, name: Name, value: Value) -> Value:
        """The value; of a field that is read in two steps, over the first of them."""
        if not self.is_field(name, name.text):
            return value
        steps = field_in_steps(name, self._holds, self.parameters)
        return value if steps is None else steps.shown(self.add(steps.found).sql)

    def add(self, value: Value) -> Value:
        """The value as a column of a level more."""
        self._made += 1
        found = f"c{self._made}"
        self.use(value.columns)
        weight = self._weight(value.sql)
        is_heavy = weight > _HEAVY
        self.level(f"SELECT *, {value.sql} AS {found} FROM {self._name}", materialized=is_heavy)
        self._weights[found] = 1 if is_heavy else weight
        return column(found, value.kind)

    def _weight(self, sql: str) -> int:
        """How large an expression is where what it reads is written out, as DuckDB does.

        Where each of many fields reads the one before twice, that doubles at each step.
        """
        return 1 + sum(self._weights.get(name, 1) for name in _MADE.findall(sql))

    def use(self, columns: Iterable[str]) -> None:
        """Those columns are read here."""
        read = set(columns)
        self.columns |= read & RAW
        self.keep(read)

    def keep(self, columns: Iterable[str]) -> None:
        """Those columns are shown, though nothing is computed with them."""
        if self._keeps:
            known = RAW | {f"c{number}" for number in range(self._made_before + 1)}
            self._kept |= set(columns) & known

    def level(self, select: str, *, materialized: bool = False) -> str:
        """One SELECT more; its name."""
        name = f"l{len(self._levels)}"
        how = "MATERIALIZED" if materialized else "NOT MATERIALIZED"
        self._levels.append((name, f"{name} AS {how} ({select})"))
        self._name = name
        return name

    @property
    def last(self) -> str:
        """The name of the relation so far."""
        return self._name

    def start_from(self, name: str) -> None:
        """Begin anew from another relation."""
        self._levels.clear()
        self._name = name

    def where(self, condition: Value) -> None:
        """Keep the rows for which a TRUTH holds."""
        self.use(condition.columns)
        self.level(f"SELECT * FROM {self._name} WHERE {condition.sql}")
        self.is_filtered = True

    def count_matched(self) -> None:
        """From here on rows are limited or changed: what passed the filters is counted first.

        Of those rows only what is still read is kept.
        """
        if not self.are_events or not self.is_filtered or self.matched:
            return
        self._made_before = self._made
        self._kept = set(KEYS)
        self._keeps = True
        for one in self.order:
            self.use(one.columns)
        self.level(f"SELECT {_LIST} FROM {self._name}", materialized=True)
        self.matched = f"(SELECT count(*) FROM {self._name})"

    def sorted_by(self, keys: Iterable[tuple[Value, bool]]) -> None:
        """The order of the rows: (simple value, descending) first, then as log events have it."""
        parts: list[Order] = []
        for value, descending in keys:
            parts += order_of(value, descending=descending)
        self.order = (*parts, *(NEWEST_FIRST if self.are_events else ()))

    def ordered(self, *, backwards: bool = False) -> str:
        """ORDER BY, "" where nothing orders the rows."""
        parts = self.order
        if self._holds is Holds.EVENTS and self.are_events and not self._keeps:
            # By the column itself: DuckDB then leaves out files and pages that are too old.
            parts = tuple(_by_column(one) for one in parts)
        for one in parts:
            self.use(one.columns)
        if backwards:
            parts = tuple(Order(one.sql, not one.descending, one.columns) for one in parts)
        return f" ORDER BY {', '.join(one.text for one in parts)}" if parts else ""

    def sql(self, select: str) -> str:
        """The whole statement: all levels, and `select` over the last."""
        levels = ", ".join(level for _, level in self._levels)
        kept = ", ".join(sorted(self._kept))
        with_ = f"WITH {levels} " if levels else ""
        return (with_ + select).replace(_LIST, kept)


def _by_column(order: Order) -> Order:
    if order.sql != Base.TIME:
        return order
    return Order("event_time", order.descending, frozenset({"event_time"}))


def order_of(value: Value, *, descending: bool) -> list[Order]:
    """The natural order: nulls, texts that tell no number, then numbers; descending in reverse.

    Source: lang/logs_insights.md, section 4; vectors li/74.
    """
    columns = value.columns
    if value.kind in (Kind.NUMBER, Kind.TIME, Kind.TRUTH):
        return [Order(value.sql, descending, columns)]
    spelled = text(value)
    told = number(value)
    parts = (
        f"({spelled} IS NOT NULL)",
        f"({told} IS NOT NULL)",
        told,
        f"CASE WHEN {told} IS NULL THEN {natural(spelled)} END",
        spelled,
    )
    return [Order(part, descending, columns) for part in parts]


def names_in(*expressions: Expression) -> list[Name]:
    """The fields that expressions name."""
    return [
        one.name for expression in expressions for one in walk(expression) if isinstance(one, Field)
    ]
