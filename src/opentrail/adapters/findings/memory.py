"""Findings in memory: for tests, and for trying rules on the past."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

import msgspec

from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery, Limits
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident, Whose
from opentrail.sigma.remembering import Changes, Kept, Seen, SeenKey, WindowKey
from opentrail.sigma.rule import Level
from opentrail.sigma.windows import Window

Key = TypeVar("Key", WindowKey, SeenKey)


class MemoryFindings:
    """See ports.sigma.findings."""

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}
        self._windows: dict[WindowKey, Kept] = {}
        self._seen: dict[SeenKey, Seen] = {}
        self._incidents: dict[str, Incident] = {}
        self._place: int | None = None

    def find(self, finding_id: str) -> Finding | None:
        return self._findings.get(finding_id)

    def page(self, query: FindingQuery) -> tuple[Finding, ...]:
        found = [one for one in self._findings.values() if _is_asked(query, one)]
        return tuple(sorted(found, key=_order, reverse=True)[: query.limit])

    def incident(self, incident_id: str) -> Incident | None:
        return self._incidents.get(incident_id)

    def incidents(self, query: IncidentQuery) -> tuple[Incident, ...]:
        found = [one for one in self._incidents.values() if _is_wanted(query, one)]
        found.sort(key=lambda one: (one.last_time, one.id), reverse=True)
        return tuple(found[: query.limit])

    def last_incident(self, whose: Whose, before: int, but: Collection[str]) -> Incident | None:
        found = [
            one
            for one in self._incidents.values()
            if (one.account_id, one.actor) == whose
            and one.first_time <= before
            and one.id not in but
        ]
        return max(found, key=lambda one: (one.first_time, one.id), default=None)

    def window(self, key: WindowKey) -> Window | None:
        kept = self._windows.get(key)
        return None if kept is None else copy.deepcopy(kept.window)

    def seen(self, key: SeenKey) -> Seen | None:
        return self._seen.get(key)

    def place(self) -> int | None:
        return self._place

    def commit(self, changes: Changes, *, place: int | None = None) -> None:
        for key, finding in changes.findings.items():
            known = self._findings.get(key, finding)
            self._findings[key] = msgspec.structs.replace(
                finding, made=known.made, muted=known.muted, incident_id=known.incident_id
            )
        self._incidents |= changes.incidents
        for window_key, kept in changes.windows.items():
            if kept is None:
                self._windows.pop(window_key, None)
            else:
                self._windows[window_key] = copy.deepcopy(kept)
        for seen_key, seen in changes.seen.items():
            known_seen = self._seen.get(seen_key, seen)
            self._seen[seen_key] = Seen(
                min(seen.first, known_seen.first),
                max(seen.last, known_seen.last),
                max(seen.values, known_seen.values),
            )
        if place is not None:
            self._place = place

    def due(self, now: int, limit: int) -> tuple[WindowKey, ...]:
        found = sorted((kept.due, key) for key, kept in self._windows.items() if kept.due <= now)
        return tuple(key for _, key in found[:limit])

    def expire(self, limits: Limits) -> int:
        before = self._size()
        self._findings = {
            key: one for key, one in self._findings.items() if one.made >= limits.findings_before
        }
        self._incidents = {
            key: one for key, one in self._incidents.items() if one.made >= limits.findings_before
        }
        self._seen = {key: one for key, one in self._seen.items() if one.last >= limits.seen_before}
        windows = {key: (one.due, key) for key, one in self._windows.items()}
        for key in _too_many(windows, limits.most_windows):
            del self._windows[key]
        values = {key: (one.last, key) for key, one in self._seen.items()}
        for seen_key in _too_many(values, limits.most_seen):
            del self._seen[seen_key]
        return before - self._size()

    def _size(self) -> int:
        records = len(self._findings) + len(self._incidents)
        return records + len(self._seen) + len(self._windows)


def _too_many(orders: Mapping[Key, tuple[int, Key]], most: int) -> Iterator[Key]:
    """Of each rule the first ones, so that at most `most` are left."""
    by_rule: dict[str, list[tuple[int, Key]]] = {}
    for key, order in orders.items():
        by_rule.setdefault(key.rule_id, []).append(order)
    for some in by_rule.values():
        yield from (key for _, key in sorted(some)[: max(0, len(some) - most)])


def _order(finding: Finding) -> tuple[int, str]:
    return finding.made, finding.id


def _is_asked(query: FindingQuery, one: Finding) -> bool:
    return (
        (not query.account_id or one.account_id == query.account_id)
        and (not query.rule_id or one.rule_id == query.rule_id)
        and Level(one.level).rank >= query.at_least.rank
        and one.made >= query.since
        and (query.with_muted or not one.muted)
        and (not query.incident_id or one.incident_id == query.incident_id)
    )


def _is_wanted(query: IncidentQuery, one: Incident) -> bool:
    return (
        (not query.account_id or one.account_id == query.account_id)
        and (not query.actor or one.actor == query.actor)
        and Level(one.level).rank >= query.at_least.rank
        and one.last_time >= query.since
    )
