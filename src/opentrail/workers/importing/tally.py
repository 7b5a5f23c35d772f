"""The counts of a running import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from opentrail.clock import iso_seconds
from opentrail.digest.findings import Verdict
from opentrail.imports.found import ReadObject
from opentrail.imports.keys import KeyKind, read_key
from opentrail.imports.report import ImportReport, ProofCounts, Told, coverage_of, kind_of
from opentrail.ports.events import Appended
from opentrail.ports.ledger import LedgerEntry, Outcome, Proof
from opentrail.workers.importing.planning import Decision, Planned
from opentrail.workers.importing.proofs import Proofs

MAX_TOLD = 200
"""The report names so many objects and records; the ledger and the quarantine hold all."""

MAX_FINDINGS = 1000
"""The report is written at every commit; `opentrail verify` tells all."""


class Tally:
    """Grows one `ImportReport`.

    Attributes:
        failed_keys: Objects that could not be read.
    """

    def __init__(self) -> None:
        self.report = ImportReport()
        self.failed_keys: set[str] = set()
        self._digests: Counter[tuple[str, str, str]] = Counter()

    def begin(self, run: int, sources: Sequence[str], started: datetime) -> None:
        self.report.run = run
        self.report.sources = [printable(one) for one in sources]
        self.report.started = iso_seconds(started)

    def end(self, state: str, when: datetime) -> None:
        self.report.state = state
        self.report.finished = iso_seconds(when)
        self.report.coverage = coverage_of(self._digests)

    def encoded(self) -> bytes:
        return msgspec.json.encode(self.report)

    def listed(self, source: str, one: Planned) -> None:
        """An object of the listing; those that are not read are dealt with by this."""
        objects = self.report.objects
        objects.listed += 1
        if one.kind is KeyKind.DIGEST:
            facts = read_key(one.object.key)
            self._digests[facts.account_id, facts.region, facts.day] += 1
        if one.decision is Decision.UNCHANGED:
            objects.unchanged += 1
        elif one.decision is Decision.SKIP:
            self.skipped(one.reason)
        elif one.decision is Decision.FAIL:
            self.failed(source, one.object.key, one.reason)

    def unchanged(self) -> None:
        self.report.objects.unchanged += 1

    def skipped(self, reason: str) -> None:
        self.report.objects.skipped += 1
        _count(self.report.skipped, printable(reason))

    def failed(self, source: str, key: str, reason: str) -> None:
        self.report.objects.failed += 1
        self.failed_keys.add(key)
        self._tell(source, key, -1, reason)

    def fetched(self, length: int) -> None:
        self.report.bytes_read += length

    def piece(self, source: str, key: str, piece: ReadObject) -> None:
        """A piece of an object that was read."""
        report = self.report
        report.bytes_plain += piece.plain_bytes
        report.records.found += piece.found
        report.records.quarantined += len(piece.quarantined) + piece.quarantined_more
        if piece.quarantined_more:
            _count(report.quarantined, "beyond those kept", piece.quarantined_more)
            report.told_more += piece.quarantined_more
        for name, count in piece.flagged:
            _count(report.flagged, name, count)
        for one in piece.quarantined:
            _count(report.quarantined, kind_of(one.reason))
            self._tell(source, key, one.offset, one.reason)

    def imported(self, entry: LedgerEntry, *, changed: bool, damaged: bool) -> None:
        objects = self.report.objects
        objects.imported += 1
        objects.changed += changed
        objects.damaged += damaged
        _count(self.report.forms, entry.form)

    def appended(self, appended: Appended) -> None:
        records = self.report.records
        records.added += appended.added
        records.duplicates += appended.duplicates
        records.conflicts += appended.conflicts
        records.unreadable += appended.unreadable

    def proofs(self, proofs: Proofs) -> None:
        """What the digests of a source say."""
        proof = self.report.proof
        if proof is None:
            proof = self.report.proof = ProofCounts(verdict=Verdict.VALID)
        proof.digests += proofs.digests
        proof.verdict = _worse(proof.verdict, proofs.verdict)
        for one in proofs.findings:
            _find(proof, one.kind, one.subject, one.detail)

    def missing(self, keys: Iterable[str]) -> None:
        """Log files that digests list and the source does not."""
        proof = self.report.proof
        for key in sorted(keys):
            if proof is not None:
                _find(proof, "log-file-missing", key, "a digest lists it")
                proof.verdict = Verdict.INVALID

    def proven(self, entry: LedgerEntry) -> None:
        """What digests say of one object."""
        proof = self.report.proof
        if proof is None or entry.outcome is Outcome.FAILED:
            return
        _count(proof.objects, entry.proof)
        if entry.proof is Proof.PROVEN:
            proof.records_proven += entry.records
        else:
            proof.records_unproven += entry.records
        if entry.proof is Proof.CHANGED:
            detail = "its hash is not the one that the digest lists"
            _find(proof, "log-file-changed", entry.key, detail)

    def _tell(self, source: str, key: str, offset: int, reason: str) -> None:
        if len(self.report.told) < MAX_TOLD:
            told = Told(printable(source), printable(key), offset, printable(reason))
            self.report.told.append(told)
        else:
            self.report.told_more += 1


def printable(name: str) -> str:
    """A name that can be written as UTF-8: bytes that are none are shown as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _find(proof: ProofCounts, kind: str, subject: str, detail: str) -> None:
    if len(proof.findings) < MAX_FINDINGS:
        proof.findings.append((kind, printable(subject), printable(detail)))
    else:
        proof.findings_more += 1


def _count(counts: dict[str, int], name: str, by: int = 1) -> None:
    counts[name] = counts.get(name, 0) + by


def _worse(one: str, other: str) -> str:
    order = (Verdict.INVALID, Verdict.INCOMPLETE, Verdict.UNVERIFIABLE, Verdict.VALID)
    return min(one, other, key=lambda verdict: order.index(Verdict(verdict)))
