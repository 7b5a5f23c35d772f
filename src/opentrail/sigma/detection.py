"""Records in, findings out; what is remembered between records is given by whoever keeps it.

Nothing but the records, their order and what is remembered decides: the same records after the
same memory give the same findings, with the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from opentrail.clock import parse_iso_seconds
from opentrail.predicate.expression import EVERYTHING, Expression
from opentrail.predicate.index import Predicate, PredicateIndex
from opentrail.predicate.matching import record_matcher
from opentrail.predicate.reading import texts_at
from opentrail.sigma.finding import Finding, extended, shown
from opentrail.sigma.happening import (
    Happening,
    Values,
    group_of,
    hash_of,
    of_finding,
    slot_of,
    values_of,
)
from opentrail.sigma.lowering import path_of
from opentrail.sigma.remembering import Changes, Kept, Memory, Seen, SeenKey, WindowKey
from opentrail.sigma.reporting import correlation_finding, first_seen_finding, rule_finding
from opentrail.sigma.rule import Correlation, FirstSeen, Kind
from opentrail.sigma.ruleset import RuleSet
from opentrail.sigma.views import actor, seen_as
from opentrail.sigma.windows import (
    CLOSE_AFTER_SECONDS,
    Fired,
    Sighting,
    Window,
    close,
    is_judged_at_the_end,
    observe,
)

Record = Mapping[str, Any]

KEYS = (("eventName",), ("eventSource",))
"""Fields by which rules are told apart."""

KEPT_SECONDS = 3600
"""So long a window outlives its span: records may come late."""

SEEN_AGAIN_SECONDS = 3600
"""A value that is seen again within this time is not noted again."""

_LONGEST_ID = 100
"""Characters of an eventID; AWS's have 36. Longer ones are told by a hash of the record."""

_EVERY_RECORD = ""
"""Stands for the rule that first_seen refers to when it names none."""


