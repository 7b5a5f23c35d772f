"""All rules of all accounts, compiled, as they are at a place of the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from opentrail.rules.envelope import Event
from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import Pattern, parse_pattern
from opentrail.rules.rule import Rule, RuleHistory, RuleState, Target
from opentrail.rules.ruleset import RuleSet
from opentrail.rules.schedule import Schedule, parse_schedule
from opentrail.rules.transform import Occasion, input_of

Bus = tuple[str, str, str]
"""Account, region and name."""


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule that is enabled.

    Attributes:
        inputs: Its targets, with what each gets.
        schedule: When it is due, None if events tell.
    """

    rule: Rule
    inputs: tuple[tuple[Target, Callable[[Occasion], str]], ...]
    schedule: Schedule | None


@dataclass(frozen=True, slots=True)
class ActiveRules:
    """The rules that are enabled at one place.

    Attributes:
        by_key: By the key of their documents.
    """

    by_key: dict[str, ActiveRule]
    by_bus: dict[Bus, RuleSet[str]]

    def takers(self, bus: Bus, event: Event, *, may_have_dots: bool) -> list[ActiveRule]:
        """The rules of a bus that the event passes, each once.

        Args:
            may_have_dots: False where the event is known to have no names with dots.
        """
        rules = self.by_bus.get(bus)
        if rules is None:
            return []
        found = dict.fromkeys(
            key
            for values in event.spellings()
            for key in rules.matching(values, may_have_dots=may_have_dots)
        )
        takers = (self.by_key[key] for key in found)
        return [
            one for one in takers if not event.reads_only or one.rule.state is RuleState.WITH_READS
        ]

    def scheduled(self) -> list[ActiveRule]:
        """Rules that are due at times."""
        return [one for one in self.by_key.values() if one.schedule is not None]


class RuleBook:
    """Rules as they are and were; compiled patterns are kept from one reading to the next."""

    def __init__(self) -> None:
        self._histories: dict[str, tuple[int, RuleHistory]] = {}
        self._patterns: dict[str, tuple[Pattern, Matcher]] = {}
        self._active: tuple[int, int | None, ActiveRules] | None = None

    def read(self, documents: Iterable[tuple[str, int, bytes]]) -> None:
        """Take over all rules there are: key, version and body of their documents."""
        histories: dict[str, tuple[int, RuleHistory]] = {}
        for key, version, body in documents:
            known = self._histories.get(key)
            if known is None or known[0] != version:
                known = (version, msgspec.json.decode(body, type=RuleHistory))
            histories[key] = known
        self._histories = histories
        self._active = None
        used = {
            turn.rule.pattern
            for _, history in histories.values()
            for turn in history.turns
            if turn.rule is not None
        }
        self._patterns = {text: one for text, one in self._patterns.items() if text in used}

    def next_turn(self, offset: int) -> int | None:
        """The first place after `offset` at which any rule changes; None if none does."""
        turns = (
            turn.offset
            for _, history in self._histories.values()
            for turn in history.turns
            if turn.offset > offset
        )
        return min(turns, default=None)

    def at(self, offset: int) -> ActiveRules:
        """The rules that are enabled for what lies at `offset`."""
        if self._active is not None:
            start, end, active = self._active
            if start <= offset and (end is None or offset < end):
                return active
        active = self._compiled(
            (key, rule)
            for key, (_, history) in self._histories.items()
            if (rule := history.at(offset)) is not None
        )
        self._active = (offset, self.next_turn(offset), active)
        return active

    def now(self) -> ActiveRules:
        """The rules that are enabled after all changes."""
        return self.at(1 << 62)

    def ended(self, offset: int) -> list[tuple[str, int]]:
        """Keys and versions of rules that are deleted for all that lies at `offset` and behind."""
        return [
            (key, version)
            for key, (version, history) in self._histories.items()
            if history.since(offset).has_ended
        ]

    def _compiled(self, rules: Iterable[tuple[str, Rule]]) -> ActiveRules:
        by_key: dict[str, ActiveRule] = {}
        patterns: dict[Bus, dict[str, tuple[Pattern, Matcher]]] = {}
        for key, rule in rules:
            if rule.state is RuleState.DISABLED:
                continue
            inputs = tuple((target, input_of(target)) for target in rule.targets)
            schedule = parse_schedule(rule.schedule) if rule.schedule else None
            by_key[key] = ActiveRule(rule, inputs, schedule)
            if rule.pattern:
                bus = (rule.account_id, rule.region, rule.bus)
                patterns.setdefault(bus, {})[key] = self._pattern(rule.pattern)
        return ActiveRules(by_key, {bus: RuleSet(some) for bus, some in patterns.items()})

    def _pattern(self, text: str) -> tuple[Pattern, Matcher]:
        found = self._patterns.get(text)
        if found is None:
            pattern = parse_pattern(text)
            found = self._patterns[text] = (pattern, Matcher(pattern))
        return found
