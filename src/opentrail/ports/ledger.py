"""What was imported already, object by object, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from opentrail.imports.found import Quarantined


class Outcome(StrEnum):
    """What became of an object."""

    IMPORTED = "imported"
    SKIPPED = "skipped"
    FAILED = "failed"


class Proof(StrEnum):
    """What digests say of an object.

    A proven one is listed, with the hash of what was read, by a digest that is signed and linked.
    """

    UNCHECKED = "unchecked"
    PROVEN = "proven"
    UNLISTED = "in-no-digest"
    CHANGED = "hash-differs"
    DIGEST_BROKEN = "digest-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One object as it was dealt with last.

    Attributes:
        version: As the source told it.
        sha256: Lower-case hex over the object's bytes; "" if it was not read.
        plain_sha256: The same after decompression; "" if it was not asked for.
        records: Records taken from it.
        run: The run that dealt with it.
    """

    source: str
    key: str
    size_bytes: int
    version: str
    outcome: Outcome
    sha256: str = ""
    plain_sha256: str = ""
    reason: str = ""
    form: str = ""
    records: int = 0
    quarantined: int = 0
    proof: Proof = Proof.UNCHECKED
    run: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One run of an import.

    Attributes:
        finished: None while it goes on, or when it was killed.
        report: The owner's JSON, as of the last commit.
    """

    number: int
    started: datetime
    finished: datetime | None
    report: bytes


class Ledger(Protocol):
    """Entries by source and key; runs by number."""

    def begin(self, started: datetime) -> int:
        """A new run's number, one above the last."""
        ...

    def look_up(self, source: str, keys: Sequence[str]) -> Mapping[str, LedgerEntry]:
        """The entries there are of these keys."""
        ...

    def commit(
        self,
        run: int,
        entries: Sequence[LedgerEntry],
        report: bytes,
        *,
        finished: datetime | None = None,
    ) -> None:
        """Keep the entries and how far the run is; all or nothing, durable on return."""
        ...

    def runs(self) -> tuple[ImportRun, ...]:
        """Newest first."""
        ...

    def entries(self, run: int) -> Iterator[LedgerEntry]:
        """The objects that `run` was the last to deal with, ordered by source and key."""
        ...


class Quarantine(Protocol):
    """Keeps what could not be read as a record, so that nothing is lost silently."""

    def keep(
        self, source: str, key: str, found: Sequence[Quarantined], when: datetime, *, fresh: bool
    ) -> None:
        """Durable on return.

        Args:
            fresh: In place of what was kept of the object before; else beside it.
        """
        ...
