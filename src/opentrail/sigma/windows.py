"""What one group of a correlation remembers, and when that is a finding.

A window is as long as the correlation's time span and ends at the newest event of its group; an
event that is older than that is not counted. What is remembered is bounded:
- event_count and value_count keep an entry an event or value, up to the number that is a finding;
- temporal keeps the newest entry of each rule;
- temporal_ordered keeps the newest entry of each rule, and for each beginning of the order
  the chain of events that began last.
A finding ends what led to it. For one time span more, what else would count is counted into it, so
that a flood makes a finding a span and not one an event.

Conditions that more events can undo (`lt`, `eq`, `not`) are judged when the window is over: it then
begins with its first event, and ends with the first event behind it, or when `close` is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from opentrail.sigma.finding import Finding
from opentrail.sigma.rule import (
    Both,
    Combination,
    Correlation,
    Either,
    Happened,
    Kind,
    Threshold,
    Without,
)
from opentrail.sigma.ruleset import MOST_COUNTED

CLOSE_AFTER_SECONDS = 300
"""So long after its end a window is judged without a later event: CloudTrail's records of one
second may come minutes apart."""


class Chain(msgspec.Struct, frozen=True):
    """Events of the first rules of an order, one each."""

    start: int
    end: int
    event_ids: tuple[str, ...]


Entry = tuple[int, tuple[str, ...]]
"""Epoch seconds, eventIDs."""


class Window(msgspec.Struct):
    """What a group remembers.

    Attributes:
        values: Names and values of the group.
        account_id: Of its newest event.
        region: As well.
        actor: As well.
        entries: By what is counted once: eventID, value, or id of a rule.
        chains: temporal_ordered: for each rule, the chain that ends with it.
        newest: Epoch seconds of the newest event.
        opened: Where conditions are judged at the end: when the window began; None for none.
        finding: The last one, while events are counted into it.
    """

    values: tuple[tuple[str, str | None], ...] = ()
    account_id: str = ""
    region: str = ""
    actor: str = ""
    entries: dict[str, Entry] = {}
    chains: list[Chain | None] = []
    newest: int = 0
    opened: int | None = None
    quiet_until: int = 0
    finding: Finding | None = None

    def events(self) -> Iterator[tuple[int, str]]:
        """Time and eventID of all entries, each event once, by time."""
        found = {one: time for time, ids in self.entries.values() for one in ids}
        return iter(sorted((time, one) for one, time in found.items()))


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event that counts.

    Attributes:
        rule: Id of the rule that it passed.
        slot: What it counts as: entries are kept by it.
        event_ids: One; of a correlation's finding all.
    """

    time: int
    rule: str
    slot: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fired:
    """The condition holds.

    Attributes:
        events: Time and eventID of the events that it holds for, by time.
        count: What was counted: events, values or rules.
    """

    events: tuple[tuple[int, str], ...]
    count: int


def is_judged_at_the_end(correlation: Correlation) -> bool:
    """Whether more events can undo the condition."""
    condition = correlation.condition
    if isinstance(condition, Threshold):
        return condition.enough is None
    return _can_be_undone(condition)


def observe(correlation: Correlation, window: Window, one: Sighting) -> Fired | None:
    """Count one event in; what is found by it.

    The caller counts events into `window.finding` as long as they are before `quiet_until`.
    """
    if is_judged_at_the_end(correlation):
        return _observe_to_the_end(correlation, window, one)
    if one.time < window.newest - correlation.span_seconds:
        return None
    window.newest = max(window.newest, one.time)
    if correlation.kind is Kind.TEMPORAL_ORDERED:
        return _observe_in_order(correlation, window, one)
    before = window.entries.get(one.slot)
    if before is None or before[0] <= one.time:
        window.entries[one.slot] = (one.time, one.event_ids)
    return _fired(correlation, window)


def close(correlation: Correlation, window: Window) -> Fired | None:
    """Judge a window that is over, and empty it."""
    fired = None
    if window.opened is not None and _holds(correlation, window):
        fired = Fired(tuple(window.events()), len(window.entries))
    window.entries = {}
    window.opened = None
    return fired


def _observe_to_the_end(correlation: Correlation, window: Window, one: Sighting) -> Fired | None:
    fired = None
    if window.opened is not None and one.time >= window.opened + correlation.span_seconds:
        fired = close(correlation, window)
    if window.opened is None:
        window.opened = one.time
    window.newest = max(window.newest, one.time)
    # Above the highest number that a condition may name, more make no difference.
    if one.slot in window.entries or len(window.entries) <= MOST_COUNTED:
        window.entries[one.slot] = (one.time, one.event_ids)
    return fired


def _fired(correlation: Correlation, window: Window) -> Fired | None:
    if not _holds(correlation, window):
        return None
    # Only now it matters whether some are too old.
    oldest = window.newest - correlation.span_seconds
    window.entries = {slot: one for slot, one in window.entries.items() if one[0] >= oldest}
    if not _holds(correlation, window):
        return None
    fired = Fired(tuple(window.events()), len(window.entries))
    window.entries = {}
    return fired


def _holds(correlation: Correlation, window: Window) -> bool:
    condition = correlation.condition
    if isinstance(condition, Threshold):
        return condition.holds(len(window.entries))
    return _combined(condition, window.entries)


def _combined(condition: Combination, entries: dict[str, Entry]) -> bool:
    match condition:
        case Happened(rule):
            return rule in entries
        case Both(parts):
            return all(_combined(part, entries) for part in parts)
        case Either(parts):
            return any(_combined(part, entries) for part in parts)
        case Without(part):
            return not _combined(part, entries)


def _can_be_undone(condition: Combination) -> bool:
    match condition:
        case Happened():
            return False
        case Both(parts) | Either(parts):
            return any(_can_be_undone(part) for part in parts)
        case Without():
            return True


def _observe_in_order(correlation: Correlation, window: Window, one: Sighting) -> Fired | None:
    """Chains grow by the event; one that came late may lead on to newer events known already."""
    rules, span = correlation.rules, correlation.span_seconds
    if not window.chains:
        window.chains = [None] * len(rules)
    before = window.entries.get(one.rule)
    if before is None or before[0] <= one.time:
        window.entries[one.rule] = (one.time, one.event_ids)
    first = rules.index(one.rule)
    chain = window.chains[first - 1] if first else None
    for place in range(first, len(rules)):
        entry = window.entries.get(rules[place]) if place > first else (one.time, one.event_ids)
        chain = _chain(chain, entry, span, first=not place)
        if chain is None:
            break
        known = window.chains[place]
        if known is None or known.start <= chain.start:
            window.chains[place] = chain
    last = window.chains[-1]
    if last is None:
        return None
    window.entries, window.chains = {}, []
    # Their times lie between the chain's.
    times = (last.start,) * (len(last.event_ids) - 1) + (last.end,)
    return Fired(tuple(zip(times, last.event_ids, strict=True)), len(rules))


def _chain(before: Chain | None, entry: Entry | None, span: int, *, first: bool) -> Chain | None:
    """The chain that ends with the entry."""
    if entry is None:
        return None
    time, event_ids = entry
    if first:
        return Chain(time, time, event_ids)
    if before is None or not before.end <= time <= before.start + span:
        return None
    return Chain(before.start, time, before.event_ids + event_ids)
