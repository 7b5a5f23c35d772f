"""Rule files to rules, by pySigma.

Sigma's documents (rules, correlations, filters) are pySigma's. `first_seen` is a correlation type
of ours: it is read as a value_count, whose fields it has, and what is ours of it aside.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaCorrelationTimespan,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaRuleBase, SigmaYAMLLoader

from opentrail.adapters.rule_files.values import Placeholders, condition_of
from opentrail.errors import InvalidInput
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.expression import Expression
from opentrail.predicate.matching import record_matcher
from opentrail.sigma.lowering import lower, path_of
from opentrail.sigma.rule import (
    About,
    Both,
    Combination,
    Comparison,
    Correlation,
    Definition,
    Either,
    FirstSeen,
    Happened,
    Kind,
    Level,
    Rule,
    Threshold,
    Without,
)
from opentrail.sigma.ruleset import MOST_COUNTED, Problem, RuleSet, make_rule_set

MOST_BYTES = 1024 * 1024
"""Of one file; the largest of SigmaHQ's has a hundredth of it."""

MOST_NESTED = 50
"""Lists and mappings in each other; detections need four."""

_NAMESPACE = uuid.UUID("0b9f5e0c-5f0e-5a4c-8c36-1de1b1f0c0de")
"""Of the ids of rules that name none; never changes."""

_SECONDS = {"learning": "7d", "timespan": "90d"}
"""What first_seen takes if it is not said: as in common detection rules of new terms."""

_OURS = {"learning", "learning-values", "field"}
_FIRST_SEEN = {"type", "rules", "group-by", "aliases", "timespan", "generate", *_OURS}

Rules = SigmaRule | SigmaCorrelationRule


class OtherLogs(InvalidInput):
    """A rule is for other logs."""


@dataclass(frozen=True, slots=True)
class _Learning:
    """What is only learned of a group: so long, and so many values."""

    seconds: int
    values: int


@dataclass(slots=True)
class _Read:
    """What was read of all files."""

    rules: list[tuple[Rules, str]] = field(default_factory=list)
    filters: list[SigmaFilter] = field(default_factory=list)
    learning: dict[int, _Learning] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse_rules(files: Iterable[tuple[str, bytes]], placeholders: Placeholders) -> RuleSet:
    """The rules of all files, as one set; what cannot be used is among its problems.

    Args:
        files: Names and contents, YAML of any number of documents.
    """
    read = _Read()
    for source, content in files:
        try:
            for document in _documents(content):
                _read_document(read, source, document)
        except _REFUSALS as problem:
            read.problems.append(Problem(source, "", _reason(problem)))
    definitions: list[Definition] = []
    for one, source in read.rules:
        try:
            definitions.append(_definition(one, source, read, placeholders))
        except _REFUSALS as problem:
            foreign = isinstance(problem, OtherLogs)
            read.problems.append(Problem(source, one.title, _reason(problem), foreign))
    return make_rule_set(definitions, read.problems)


_REFUSALS = (InvalidInput, SigmaError, yaml.YAMLError, RecursionError, ValueError, TypeError)
"""pySigma checks most of a document's types itself, and stumbles over the others."""


def _reason(problem: BaseException) -> str:
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(problem).split())[:500] or type(problem).__name__


def _documents(content: bytes) -> Iterator[dict[str, Any]]:
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"it has {len(content)} bytes; at most {MOST_BYTES} are read")
    text = content.decode()  # a UnicodeDecodeError is a ValueError
    _check_depth(text)
    for document in yaml.load_all(text, SigmaYAMLLoader):
        if document is None:
            continue
        if not isinstance(document, dict):
            raise InvalidInput("a document is no mapping; expected a Sigma rule")
        if "action" in document:
            raise InvalidInput("action is Sigma 1's; expected rules that are written out")
        yield document


