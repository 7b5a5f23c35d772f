"""A query's plan."""

from __future__ import annotations

from opentrail.logs.query.plan.fields import Base, Holds
from opentrail.logs.query.plan.pipeline import Pipeline
from opentrail.logs.query.plan.plan import Cell, Late, Matched, Plan
from opentrail.logs.query.plan.relation import KEYS, RAW
from opentrail.logs.query.plan.scope import Moments
from opentrail.logs.query.plan.values import Value, reads, text
from opentrail.logs.query.rules import MOST_ROWS, check
from opentrail.logs.query.tree import Name, Query, Span

USUAL_LIMIT = 10_000
"""Rows of a result whose query sets no limit [doc]."""


def plan(query: Query, holds: Holds, moments: Moments, *, limit: int | None = None) -> Plan:
    """How the query is answered.

    Args:
        limit: Rows at the most, where the query says nothing.

    Raises:
        MalformedQuery: the query breaks a rule.
    """
    check(query)
    pipeline = Pipeline(holds, moments)
    pipeline.run(query)
    return _finished(pipeline, holds, min(limit or USUAL_LIMIT, MOST_ROWS))


def _finished(pipeline: Pipeline, holds: Holds, limit: int) -> Plan:
    relation = pipeline.relation
    values = [
        (name, relation.resolve(Name(name, _parts(name), Span(0, 0))))
        for name in pipeline.output.names
    ]
    most = MOST_ROWS if relation.has_limit else limit
    if not pipeline.is_any:
        relation.count_matched()
    are_late = [_is_late(value, pipeline, holds) for _, value in values]
    early = [value for (_, value), late in zip(values, are_late, strict=True) if not late]
    lates = [value for (_, value), late in zip(values, are_late, strict=True) if late]
    relation.use(reads(one for one in early if not _is_message(one, holds)))
    cells = _cells(values, are_late, holds)
    main = _main(pipeline, early, most)
    return Plan(
        main=main,
        cells=tuple(cells),
        late=_late(lates),
        clustering=pipeline.clustering,
        narrow=" AND ".join(pipeline.narrow),
        columns=frozenset(relation.columns),
        shows_messages=any(cell.is_message for cell in cells),
        are_events=relation.are_events,
        matched=_matched(pipeline),
        parameters=dict(pipeline.parameters.values),
    )


def _cells(values: list[tuple[str, Value]], are_late: list[bool], holds: Holds) -> tuple[Cell, ...]:
    cells = []
    counts = {True: 0, False: 0}
    for (name, value), late in zip(values, are_late, strict=True):
        place = f"e{counts[late]}"
        counts[late] += 1
        if late:
            cells.append(Cell(name, late=place))
        else:
            cells.append(Cell(name, early=place, is_message=_is_message(value, holds)))
    return tuple(cells)


def _is_message(value: Value, holds: Holds) -> bool:
    """Plain @message where events of the store are among the rows: theirs are filled in at last."""
    return holds is not Holds.EVENTS and value.sql == Base.MESSAGE


def _parts(name: str) -> tuple[str, ...]:
    return (name,) if name.startswith("@") else tuple(part for part in name.split(".") if part)


def _matched(pipeline: Pipeline) -> Matched:
    if pipeline.clustering is not None:
        return Matched.PATTERNS
    return Matched.COLUMN if pipeline.relation.is_filtered else Matched.ALL


def _is_late(value: Value, pipeline: Pipeline, holds: Holds) -> bool:
    """Whether the shown rows alone are asked; events of PutLogEvents are read but once."""
    if not pipeline.relation.are_events or holds is not Holds.EVENTS:
        return False
    return bool(value.columns) and value.columns <= RAW and value.columns != {Base.TIME.value}


def _late(values: list[Value]) -> Late | None:
    if not values:
        return None
    parts = [f"{text(value)} AS e{number}" for number, value in enumerate(values)]
    return Late(f"SELECT ord, {', '.join(parts)} FROM late ORDER BY ord", reads(values))


def _main(pipeline: Pipeline, early: list[Value], most: int) -> str:
    relation = pipeline.relation
    parts = []
    if relation.are_events:
        parts += list(KEYS)
        relation.use(KEYS)
    parts += [f"{text(value)} AS e{number}" for number, value in enumerate(early)]
    if any(value.sql == Base.MESSAGE for value in early):
        relation.keep([Base.MESSAGE.value])
    if relation.is_filtered and pipeline.clustering is None:
        counted = relation.matched or "count(*) OVER ()"
        parts.append(f"{counted} AS matched")
    order = "" if pipeline.is_any else relation.ordered()
    is_counted = not relation.is_filtered or relation.matched or pipeline.clustering
    if order and is_counted and not (relation.are_events or relation.has_limit):
        # Rows that are not shown need no texts, of which making takes longer than counting.
        relation.level(f"SELECT * FROM {relation.last}{order} LIMIT {most}")
    select = f"SELECT {', '.join(parts) or '1'} FROM {relation.last}{order} LIMIT {most}"
    return relation.sql(select)
