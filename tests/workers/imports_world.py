"""An import in memory, with steps that can be made to fail."""

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from opentrail.adapters.ledger import MemoryLedger, MemoryQuarantine
from opentrail.adapters.sources import MemorySource
from opentrail.clock import ManualClock
from opentrail.imports.report import ImportReport
from opentrail.ports.events import Appended
from opentrail.workers.imports import EventAppender, Importer, ImportOptions, ImportTools

START = datetime(2026, 3, 5, tzinfo=UTC)


class MemoryEvents:
    """As the store of events appends: each event once, conflicts kept."""

    def __init__(self) -> None:
        self.raws: list[bytes] = []
        self.batches: list[int] = []
        self._by_id: dict[str, set[bytes]] = {}

    def append(self, raws: Sequence[bytes]) -> Appended:
        added = conflicts = 0
        for raw in raws:
            event_id = json.loads(raw).get("eventID", "")
            known = self._by_id.setdefault(event_id, set())
            if raw in known:
                continue
            added += 1
            conflicts += bool(known)
            known.add(raw)
            self.raws.append(raw)
        self.batches.append(len(raws))
        return Appended(
            added=added,
            duplicates=len(raws) - added,
            conflicts=conflicts,
            unreadable=0,
            sequence_end=len(self.raws),
        )


class Killed(BaseException):
    """As if the process were gone."""


class Fragile:
    """Passes calls on; the one with the number `at` ends all, before or after it is done."""

    def __init__(self, inner: Any, count: Callable[[], int], at: int, *, after: bool) -> None:
        self._inner = inner
        self._count = count
        self._at = at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not callable(method):
            return method

        def called(*arguments: Any, **named: Any) -> Any:
            hit = self._count() == self._at
            if hit and not self._after:
                raise Killed
            result = method(*arguments, **named)
            if hit:
                raise Killed
            return result

        return called


class World:
    """One installation; `run` imports with whatever it has."""

    def __init__(self) -> None:
        self.source = MemorySource()
        self.events = MemoryEvents()
        self.ledger = MemoryLedger()
        self.quarantine = MemoryQuarantine()
        self.clock = ManualClock(START)
        self.pauses: list[float] = []

    def tools(self, **changed: Any) -> ImportTools:
        parts: dict[str, Any] = {
            "store": EventAppender(self.events.append),
            "ledger": self.ledger,
            "quarantine": self.quarantine,
            "clock": self.clock,
            "pause": lambda seconds: self.pauses.append(seconds) or False,
            **changed,
        }
        return ImportTools(**parts)

    def run(self, options: ImportOptions | None = None, **changed: Any) -> ImportReport:
        source = changed.pop("source", self.source)
        importer = Importer(self.tools(**changed), options)
        return importer.run([(source, importer.plan(source))])

    def run_killed(self, at: int, options: ImportOptions, *, after: bool) -> bool:
        """Whether the run was killed at its `at`th call of a port."""
        count = itertools.count().__next__
        made = {
            name: Fragile(getattr(self, name), count, at, after=after)
            for name in ("source", "ledger", "quarantine")
        }
        store = EventAppender(Fragile(self.events, count, at, after=after).append)
        try:
            self.run(options, store=store, **made)
        except Killed:
            return True
        return False


def balances(report: ImportReport) -> bool:
    """Whether everything listed and found is accounted for."""
    objects, records = report.objects, report.records
    return (
        objects.listed == objects.imported + objects.unchanged + objects.skipped + objects.failed
        and records.found == records.added + records.duplicates + records.quarantined
    )