def _check_depth(text: str) -> None:
    """The loader recurses in C, and would end the process; its events are read one by one."""
    depth = 0
    for event in yaml.parse(text, SigmaYAMLLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_NESTED:
            raise InvalidInput(f"it is nested deeper than {MOST_NESTED}")


def _read_document(read: _Read, source: str, document: dict[str, Any]) -> None:
    title = str(document.get("title", ""))
    try:
        document, learning = _without_ours(document)
        found = SigmaCollection.from_dicts([document], resolve_references=False)
        for one in (*found.rules, *found.filters):
            if isinstance(one, SigmaFilter):
                read.filters.append(one)
            elif isinstance(one, SigmaRule | SigmaCorrelationRule):
                read.rules.append((one, source))
                if learning is not None:
                    read.learning[id(one)] = learning
    except _REFUSALS as problem:
        read.problems.append(Problem(source, title, _reason(problem)))


def _without_ours(document: dict[str, Any]) -> tuple[dict[str, Any], _Learning | None]:
    """The document as pySigma knows it, and what is learned if it is a first_seen."""
    correlation = document.get("correlation")
    if not isinstance(correlation, dict) or correlation.get("type") != "first_seen":
        return document, None
    if unknown := sorted(map(str, set(correlation) - _FIRST_SEEN)):
        raise InvalidInput(f"first_seen has no {', '.join(unknown)}")
    if "field" not in correlation:
        raise InvalidInput("first_seen needs the field whose values are new or not")
    learning = SigmaCorrelationTimespan(str(correlation.get("learning", _SECONDS["learning"])))
    values = correlation.get("learning-values", 0)
    if type(values) is not int or not 0 <= values <= MOST_COUNTED:
        raise InvalidInput(f"learning-values is {values!r:.80}; expected 0 to {MOST_COUNTED}")
    ours = {name: one for name, one in correlation.items() if name not in _OURS}
    ours |= {
        "type": "value_count",
        "rules": correlation.get("rules", []),
        "timespan": correlation.get("timespan", _SECONDS["timespan"]),
        "condition": {"gte": 1, "field": correlation["field"]},
    }
    return document | {"correlation": ours}, _Learning(learning.seconds, values)


def _definition(one: Rules, source: str, read: _Read, placeholders: Placeholders) -> Definition:
    about = _about(one, source)
    if isinstance(one, SigmaCorrelationRule):
        return _correlation(one, about, read.learning.get(id(one)))
    _check_log_source(one)
    for each in read.filters:
        each.apply_on_rule(one)
    where = _where(one, placeholders)
    record_matcher(where)  # refuses what lowering does not look into
    return Rule(about, where)


def _where(rule: SigmaRule, placeholders: Placeholders) -> Expression:
    conditions = [
        lower(condition_of(one.parsed, placeholders)) for one in rule.detection.parsed_condition
    ]
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def _check_log_source(rule: SigmaRule) -> None:
    source = rule.logsource
    is_ours = (
        source.product in (None, "aws")
        and source.service in (None, "cloudtrail")
        and (source.product or source.service)
    )
    if not is_ours:
        named = "/".join(filter(None, (source.product, source.category, source.service)))
        raise OtherLogs(f"it is for {named}; expected product aws, service cloudtrail")


def _about(one: SigmaRuleBase, source: str) -> About:
    level = Level.MEDIUM if one.level is None else Level(one.level.name.lower())
    return About(
        id=str(one.id or uuid.uuid5(_NAMESPACE, one.name or one.title)),
        title=one.title,
        name=one.name or "",
        level=level,
        status="" if one.status is None else one.status.name.lower(),
        description=(one.description or "").strip(),
        tags=tuple(map(str, one.tags)),
        fields=tuple(path_of(name) for name in one.fields if isinstance(name, str)),
        source=source,
    )


def _correlation(
    one: SigmaCorrelationRule, about: About, learning: _Learning | None
) -> Correlation | FirstSeen:
    references = tuple(str(rule.reference) for rule in one.rules or ())
    aliases = {
        alias.alias: {rule.reference: str(name) for rule, name in alias.mapping.items()}
        for alias in one.aliases
    }
    condition, values = _condition(one.condition)
    if learning is not None:
        return FirstSeen(
            about=about,
            rules=references,
            values=values,
            group_by=tuple(one.group_by or ()),
            aliases=aliases,
            learning_seconds=learning.seconds,
            learning_values=learning.values,
            forget_seconds=one.timespan.seconds,
            generate=one.generate,
        )
    name = one.type.name.lower()
    if name not in set(Kind):
        raise InvalidInput(f"correlations of the type {name} are not known here")
    return Correlation(
        about=about,
        kind=Kind(name),
        rules=references or tuple(_happened(condition)),
        span_seconds=one.timespan.seconds,
        condition=condition,
        group_by=tuple(one.group_by or ()),
        aliases=aliases,
        values=values,
        generate=one.generate,
    )


def _condition(
    one: SigmaCorrelationCondition | SigmaExtendedCorrelationCondition,
) -> tuple[Threshold | Combination, tuple[str, ...]]:
    """The condition, and the fields whose values it counts."""
    if isinstance(one, SigmaExtendedCorrelationCondition):
        return _combination(one.parsed), ()
    if not isinstance(one.count, int):
        raise InvalidInput(f"its condition counts to {one.count}; expected a whole number")
    fields = [one.fieldref] if isinstance(one.fieldref, str) else one.fieldref or []
    return Threshold(Comparison(one.op.name.lower()), one.count), tuple(map(str, fields))


def _combination(one: CorrelationConditionItem | SigmaRuleReference) -> Combination:
    match one:
        case SigmaRuleReference():
            return Happened(one.reference)
        case CorrelationConditionAND():
            return Both(tuple(map(_combination, one.args)))
        case CorrelationConditionOR():
            return Either(tuple(map(_combination, one.args)))
        case CorrelationConditionNOT():
            return Without(_combination(one.args[0]))
        case _:
            raise InvalidInput("its condition cannot be read")


def _happened(condition: Threshold | Combination) -> Iterator[str]:
    """The rules that a condition names."""
    parts: Sequence[Combination] = ()
    match condition:
        case Happened(rule):
            yield rule
        case Both(parts) | Either(parts):
            pass
        case Without(part):
            parts = (part,)
        case Threshold():
            pass
    for part in parts:
        yield from _happened(part)
