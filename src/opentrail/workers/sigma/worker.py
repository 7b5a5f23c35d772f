"""Every record past the Sigma rules, a moment after it is recorded.

The walk: (1) read the rules if they have changed, (2) read records and ask the rules, (3) put the
deliveries of new findings, (4) commit findings, what detection remembers and the place behind the
last record in one transaction, (5) when every record up to now is dealt with, close windows that
are over, and do (3) and (4) for what they make. A crash before (4) repeats from the place with what
was remembered then; the same records make the same findings and deliveries with the same ids, so
nothing is lost and nothing is told twice. While records wait, no clock ends a window: the ones that
belong to it may be among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.ports.journal import Entry, JournalReader
from opentrail.ports.sigma.findings import FindingStore, Limits
from opentrail.ports.sigma.rule_files import Rulebook, RuleFiles
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.predicate.reading import access_key_of, decoded
from opentrail.sigma.detection import Detection
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Grouping
from opentrail.workers.following import read_until
from opentrail.workers.sigma.muting import Mutes
from opentrail.workers.sigma.telling import delivery

BATCH_BYTES = 4 * 1024 * 1024
PAUSE = timedelta(seconds=0.3)
"""Between two batches, so that a commit serves many records; far below the seconds promised."""

LOOK_EVERY = timedelta(seconds=0.5)
"""For changed rules, mutes and windows that are over."""

KEEP_EVERY = timedelta(seconds=5)
"""A place behind records that changed nothing is kept so often: they can be read again."""

EXPIRE_EVERY = timedelta(minutes=5)
KEPT_FOR = timedelta(days=400)
"""Findings, and values that were not seen again: a year, and what a review of it takes."""

MOST_WINDOWS = 100_000
"""Of one rule: some 30 MB."""
MOST_SEEN = 1_000_000
"""Values of one rule: some 150 MB."""

MOST_DUE = 1000

_log = structlog.get_logger()


class SigmaWorker:
    """Follows the journal at its own pace."""

    def __init__(
        self,
        *,
        journal: JournalReader,
        rules: RuleFiles,
        findings: FindingStore,
        outbox: Outbox,
        state: StateStore,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._files = rules
        self._findings = findings
        self._outbox = outbox
        self._clock = clock
        self._mutes = Mutes(state)
        self._version: object = None
        self._book = Rulebook()
        self._detection = Detection(self._book.rules, findings)
        self._grouping = Grouping(findings)
        place = findings.place()
        self._cursor = journal.first() if place is None else place
        self._kept = place
        never = datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._read_at = self._looked_at = self._closed_at = never
        self._kept_at = self._expired_at = never
        self._made: list[Delivery] = []
        self._told: dict[str, Finding] = {}

    def step(self) -> int:
        """Deal with what is new, up to some size; the number of records read."""
        now = self._clock.now()
        if now - self._read_at < PAUSE:
            return 0
        try:
            read = self._deal(now)
        except BaseException:
            # What is not committed is done again.
            self._detection.take_changes()
            self._grouping.take_changes()
            self._made, self._told = [], {}
            self._cursor = self._journal.first() if self._kept is None else self._kept
            raise
        self._expire(now)
        # A backlog is worked off without pause.
        if self._cursor >= self._journal.end():
            self._read_at = now
        return read

    def _deal(self, now: datetime) -> int:
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._refresh()  # (1)
        end = self._journal.end()
        read = self._read(end, int(now.timestamp()))  # (2)
        self._commit(now)
        if self._cursor >= end and now - self._closed_at >= LOOK_EVERY:
            self._closed_at = now
            self._close_due(int(now.timestamp()))  # (5)
            self._commit(now)
        return read

    def _refresh(self) -> None:
        self._mutes.refresh()
        version = self._files.version()
        if version == self._version:
            return
        self._book, self._version = self._files.read(), version
        self._detection = Detection(self._book.rules, self._findings)
        rules = self._book.rules
        _log.info("sigma_rules_read", rules=sum(1 for _ in rules.definitions()))
        for problem in rules.problems:
            _log.error("sigma_rule_refused", file=problem.source, problem=str(problem))

    def _read(self, end: int, now: int) -> int:
        entries, damage = read_until(self._journal, self._cursor, end, BATCH_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._cursor = damage.resume_offset
            return 1
        for entry in entries:
            self._look(entry, now)
        if entries:
            self._cursor = entries[-1].next_offset
        return len(entries)

    def _look(self, entry: Entry, now: int) -> None:
        record = decoded(entry.raw)
        if record is None:
            return  # the worker of events tells of it
        for finding in self._detection.look(record, entry.raw, now=now):
            self._add(finding, record, now)

    def _close_due(self, now: int) -> None:
        for key in self._findings.due(now, MOST_DUE):
            for finding in self._detection.close(key, now=now):
                self._add(finding, None, now)

    def _add(self, finding: Finding, record: Mapping[str, Any] | None, now: int) -> None:
        reason = self._mutes.reason(finding, record, now)
        if reason:
            self._told[finding.id] = msgspec.structs.replace(finding, muted=reason)
            return
        incident = self._grouping.join(finding)
        if incident is None:
            return  # it was told when it was made
        finding = msgspec.structs.replace(finding, incident_id=incident.id)
        self._told[finding.id] = finding
        key = "" if record is None else access_key_of(record)
        for target in self._book.targets:
            if not target.takes(finding):
                continue
            if not target.once_an_incident or incident.is_news_to(target.target, finding.level):
                self._made.append(delivery(finding, target, key))
            incident = incident.told_to(target.target, finding.level)
        self._grouping.put(incident)

    def _commit(self, now: datetime) -> None:
        changes = self._detection.take_changes()
        changes.incidents.update(self._grouping.take_changes())
        for key, told in self._told.items():
            # What grew since in the same batch stays grown.
            changes.findings[key] = msgspec.structs.replace(
                changes.findings[key], muted=told.muted, incident_id=told.incident_id
            )
        changed = bool(changes.findings or changes.windows or changes.seen)
        if changed or (self._kept != self._cursor and now - self._kept_at >= KEEP_EVERY):
            if self._made:
                self._outbox.put(self._made)  # (3)
            self._findings.commit(changes, place=self._cursor)  # (4)
            self._kept, self._kept_at = self._cursor, now
        self._made, self._told = [], {}

    def _expire(self, now: datetime) -> None:
        if now - self._expired_at < EXPIRE_EVERY:
            return
        self._expired_at = now
        before = int((now - KEPT_FOR).timestamp())
        limits = Limits(
            findings_before=before,
            seen_before=before,
            most_windows=MOST_WINDOWS,
            most_seen=MOST_SEEN,
        )
        if gone := self._findings.expire(limits):
            _log.info("findings_expired", entries=gone)
