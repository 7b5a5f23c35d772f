"""What is to be done with each object of a source, by its key and by what the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import islice

from opentrail.imports.keys import KeyKind, read_key, reading_order, skip_reason
from opentrail.ports.ledger import Ledger, LedgerEntry, Outcome
from opentrail.ports.sources import SourceObject
from opentrail.workers.importing.proofs import Proofs

NOT_PROVEN = "not proven"
"""How the reason begins for which `ImportOptions.only_proven` leaves an object out."""

_LOOKED_UP_AT_ONCE = 5000


class Decision(StrEnum):
    """What is to be done with an object."""

    READ = "read"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An object and what is to be done with it; there may be millions, so little is kept.

    Attributes:
        minute: See `KeyFacts`; what else a key tells is read from it again.
        reason: Why it is read (`new`, `changed`, …), skipped or fails; of an unchanged one: why
            its entry changes.
        entry: What the ledger shall know, None if nothing.
        proofs: What digests say; None if they were not asked.
    """

    object: SourceObject
    kind: KeyKind
    minute: str
    decision: Decision
    reason: str = ""
    entry: LedgerEntry | None = None
    proofs: Proofs | None = None

    @property
    def is_provable(self) -> bool:
        """Whether digests list such objects."""
        return self.kind is KeyKind.LOG_FILE


def plan_objects(
    source: str, objects: Iterable[SourceObject], ledger: Ledger, *, keeps_entries: bool
) -> list[Planned]:
    """In the order in which they are best read.

    Args:
        keeps_entries: Tell the entries of unchanged objects too.
    """
    planned: list[Planned] = []
    waiting = iter(objects)
    while some := tuple(islice(waiting, _LOOKED_UP_AT_ONCE)):
        known = ledger.look_up(source, [one.key for one in some])
        for one in some:
            found = _planned(one, known.get(one.key))
            drops = found.decision is Decision.UNCHANGED and not keeps_entries
            planned.append(replace(found, entry=None) if drops else found)
    planned.sort(key=lambda one: reading_order(one.object.key, one.minute))
    return planned


def _planned(one: SourceObject, entry: LedgerEntry | None) -> Planned:
    facts = read_key(one.key)
    plan = partial(Planned, object=one, kind=facts.kind, minute=facts.minute)
    if one.problem:
        return plan(decision=Decision.FAIL, reason=one.problem)
    skip = one.skip or skip_reason(facts, one.size_bytes)
    if skip:
        return plan(decision=Decision.SKIP, reason=skip)
    reason = _reason_to_read(one, entry)
    if reason or entry is None:
        return plan(decision=Decision.READ, reason=reason, entry=entry)
    entry = replace(entry, key=one.key, version=one.version)  # equal texts, kept once
    return plan(decision=Decision.UNCHANGED, entry=entry)


def _reason_to_read(one: SourceObject, entry: LedgerEntry | None) -> str:
    """Why an object must be read; "" if it was dealt with."""
    if entry is None:
        return "new"
    if entry.outcome is Outcome.FAILED:
        return "failed before"
    # Left out for want of a digest; there may be one now, or it may no longer be asked for.
    if entry.reason.startswith(NOT_PROVEN):
        return "not proven before"
    same = (entry.size_bytes, entry.version) == (one.size_bytes, one.version)
    return "" if same else "changed"
