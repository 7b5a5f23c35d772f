"""What rules found, and what they remember between records."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident, Whose
from opentrail.sigma.remembering import Changes, Seen, SeenKey, WindowKey
from opentrail.sigma.rule import Level
from opentrail.sigma.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingQuery:
    """Which findings to list.

    Attributes:
        account_id: "" for all.
        rule_id: "" for all.
        at_least: The lowest level.
        since: Epoch seconds, inclusive: found since then.
        with_muted: Muted ones, too.
        incident_id: "" for all.
    """

    account_id: str = ""
    rule_id: str = ""
    at_least: Level = Level.INFORMATIONAL
    since: int = 0
    with_muted: bool = False
    incident_id: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Which incidents to list.

    Attributes:
        account_id: "" for all.
        actor: "" for all.
        at_least: The lowest level.
        since: Epoch seconds, inclusive: with a finding of an event since then.
    """

    account_id: str = ""
    actor: str = ""
    at_least: Level = Level.INFORMATIONAL
    since: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept.

    Attributes:
        findings_before: Epoch seconds; findings and incidents made before go.
        seen_before: Values last seen before go.
        most_windows: Of one rule; those that are due first go.
        most_seen: Values of one rule; those not seen for longest go.
    """

    findings_before: int
    seen_before: int
    most_windows: int
    most_seen: int


class Findings(Protocol):
    """Any number of readers, in other processes too."""

    def find(self, finding_id: str) -> Finding | None:
        """The finding of that id."""
        ...

    def page(self, query: FindingQuery) -> tuple[Finding, ...]:
        """The findings asked for, those made last first."""
        ...

    def incident(self, incident_id: str) -> Incident | None:
        """The incident of that id."""
        ...

    def incidents(self, query: IncidentQuery) -> tuple[Incident, ...]:
        """The incidents asked for, those whose last finding is newest first."""
        ...


class FindingStore(Findings, Protocol):
    """The one writer; it is the memory of detection (sigma.remembering), too."""

    def window(self, key: WindowKey) -> Window | None:
        """The window of a group, the caller's own; None if there is none."""
        ...

    def seen(self, key: SeenKey) -> Seen | None:
        """When a value was seen, None if it never was."""
        ...

    def last_incident(self, whose: Whose, before: int, but: Collection[str]) -> Incident | None:
        """Of an actor's incidents that begin by then (epoch seconds, inclusive), the last one.

        Args:
            but: Ids of those that are left out.
        """
        ...

    def place(self) -> int | None:
        """The journal offset kept last, None before the first."""
        ...

    def commit(self, changes: Changes, *, place: int | None = None) -> None:
        """Durable on return, all or nothing.

        A finding that is known already keeps when it was `made`, whether it is `muted`, and its
        incident; of a value the earliest `first`, the latest `last` and the most `values` are
        kept, since two may write of it.

        Args:
            place: How far the journal is dealt with, kept in the same step.
        """
        ...

    def due(self, now: int, limit: int) -> tuple[WindowKey, ...]:
        """At most `limit` windows that were to be closed by `now`."""
        ...

    def expire(self, limits: Limits) -> int:
        """Forget what is beyond the limits; how many things that was."""
        ...
