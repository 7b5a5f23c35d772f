"""Rules that were read apart, as one set: references resolved, what cannot be used told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from opentrail.errors import InvalidInput
from opentrail.sigma.lowering import path_of
from opentrail.sigma.rule import (
    Both,
    Combination,
    Correlation,
    Definition,
    Either,
    FirstSeen,
    Happened,
    Kind,
    Rule,
    Threshold,
    Without,
)
from opentrail.sigma.views import check_view

MOST_COUNTED = 10_000
"""What one group of a correlation remembers at the most; conditions above are refused."""

MOST_RULES = 100
"""Rules that one correlation may refer to."""

MOST_DEEP = 20
"""Correlations of correlations."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a rule, or a file of rules, is not used.

    Attributes:
        source: The file.
        title: The rule's; "" for a whole file.
        is_foreign: It is a rule for other logs than CloudTrail's.
    """

    source: str
    title: str
    reason: str
    is_foreign: bool = False

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.title, self.reason) if part)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that can be used together.

    Attributes:
        rules: By id.
        correlations: By id, each behind those that it refers to; references are ids.
        silent: Ids of rules and correlations that make no findings of their own.
        problems: What is not used.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    correlations: Mapping[str, Correlation | FirstSeen] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def definitions(self) -> Iterator[Definition]:
        """All, rules first."""
        yield from self.rules.values()
        yield from self.correlations.values()

    def find(self, reference: str) -> Definition | None:
        """The rule of that id or name."""
        for one in self.definitions():
            if reference in (one.about.id, one.about.name):
                return one
        return None

    def only(self, wanted: Collection[str]) -> RuleSet:
        """Some rules, by their ids, and what they refer to; the latter make no findings then."""
        needed = set(wanted)
        for one in reversed(tuple(self.correlations.values())):
            if one.about.id in needed:
                needed.update(one.rules)
        return RuleSet(
            {key: one for key, one in self.rules.items() if key in needed},
            {key: one for key, one in self.correlations.items() if key in needed},
            frozenset(needed - set(wanted)),
        )


def make_rule_set(definitions: Iterable[Definition], problems: Sequence[Problem] = ()) -> RuleSet:
    """The set of those that can be used; of two with one id or name the first."""
    return _Assembly(definitions, problems).rule_set()


class _Assembly:
    """One making of a set."""

    def __init__(self, definitions: Iterable[Definition], problems: Sequence[Problem]) -> None:
        self._problems = list(problems)
        self._known: dict[str, Definition] = {}
        self._ids: dict[str, str] = {}
        for one in definitions:
            self._add(one)

    def _add(self, one: Definition) -> None:
        about = one.about
        for reference in filter(None, (about.id, about.name)):
            other = self._ids.get(reference)
            if other is not None:
                title = self._known[other].about.title
                self._refuse(one, f"{title!r} has the same id or name, {reference}")
                return
        self._known[about.id] = one
        self._ids |= {reference: about.id for reference in (about.id, about.name) if reference}

    def _refuse(self, one: Definition, reason: str) -> None:
        self._problems.append(Problem(one.about.source, one.about.title, reason))

    def rule_set(self) -> RuleSet:
        rules = {key: one for key, one in self._known.items() if isinstance(one, Rule)}
        ordered: dict[str, Correlation | FirstSeen] = {}
        for key in tuple(self._known):
            self._resolve(key, ordered, ())
        silent = {
            reference for one in ordered.values() if not one.generate for reference in one.rules
        }
        return RuleSet(rules, ordered, frozenset(silent), tuple(self._problems))

    def _resolve(
        self, key: str, ordered: dict[str, Correlation | FirstSeen], above: tuple[str, ...]
    ) -> bool:
        """Put a correlation behind what it refers to; whether the rule can be used."""
        one = self._known.get(key)
        if one is None:
            return False
        if isinstance(one, Rule) or key in ordered:
            return True
        try:
            _check_circle(key, above)
            resolved = _resolved(one, self._ids)
            usable = [self._resolve(other, ordered, (*above, key)) for other in resolved.rules]
            _check(resolved, ordered, usable)
        except InvalidInput as problem:
            # One that refers to itself was refused further down.
            if self._known.pop(key, None) is not None:
                self._refuse(one, str(problem))
            return False
        ordered[key] = resolved
        return True


def _resolved(one: Correlation | FirstSeen, ids: Mapping[str, str]) -> Correlation | FirstSeen:
    """With ids in place of names."""

    def identity(reference: str) -> str:
        if reference not in ids:
            raise InvalidInput(f"it refers to {reference!r}; there is no rule of that id or name")
        return ids[reference]

    aliases = {
        alias: {identity(reference): field for reference, field in by_rule.items()}
        for alias, by_rule in one.aliases.items()
    }
    rules = tuple(dict.fromkeys(map(identity, one.rules)))
    if isinstance(one, FirstSeen):
        return replace(one, rules=rules, aliases=aliases)
    condition = one.condition
    if not isinstance(condition, Threshold):
        condition = _combined(condition, identity)
    return replace(one, rules=rules, aliases=aliases, condition=condition)


def _combined(one: Combination, identity: Callable[[str], str]) -> Combination:
    match one:
        case Happened(rule):
            return Happened(identity(rule))
        case Both(parts):
            return Both(tuple(_combined(part, identity) for part in parts))
        case Either(parts):
            return Either(tuple(_combined(part, identity) for part in parts))
        case Without(part):
            return Without(_combined(part, identity))


def _check_circle(key: str, above: tuple[str, ...]) -> None:
    if key in above:
        raise InvalidInput("it refers to itself")
    if len(above) > MOST_DEEP:
        raise InvalidInput(f"it refers to correlations more than {MOST_DEEP} deep")


def _check(
    one: Correlation | FirstSeen,
    ordered: Mapping[str, Correlation | FirstSeen],
    usable: Sequence[bool],
) -> None:
    """Refuse what would have no meaning.

    Args:
        usable: Whether each of the rules that it refers to can be used.
    """
    for reference, can_be_used in zip(one.rules, usable, strict=True):
        if not can_be_used:
            raise InvalidInput(f"it refers to a rule that cannot be used, {reference}")
    if len(one.rules) > MOST_RULES:
        raise InvalidInput(f"it refers to {len(one.rules)} rules; at most {MOST_RULES} are allowed")
    _check_fields(one)
    if isinstance(one, FirstSeen):
        if any(reference in ordered for reference in one.rules):
            raise InvalidInput("first_seen looks at records; it refers to a correlation")
        return
    if not one.rules:
        raise InvalidInput("it refers to no rule")
    if isinstance(one.condition, Threshold):
        _check_threshold(one, one.condition)
    elif one.kind is not Kind.TEMPORAL:
        raise InvalidInput(f"{one.kind} takes no condition of rules; only temporal does")


def _check_fields(one: Correlation | FirstSeen) -> None:
    names = [name for name in (*one.group_by, *one.values) if name not in one.aliases]
    for by_rule in one.aliases.values():
        names += by_rule.values()
    for name in names:
        check_view(name)
        path_of(name.partition("|")[0])


def _check_threshold(one: Correlation, condition: Threshold) -> None:
    if not 0 <= condition.number <= MOST_COUNTED:
        raise InvalidInput(
            f"its condition counts to {condition.number}; 0 to {MOST_COUNTED} are allowed"
        )
    if one.kind is Kind.VALUE_COUNT and not one.values:
        raise InvalidInput("value_count needs the field whose values it counts")
    if one.kind is Kind.TEMPORAL_ORDERED and condition.enough != len(one.rules):
        raise InvalidInput(
            "temporal_ordered finds all of its rules in their order; its condition can only be "
            f"gte: {len(one.rules)}"
        )
