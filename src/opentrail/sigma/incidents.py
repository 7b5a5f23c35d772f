"""Findings about one actor that come close together are one incident.

An incident takes a finding of its account and actor that is at most GAP_SECONDS from its other
findings, and ends after LONGEST_SECONDS whatever comes. Nothing but the findings, their order and
the incidents before decides: after a crash the same ones are made again, with the same ids.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

import msgspec

from opentrail.sigma.finding import Finding, finding_id
from opentrail.sigma.rule import Level

GAP_SECONDS = 3600
LONGEST_SECONDS = 86_400
MOST_RULES = 20
"""Titles of rules that an incident lists."""

MOST_TOLD = 50
"""Targets of which an incident remembers that they know of it."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs together.

    Attributes:
        id: A UUID made of its first finding.
        actor: See views.actor; "" for findings that tell of nobody.
        first_time: Epoch seconds of the oldest finding's last event.
        last_time: Of the newest's.
        level: The highest of its findings.
        findings: How many there are.
        rules: Titles of the rules, in the order in which they found something.
        told: By target, the highest level that it was told of.
        made: Epoch seconds.
    """

    id: str
    account_id: str
    actor: str
    first_time: int
    last_time: int
    level: str
    findings: int
    rules: tuple[str, ...]
    made: int
    told: tuple[tuple[str, str], ...] = ()

    def takes(self, time: int) -> bool:
        """Whether a finding of that time belongs to it."""
        first, last = min(self.first_time, time), max(self.last_time, time)
        is_near = self.first_time - GAP_SECONDS <= time <= self.last_time + GAP_SECONDS
        return is_near and last - first <= LONGEST_SECONDS

    def is_news_to(self, target: str, level: str) -> bool:
        """Whether a target was told of nothing so bad yet."""
        before = dict(self.told).get(target)
        return before is None or Level(level).rank > Level(before).rank

    def told_to(self, target: str, level: str) -> Incident:
        """The incident, with a target knowing of it."""
        if not self.is_news_to(target, level):
            return self
        others = tuple(one for one in self.told if one[0] != target)
        return msgspec.structs.replace(self, told=(*others, (target, level))[-MOST_TOLD:])


class Whose(NamedTuple):
    """What the findings of an incident have in common."""

    account_id: str
    actor: str


class IncidentMemory(Protocol):
    """What was before."""

    def find(self, finding_id: str) -> Finding | None:
        """The finding of that id."""
        ...

    def last_incident(self, whose: Whose, before: int, but: Collection[str]) -> Incident | None:
        """Of an actor's incidents that begin by then (epoch seconds, inclusive), the last one.

        Args:
            but: Ids of those that are left out.
        """
        ...


class Grouping:
    """Findings in, their incidents out, a batch at a time."""

    def __init__(self, memory: IncidentMemory) -> None:
        self._memory = memory
        self._changed: dict[str, Incident] = {}
        self._pending: dict[Whose, set[str]] = {}

    def join(self, finding: Finding) -> Incident | None:
        """The incident that a new finding belongs to; None if the finding was made before.

        `take_changes` tells it, too.
        """
        if self._memory.find(finding.id) is not None:
            return None
        incident = self._near(finding)
        incident = _opened(finding) if incident is None else _grown(incident, finding)
        self.put(incident)
        return incident

    def put(self, incident: Incident) -> None:
        """Keep an incident as it is now."""
        self._changed[incident.id] = incident
        self._pending.setdefault(_whose(incident), set()).add(incident.id)

    def take_changes(self) -> dict[str, Incident]:
        """Incidents opened or grown since they were taken last, by id."""
        changed, self._changed, self._pending = self._changed, {}, {}
        return changed

    def _near(self, finding: Finding) -> Incident | None:
        whose, before = _whose(finding), finding.last_time + GAP_SECONDS
        pending = self._pending.get(whose, set())
        kept = self._memory.last_incident(whose, before, pending)
        found = [self._changed[one] for one in pending if self._changed[one].first_time <= before]
        last = max((*found, *filter(None, (kept,))), key=_begin, default=None)
        return last if last is not None and last.takes(finding.last_time) else None


def _whose(one: Incident | Finding) -> Whose:
    return Whose(one.account_id, one.actor)


def _begin(one: Incident) -> tuple[int, str]:
    return one.first_time, one.id


def _opened(finding: Finding) -> Incident:
    return Incident(
        id=finding_id("incident", finding.id),
        account_id=finding.account_id,
        actor=finding.actor,
        first_time=finding.last_time,
        last_time=finding.last_time,
        level=finding.level,
        findings=1,
        rules=(finding.rule_title,),
        made=finding.made,
    )


def _grown(incident: Incident, finding: Finding) -> Incident:
    rules = dict.fromkeys((*incident.rules, finding.rule_title))
    return msgspec.structs.replace(
        incident,
        first_time=min(incident.first_time, finding.last_time),
        last_time=max(incident.last_time, finding.last_time),
        level=max(incident.level, finding.level, key=lambda one: Level(one).rank),
        findings=incident.findings + 1,
        rules=tuple(rules)[:MOST_RULES],
    )
