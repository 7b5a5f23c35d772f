"""A ledger in a dict; the reference for the port's suite and for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from opentrail.imports.found import Quarantined
from opentrail.ports.ledger import ImportRun, LedgerEntry


class MemoryLedger:
    """See ports.ledger."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], LedgerEntry] = {}
        self._runs: dict[int, ImportRun] = {}

    def begin(self, started: datetime) -> int:
        number = max(self._runs, default=0) + 1
        self._runs[number] = ImportRun(number=number, started=started, finished=None, report=b"")
        return number

    def look_up(self, source: str, keys: Sequence[str]) -> Mapping[str, LedgerEntry]:
        found = ((key, self._entries.get((source, key))) for key in keys)
        return {key: entry for key, entry in found if entry is not None}

    def commit(
        self,
        run: int,
        entries: Sequence[LedgerEntry],
        report: bytes,
        *,
        finished: datetime | None = None,
    ) -> None:
        for entry in entries:
            self._entries[entry.source, entry.key] = replace(entry, run=run)
        self._runs[run] = replace(self._runs[run], report=report, finished=finished)

    def runs(self) -> tuple[ImportRun, ...]:
        return tuple(self._runs[number] for number in sorted(self._runs, reverse=True))

    def entries(self, run: int) -> Iterator[LedgerEntry]:
        for _, entry in sorted(self._entries.items()):
            if entry.run == run:
                yield entry


class MemoryQuarantine:
    """See ports.ledger; `kept` shows it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], list[Quarantined]] = {}

    def keep(
        self,
        source: str,
        key: str,
        found: Sequence[Quarantined],
        when: datetime,  # noqa: ARG002 - files tell it
        *,
        fresh: bool,
    ) -> None:
        before = [] if fresh else self.kept.get((source, key), [])
        self.kept[source, key] = [*before, *found]
