"""What an import says at its end: everything listed is accounted for, and every record found.

objects: listed = imported + unchanged + skipped + failed.
records: found = added + duplicates + quarantined; conflicts are among those added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise

import msgspec

EXIT_FINDINGS = 1
EXIT_UNKNOWN = 3

_NUMBER = re.compile(r"\d+")


class ObjectCounts(msgspec.Struct, kw_only=True):
    """Objects of the sources.

    Attributes:
        changed: Of those imported: imported before, with other content.
        damaged: Of those imported: containers broken around their records, or compression.
    """

    listed: int = 0
    imported: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    changed: int = 0
    damaged: int = 0


class RecordCounts(msgspec.Struct, kw_only=True):
    """Records in the objects that were read.

    Attributes:
        unreadable: Of those added: kept, though the store can't read their fields.
    """

    found: int = 0
    added: int = 0
    duplicates: int = 0
    conflicts: int = 0
    unreadable: int = 0
    quarantined: int = 0


class ProofCounts(msgspec.Struct, kw_only=True):
    """What digests say.

    Attributes:
        objects: By `ports.ledger.Proof`; of objects imported now and before.
        records_proven: Records in objects that are proven.
        records_unproven: Records in other objects.
        findings: (kind, subject, detail) of digests and log files that are not as they should be,
            the first of them.
        findings_more: How many there are beyond.
        verdict: Of the digests and their chains; UNVERIFIABLE when there are none.
    """

    digests: int = 0
    objects: dict[str, int] = {}
    records_proven: int = 0
    records_unproven: int = 0
    verdict: str = ""
    findings: list[tuple[str, str, str]] = []
    findings_more: int = 0


class Told(msgspec.Struct, frozen=True):
    """One object of which something must be said; `offset` -1 for all of it."""

    source: str
    key: str
    offset: int
    reason: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Days of an account's region, as its digests tell.

    Attributes:
        gaps: (first, last) day without a digest, between days with one.
    """

    account_id: str
    region: str
    first: str
    last: str
    digests: int
    gaps: tuple[tuple[str, str], ...]


class ImportReport(msgspec.Struct, kw_only=True):
    """One run; its JSON is stable (`format` 1).

    Attributes:
        state: running, finished, interrupted or failed; commands that list past runs say
            `unfinished` of one that runs, or was killed.
        skipped: Objects by reason; the same for quarantined and flagged records.
        told: Failed objects and quarantined records, the first of them.
        told_more: How many there are beyond.
        proof: None unless it was asked for.
    """

    format: int = 1
    run: int = 0
    sources: list[str] = []
    started: str = ""
    finished: str | None = None
    state: str = "running"
    objects: ObjectCounts = msgspec.field(default_factory=ObjectCounts)
    records: RecordCounts = msgspec.field(default_factory=RecordCounts)
    bytes_read: int = 0
    bytes_plain: int = 0
    forms: dict[str, int] = {}
    skipped: dict[str, int] = {}
    quarantined: dict[str, int] = {}
    flagged: dict[str, int] = {}
    told: list[Told] = []
    told_more: int = 0
    proof: ProofCounts | None = None
    coverage: list[Coverage] = []


def exit_code(report: ImportReport) -> int:
    """0; 1 with findings; 3 when digests can't be judged."""
    proof = report.proof
    tampered = proof is not None and (
        proof.verdict == "INVALID"
        or any(proof.objects.get(one, 0) for one in ("hash-differs", "digest-broken"))
    )
    findings = (report.objects.failed, report.objects.damaged, report.records.quarantined)
    if tampered or any(findings):
        return EXIT_FINDINGS
    return EXIT_UNKNOWN if proof is not None and proof.verdict == "UNVERIFIABLE" else 0


def kind_of(reason: str) -> str:
    """A reason without what differs from one case to the next."""
    return _NUMBER.sub("N", reason.partition(":")[0])


def coverage_of(digests: Mapping[tuple[str, str, str], int]) -> list[Coverage]:
    """Of how many digests there are by (account, region, `YYYY-MM-DD`)."""
    days: dict[tuple[str, str], dict[date, int]] = {}
    for (account, region, day), count in digests.items():
        try:
            when = date.fromisoformat(day)
        except ValueError:
            continue
        days.setdefault((account, region), {})[when] = count
    return [
        Coverage(
            account_id=account,
            region=region,
            first=min(counts).isoformat(),
            last=max(counts).isoformat(),
            digests=sum(counts.values()),
            gaps=tuple(_gaps(sorted(counts))),
        )
        for (account, region), counts in sorted(days.items())
    ]


def _gaps(days: list[date]) -> Iterable[tuple[str, str]]:
    step = timedelta(days=1)
    for before, after in pairwise(days):
        if after - before > step:
            yield (before + step).isoformat(), (after - step).isoformat()
