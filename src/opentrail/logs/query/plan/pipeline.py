"""The stages of a query, one after the other, as levels of a relation.

Computed fields are worked out as late as they can be: those that are only shown are read for the
shown rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opentrail.logs.query.plan.aggregates import aggregate
from opentrail.logs.query.plan.compute import compute, search
from opentrail.logs.query.plan.fields import FROM_RECORDS, OF_EVENTS, Base, Holds
from opentrail.logs.query.plan.periods import is_period
from opentrail.logs.query.plan.plan import Clustering
from opentrail.logs.query.plan.relation import Relation, names_in
from opentrail.logs.query.plan.scope import MESSAGE, TIMESTAMP, Moments, Scope
from opentrail.logs.query.plan.values import (
    Kind,
    Parameters,
    Value,
    column,
    json,
    made,
    reads,
    text,
    truth,
)
from opentrail.logs.query.regexes import Regex, glob_regex, read_regex
from opentrail.logs.query.rules import aggregates_in, walk
from opentrail.logs.query.tree import (
    Call,
    Dedup,
    Diff,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Limit,
    Logic,
    Name,
    ParseFormat,
    ParseGlob,
    ParseRegex,
    Pattern,
    Query,
    Search,
    Sort,
    Span,
    Spec,
    Stage,
    Stats,
    Unnest,
    Which,
)

_STORED = (OF_EVENTS | {one.value for one in Base}) - FROM_RECORDS - {Base.JSON.value}
"""What a narrowing condition may read."""

MOST_CLUSTERED = 5_000
"""Different texts that clustering looks at, the most frequent ones."""

_VARIES = (
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|\b0[xX][0-9a-fA-F]+\b|\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\b|[0-9]+(?:[.:,/-][0-9]+)*"
)
"""Ids, numbers, times and addresses."""


@dataclass(slots=True)
class Output:
    """The columns that are shown.

    Attributes:
        names: In order.
        is_fixed: `display` has said so.
        is_usual: Nothing has said what is shown.
    """

    names: list[str] = field(default_factory=lambda: ["@timestamp", "@message"])
    is_fixed: bool = False
    is_usual: bool = True

    def add(self, names: list[str], *, replaces_usual: bool) -> None:
        """Further columns; a name that is shown already keeps its place."""
        if self.is_fixed:
            return
        if self.is_usual and replaces_usual:
            self.names = []
        self.is_usual = self.is_usual and not replaces_usual
        self.names += [one for one in dict.fromkeys(names) if one not in self.names]

    def replace(self, names: list[str], *, fixed: bool) -> None:
        """These columns and no others."""
        self.names = list(dict.fromkeys(names))
        self.is_fixed, self.is_usual = fixed, False


class Pipeline:
    """Builds the relation of a query.

    Attributes:
        narrow: Conditions on columns of the store that every row has passed.
    """

    def __init__(self, holds: Holds, moments: Moments) -> None:
        self.parameters = Parameters()
        self.relation = Relation(holds, self.parameters, moments)
        self.output = Output()
        self.narrow: list[str] = []
        self.clustering: Clustering | None = None
        self.is_any = False
        self._moments = moments
        self._is_leading = True

    def run(self, query: Query) -> None:
        """Take every stage."""
        for stage in query.stages:
            self._stage(stage)

    def _stage(self, stage: Stage) -> None:
        match stage:
            case Fields() | Display():
                self._fields(stage)
            case Filter():
                self._filter(stage.condition)
            case Search():
                self._search(stage)
            case Sort():
                self._sort(stage)
            case Limit():
                self._limit(stage)
            case ParseGlob() | ParseRegex() | ParseFormat():
                self._parse(stage)
            case _:
                self._reshape(stage)

    def _reshape(self, stage: Stage) -> None:
        match stage:
            case Stats():
                self._stats(stage)
            case Dedup():
                self._dedup(stage)
            case Unnest():
                self._unnest(stage)
            case Pattern():
                self._pattern(stage)
            case Diff():
                assert self.clustering is not None
                self.clustering = Clustering(self.clustering.sql, compares=True)
                for text_, kind in _COMPARED.items():
                    self.relation.name(text_, column(_patterns_column(text_), kind))
                self.output.add(list(_COMPARED), replaces_usual=False)
            case _:
                pass  # `unmask`: nothing is masked

    # what is shown

    def _fields(self, stage: Fields | Display) -> None:
        relation = self.relation
        fresh: set[str] = set()
        for spec in stage.specs:
            if not isinstance(spec.expression, Field):
                relation.settle(names_in(spec.expression), fields=False)
            scope = relation.scope(hidden=fresh)
            relation.name(spec.name, compute(spec.expression, scope))
            fresh.add(spec.name)
        names = [spec.name for spec in stage.specs]
        if isinstance(stage, Display):
            self.output.replace(names, fixed=True)
        else:
            self.output.add(names, replaces_usual=True)

    # what is kept

    def _filter(self, condition: Expression) -> None:
        for part in _conjuncts(condition):
            self._note_narrow(part)
        self.relation.settle(names_in(condition))
        value = compute(condition, self.relation.scope())
        self.relation.where(Value(truth(value), Kind.TRUTH, value.columns))

    def _note_narrow(self, part: Expression) -> None:
        """Before anything limits or changes the rows, what needs no record is asked of columns."""
        if not self._is_leading:
            return
        value = compute(part, self.relation.scope())
        if value.columns <= _STORED:
            self.narrow.append(truth(value))

    def _search(self, stage: Search) -> None:
        self.relation.settle([MESSAGE])
        message = self.relation.resolve(MESSAGE)
        self.relation.where(search(stage.condition, message, self.parameters))

    def _sort(self, stage: Sort) -> None:
        relation = self.relation
        # Texts of times sort as the times do, which are at hand.
        names = [
            TIMESTAMP if relation.is_field(key.name, "eventTime") else key.name
            for key in stage.keys
        ]
        relation.settle(names)
        relation.sorted_by(
            (relation.resolve(name), key.descending)
            for name, key in zip(names, stage.keys, strict=True)
        )

    def _limit(self, stage: Limit) -> None:
        relation = self.relation
        relation.has_limit = True
        self._is_leading = False
        if stage.which is Which.ANY:
            count = 1000 if stage.count is None else stage.count
            relation.level(f"SELECT * FROM {relation.last} LIMIT {count}")
            self.is_any = True
            return
        relation.count_matched()
        backwards = stage.which is Which.LAST
        order = relation.ordered(backwards=backwards)
        relation.level(f"SELECT * FROM {relation.last}{order} LIMIT {stage.count}")

    def _dedup(self, stage: Dedup) -> None:
        relation = self.relation
        self._is_leading = False
        relation.settle(stage.names)
        values = [relation.resolve(name) for name in stage.names]
        relation.count_matched()
        relation.use(reads(values))
        keys = [text(one) for one in values]
        number = f"row_number() OVER (PARTITION BY {', '.join(keys)}{relation.ordered()})"
        without = " OR ".join(f"{one} IS NULL" for one in keys)
        relation.level(f"SELECT * FROM {relation.last} QUALIFY {number} = 1 OR {without}")

    # what is read from texts

    def _parse(self, stage: ParseGlob | ParseRegex | ParseFormat) -> None:
        self.relation.settle([stage.field], fields=False)
        value = self.relation.resolve(stage.field)
        match stage:
            case ParseGlob():
                found = glob_regex(stage.glob)
                names = {alias: number for number, alias in enumerate(stage.aliases, 1)}
                self._capture(value, found, names)
            case ParseRegex():
                found = read_regex(stage.pattern)
                self._capture(value, found, dict(found.names))
            case ParseFormat():
                self._read_format(value, stage)

    def _capture(self, value: Value, found: Regex, names: dict[str, int]) -> None:
        """Groups of a regular expression as fields; what does not fit has none of them."""
        groups = ", ".join(f"'g{number}'" for number in range(found.groups + 1))
        pattern = self.parameters.bind(f"({found.pattern})")
        captured = f"regexp_extract({text(value)}, {pattern}, [{groups}])"
        if value.sql in OF_EVENTS:
            # One by one: DuckDB then looks at each distinct text of a column once.
            self._capture_singly(value, pattern, names)
            return

        def part(of: str, number: int) -> str:
            return f"CASE WHEN {of}.g0 <> '' THEN {of}.g{number} END"

        def together() -> dict[str, Value]:
            struct = self.relation.add(made(captured, Kind.TEXT, value))
            return {
                name: made(part(struct.sql, number), Kind.TEXT, struct)
                for name, number in names.items()
            }

        values = {
            name: made(part(f"({captured})", number), Kind.TEXT, value)
            for name, number in names.items()
        }
        self.relation.name_together(values, together)
        self.output.add(list(names), replaces_usual=False)

    def _capture_singly(self, value: Value, pattern: str, names: dict[str, int]) -> None:
        for name, number in names.items():
            # The whole is group 1, so each group's number is one higher.
            part = f"regexp_extract({value.sql}, {pattern}, {number + 1})"
            fits = f"regexp_extract({value.sql}, {pattern}, 1) <> ''"
            self.relation.name(name, made(f"CASE WHEN {fits} THEN {part} END", Kind.TEXT, value))
        self.output.add(list(names), replaces_usual=False)

    def _read_format(self, value: Value, stage: ParseFormat) -> None:
        if stage.format == "json":
            read = made(json(value), Kind.JSON, value)
        else:
            read = made(f"u_{stage.format}({text(value)})", Kind.JSON, value)
        self.relation.name(stage.alias, read)
        self.output.add([stage.alias], replaces_usual=False)

    def _unnest(self, stage: Unnest) -> None:
        relation = self.relation
        self._is_leading = False
        relation.settle([stage.name])
        value = relation.resolve(stage.name)
        relation.count_matched()
        listed = made(f"unnest(json_extract({json(value)}, '$[*]'))::VARCHAR", Kind.JSON, value)
        relation.name(stage.alias, relation.add(listed))
        self.output.add([stage.alias], replaces_usual=False)

    # groups

    def _stats(self, stage: Stats) -> None:
        relation = self.relation
        self._is_leading = False
        calls = [call for spec in stage.aggregates for call in aggregates_in(spec.expression)]
        inner = [spec.expression for spec in stage.groups]
        inner += [argument for call in calls for argument in call.arguments]
        names = names_in(*inner)
        if _asks_time(inner, calls):
            names.append(TIMESTAMP)
        relation.settle(names)
        scope = relation.scope(bin_offset=stage.offset)
        groups = [compute(spec.expression, scope) for spec in stage.groups]
        aggregates = [_aggregate(call, scope) for call in calls]
        relation.use(reads([*groups, *aggregates]))
        parts = [f"{value.sql} AS g{number}" for number, value in enumerate(groups)]
        parts += [f"{value.sql} AS a{number}" for number, value in enumerate(aggregates)]
        keys = ", ".join(str(number) for number in range(1, len(groups) + 1))
        by = f" GROUP BY {keys}" if groups else ""
        counts = relation.are_events and relation.is_filtered and not relation.matched
        counted = ", count(*) AS n" if counts else ""
        select = f"SELECT {', '.join(parts) or 'count(*) AS a'}{counted} FROM {relation.last}{by}"
        name = relation.level(select, materialized=counts)
        if counts:
            relation.matched = f"(SELECT coalesce(sum(n), 0) FROM {name})"
        relation.forget()
        self._name_groups(stage, groups, calls, aggregates)

    def _name_groups(
        self, stage: Stats, groups: list[Value], calls: list[Call], aggregates: list[Value]
    ) -> None:
        """What later stages see: the groups and what is computed of them, in this order."""
        relation = self.relation
        for number, (spec, value) in enumerate(zip(stage.groups, groups, strict=True)):
            relation.name(spec.name, column(f"g{number}", value.kind))
        given = {
            call: column(f"a{number}", value.kind)
            for number, (call, value) in enumerate(zip(calls, aggregates, strict=True))
        }
        for spec in stage.aggregates:
            relation.settle(names_in(spec.expression))
            scope = relation.scope()
            value = compute(
                spec.expression,
                Scope(
                    resolve=scope.resolve,
                    parameters=scope.parameters,
                    moments=scope.moments,
                    given=given,
                ),
            )
            relation.name(spec.name, value)
        self.output.replace([spec.name for spec in (*stage.groups, *stage.aggregates)], fixed=False)
        # The newest bins first, else by what the groups are called.
        relation.sorted_by(
            (relation.resolve(_name(spec)), relation.resolve(_name(spec)).kind is Kind.TIME)
            for spec in stage.groups
        )

    # patterns

    def _pattern(self, stage: Pattern) -> None:
        relation = self.relation
        self._is_leading = False
        relation.settle([stage.name])
        value = relation.resolve(stage.name)
        relation.use(value.columns)
        varies = self.parameters.bind(_VARIES)
        shape = f"regexp_replace({text(value)}, {varies}, '<*>', 'g')"
        select = (
            f"SELECT {shape} AS p, any_value({text(value)}) AS sample, count(*) AS n "
            f"FROM {relation.last} WHERE {text(value)} IS NOT NULL "
            f"GROUP BY 1 ORDER BY n DESC, p LIMIT {MOST_CLUSTERED}"
        )
        self.clustering = Clustering(relation.sql(select), compares=False)
        relation.start_from("patterns")
        relation.forget()
        for text_, kind in _PATTERNS.items():
            relation.name(text_, column(_patterns_column(text_), kind))
        self.output.replace(list(_PATTERNS), fixed=False)
        relation.sorted_by([(relation.resolve(_named("@sampleCount")), True)])


_PATTERNS = {
    "@pattern": Kind.TEXT,
    "@sampleCount": Kind.NUMBER,
    "@ratio": Kind.NUMBER,
    "@severityLabel": Kind.TEXT,
}
_COMPARED = {
    "@diffEventCount": Kind.NUMBER,
    "@differencePercent": Kind.NUMBER,
    "@differenceDescription": Kind.TEXT,
}


def _patterns_column(name: str) -> str:
    return name.removeprefix("@").lower()


def _named(text_: str) -> Name:
    return Name(text_, (text_,), Span(0, 0))


def _name(spec: Spec) -> Name:
    return _named(spec.name)


def _conjuncts(condition: Expression) -> tuple[Expression, ...]:
    if isinstance(condition, Logic) and condition.operator == "and":
        return condition.parts
    return (condition,)


def _aggregate(call: Call, scope: Scope) -> Value:
    values = [compute(one, scope) for one in call.arguments if not is_period(call, one)]
    return aggregate(call, values, scope)


_TIMED = frozenset({"bin", "earliest", "latest", "rate"})


def _asks_time(expressions: list[Expression], calls: list[Call]) -> bool:
    found: list[Expression] = [*calls]
    for expression in expressions:
        found += walk(expression)
    return any(isinstance(one, Call) and one.name.lower() in _TIMED for one in found)