class Detection:
    """Rules over records, a batch at a time."""

    def __init__(self, rules: RuleSet, memory: Memory) -> None:
        """Make the predicates.

        Raises:
            InvalidInput: a rule that cannot be asked of records.
        """
        self._rules = rules
        self._memory = memory
        self._changes = Changes()
        self._referring: dict[str, list[Correlation | FirstSeen]] = {}
        for one in rules.correlations.values():
            for reference in one.rules or (_EVERY_RECORD,):
                self._referring.setdefault(reference, []).append(one)
        predicates = {key: Predicate(record_matcher(one), one) for key, one in self.expressions()}
        self._index = PredicateIndex(predicates, KEYS)
        self._paths: dict[str, tuple[str, ...]] = {}

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """What records are asked: the expressions of rules, by their ids."""
        for key, rule in self._rules.rules.items():
            yield key, rule.where
        if _EVERY_RECORD in self._referring:
            yield _EVERY_RECORD, EVERYTHING

    def look(self, record: Record, raw: bytes, *, now: int) -> list[Finding]:
        """Ask a record; the findings that it makes. `take_changes` tells them, too.

        Args:
            record: As reading.decoded gives it.
            raw: Its bytes.
            now: Epoch seconds.
        """
        matching = self._index.matching(record)
        if not matching:
            return []
        made = len(self._changes.new)
        happening = self._happening(record, raw, now)
        for key in matching:
            rule = self._rules.rules.get(key)
            if rule is not None and key not in self._rules.silent:
                self._add(rule_finding(rule, happening, now))
            self._tell(key, happening, now)
        return self._made_since(made)

    def close(self, key: WindowKey, *, now: int) -> list[Finding]:
        """Judge a window that is due, and forget it; what is found by that.

        One that has grown meanwhile, by what another window's end told it, is not due any more.
        """
        pending = self._changes.windows.get(key)
        if pending is not None and pending.due > now:
            return []
        made = len(self._changes.new)
        window = self._window(key)
        self._changes.windows[key] = None
        correlation = self._rules.correlations.get(key.rule_id)
        if (
            isinstance(correlation, Correlation)
            and is_judged_at_the_end(correlation)
            and key == _window_key(correlation, window.values)  # not of an earlier definition
        ):
            fired = close(correlation, window)
            if fired is not None:
                self._found(correlation, window, fired, now)
        return self._made_since(made)

    def take_changes(self) -> Changes:
        """What has changed since it was taken last."""
        changes, self._changes = self._changes, Changes()
        return changes

    def _made_since(self, number: int) -> list[Finding]:
        return [self._changes.findings[one] for one in self._changes.new[number:]]

    def _happening(self, record: Record, raw: bytes, now: int) -> Happening:
        def plain(name: str) -> tuple[str, ...]:
            return texts_at(record, self._path(name))

        def texts(name: str) -> tuple[str, ...]:
            return seen_as(name, plain)

        def first(name: str) -> str:
            return shown("".join(texts(name)[:1]))

        event_id = first("eventID")
        if not 0 < len(event_id) <= _LONGEST_ID:
            event_id = "raw-" + blake2b(raw, digest_size=16).hexdigest()
        try:
            time = int(parse_iso_seconds(first("eventTime")).timestamp())
        except ValueError:
            time = now
        return Happening(
            min(time, now),  # nobody ends a window by a record of the future
            (event_id,),
            first("recipientAccountId"),
            first("awsRegion"),
            texts,
            lambda: shown(actor(plain)),
        )

    def _path(self, name: str) -> tuple[str, ...]:
        path = self._paths.get(name)
        if path is None:
            path = self._paths[name] = path_of(name)
        return path

    def _tell(self, reference: str, happening: Happening, now: int) -> None:
        """Tell those that refer to a rule (or correlation) that it matched."""
        for one in self._referring.get(reference, ()):
            if isinstance(one, FirstSeen):
                self._tell_first_seen(one, reference, happening, now)
            else:
                self._tell_correlation(one, reference, happening, now)

    def _tell_correlation(
        self, one: Correlation, reference: str, happening: Happening, now: int
    ) -> None:
        slots = _slots(one, reference, happening)
        if not slots:
            return
        values = group_of(one, reference, happening)
        key = _window_key(one, values)
        window = self._window(key)
        window.values = values
        window.account_id, window.region = happening.account_id, happening.region
        window.actor = happening.actor()
        for slot in slots:
            sighting = Sighting(happening.time, reference, slot, happening.ids)
            if self._grows(window, sighting):
                break
            fired = observe(one, window, sighting)
            if fired is not None:
                self._found(one, window, fired, now)
                break
        self._changes.windows[key] = Kept(window, _due(one, window))

    def _grows(self, window: Window, one: Sighting) -> bool:
        """Whether the event is counted into the last finding."""
        if window.finding is None:
            return False
        if one.time >= window.quiet_until:
            window.finding = None
            return False
        window.finding = extended(window.finding, one.time, one.event_ids)
        if window.finding.rule_id not in self._rules.silent:
            self._changes.findings[window.finding.id] = window.finding
        return True

    def _found(self, one: Correlation, window: Window, fired: Fired, now: int) -> None:
        finding = correlation_finding(one, window, fired, now)
        if not is_judged_at_the_end(one):
            window.finding = finding
            window.quiet_until = window.newest + one.span_seconds
        if one.about.id not in self._rules.silent:
            self._add(finding)
        self._tell(one.about.id, of_finding(finding), now)

    def _tell_first_seen(
        self, one: FirstSeen, reference: str, happening: Happening, now: int
    ) -> None:
        values = group_of(one, reference, happening)
        group = hash_of(*one.values, *one.group_by, *(text for _, text in values))
        group_key = SeenKey(one.about.id, group, "")
        known = self._note(group_key, happening.time)
        for value in values_of(one, reference, happening):
            key = SeenKey(one.about.id, group, hash_of(value))
            before = self._note(key, happening.time)
            if before is None:
                self._count(group_key)
            is_new = before is None or happening.time > before.last + one.forget_seconds
            if (
                is_new
                and known is not None
                and known.values >= one.learning_values
                and happening.time >= known.first + one.learning_seconds
            ):
                self._add(first_seen_finding(one, values, value, happening, now))

    def _note(self, key: SeenKey, time: int) -> Seen | None:
        """Remember that it was seen; when it was before."""
        before = self._changes.seen.get(key) or self._memory.seen(key)
        if before is None:
            self._changes.seen[key] = Seen(time, time)
        elif time < before.first or time > before.last + SEEN_AGAIN_SECONDS:
            first, last = min(before.first, time), max(before.last, time)
            self._changes.seen[key] = Seen(first, last, before.values)
        return before

    def _count(self, group: SeenKey) -> None:
        """One more value is known of a group that was noted."""
        known = self._changes.seen.get(group) or self._memory.seen(group)
        if known is not None:
            self._changes.seen[group] = msgspec.structs.replace(known, values=known.values + 1)

    def _window(self, key: WindowKey) -> Window:
        """The window, as changed so far."""
        if key in self._changes.windows:
            kept = self._changes.windows[key]
            return Window() if kept is None else kept.window
        return self._memory.window(key) or Window()

    def _add(self, finding: Finding) -> None:
        if finding.id not in self._changes.findings:
            self._changes.new.append(finding.id)
            self._changes.findings[finding.id] = finding


def _window_key(one: Correlation, values: Values) -> WindowKey:
    """A rule that is written anew counts anew."""
    asked = (one.kind, one.rules, one.span_seconds, one.condition, one.values, one.group_by)
    return WindowKey(one.about.id, hash_of(repr(asked), *(text for _, text in values)))


def _slots(one: Correlation, reference: str, happening: Happening) -> list[str]:
    """What the event counts as."""
    match one.kind:
        case Kind.VALUE_COUNT:
            return [slot_of(value) for value in values_of(one, reference, happening)]
        case Kind.EVENT_COUNT:
            return [happening.ids[0]] if happening.ids else []
        case Kind.TEMPORAL | Kind.TEMPORAL_ORDERED:
            return [reference]


def _due(one: Correlation, window: Window) -> int:
    """When the window is to be closed."""
    if window.opened is not None:
        return window.opened + one.span_seconds + CLOSE_AFTER_SECONDS
    return max(window.newest, window.quiet_until) + one.span_seconds + KEPT_SECONDS
