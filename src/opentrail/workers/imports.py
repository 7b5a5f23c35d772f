"""Existing logs of a source become events of the store: what is new, and nothing twice.

(1) List the source and compare with the ledger. (2) With digests, read what they say. (3) Read
what is new or changed, in the order of the times in the keys, across accounts and regions, so that
neighbours in time are neighbours in the store. (4) Append a batch of records. (5) Note its objects
in the ledger. Killed between any two steps it is run again: what was appended and not noted is
read again, and the store leaves out what it has.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from opentrail.clock import Clock
from opentrail.errors import IntegrityError, Unavailable
from opentrail.imports.found import LIMITS, Form, Limits, Quarantined, ReadObject
from opentrail.imports.inflating import plain_hash
from opentrail.imports.reading import read_pieces
from opentrail.imports.report import ImportReport
from opentrail.ports.events import Appended
from opentrail.ports.ledger import Ledger, LedgerEntry, Outcome, Proof, Quarantine
from opentrail.ports.objects import ObjectNotFound
from opentrail.ports.sources import Source, SourceObject
from opentrail.workers.importing.planning import NOT_PROVEN, Decision, Planned, plan_objects
from opentrail.workers.importing.proofs import Proofs
from opentrail.workers.importing.tally import Tally, printable

_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
_FAILURES_IN_A_ROW = 10
"""After so many objects that can't be read, the source itself is taken to be away."""

_WAITING_BYTES = 64 * 1024 * 1024
"""Most compressed bytes that are fetched ahead."""


_Fetched = tuple[Planned, bytes | Exception]
"""The bytes, or why there are none."""


class Appender(Protocol):
    """What an import needs of the event store."""

    def submit(self, raws: Sequence[bytes]) -> Future[Appended]:
        """Append a batch, now or soon; batches become durable in the order in which they came.

        The future raises Unavailable when the batch, or one before it, could not be written.
        """
        ...


class EventAppender:
    """Appends at once, one batch after the other."""

    def __init__(self, append: Callable[[Sequence[bytes]], Appended]) -> None:
        self._append = append

    def submit(self, raws: Sequence[bytes]) -> Future[Appended]:
        """See `Appender`."""
        future: Future[Appended] = Future()
        future.set_result(self._append(raws))
        return future


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTools:
    """What an import works with.

    Attributes:
        pause: Waits so many seconds; True when it is time to stop.
        prove: What the digests among these keys of a source say; None: not asked for.
    """

    store: Appender
    ledger: Ledger
    quarantine: Quarantine
    clock: Clock
    pause: Callable[[float], bool]
    prove: Callable[[Source, Sequence[str]], Proofs] | None = None
    progress: Callable[[ImportReport, int, int], None] = lambda _report, _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an import works.

    Attributes:
        batch_bytes: Records are appended when so many bytes of them are together,
        batch_objects: or so many objects.
        jobs: Objects fetched at once.
        only_proven: Leave out objects that no digest proves.
    """

    limits: Limits = LIMITS
    batch_bytes: int = 32 * 1024 * 1024
    batch_objects: int = 5000
    jobs: int = 8
    only_proven: bool = False


@dataclass(slots=True)
class _Batch:
    """What is read and not noted yet.

    Attributes:
        appended: None before it is handed to the store, and when it holds no records.
    """

    raws: list[bytes] = field(default_factory=list)
    length: int = 0
    entries: list[LedgerEntry] = field(default_factory=list)
    appended: Future[Appended] | None = None


class Importer:
    """One run of an import over one or more sources."""

    def __init__(self, tools: ImportTools, options: ImportOptions | None = None) -> None:
        self._tools = tools
        self._options = options or ImportOptions()
        self._tally = Tally()
        self._run = 0
        self._batch = _Batch()
        self._under_way: deque[_Batch] = deque()
        self._failed_in_a_row = 0

    @property
    def report(self) -> ImportReport:
        """How far it is."""
        return self._tally.report

    @property
    def failed_keys(self) -> frozenset[str]:
        """Objects that could not be read."""
        return frozenset(self._tally.failed_keys)

    def plan(self, source: Source) -> list[Planned]:
        """(1), (2) What is to be done with each object, in reading order.

        Raises:
            Unavailable: the source can't be listed.
        """
        planned = self._planned(source, source.list())
        prove = self._tools.prove
        if prove is None:
            return planned
        keys = [one.object.key for one in planned]
        proofs = prove(source, keys)
        self._tally.proofs(proofs)
        self._tally.missing((proofs.listed.keys() | proofs.doubtful) - set(keys))
        return [_with_proof(one, proofs) for one in planned]

    def plan_some(self, source: Source, objects: Sequence[SourceObject]) -> list[Planned]:
        """As `plan`, of some objects of which a queue told; their digests come later."""
        planned = self._planned(source, objects)
        if self._tools.prove is None:
            return planned
        return [replace(one, proofs=Proofs()) for one in planned]

    def _planned(self, source: Source, objects: Iterable[SourceObject]) -> list[Planned]:
        keeps_entries = self._tools.prove is not None
        return plan_objects(source.name, objects, self._tools.ledger, keeps_entries=keeps_entries)

    def run(self, plans: Sequence[tuple[Source, Sequence[Planned]]]) -> ImportReport:
        """(3) to (5) Import what the plans say.

        Raises:
            Unavailable: the source, the store or the ledger stopped answering; what is noted in
                the ledger stands.
        """
        tools = self._tools
        started = tools.clock.now()
        self._run = tools.ledger.begin(started)
        self._tally.begin(self._run, [source.name for source, _ in plans], started)
        try:
            for source, planned in plans:
                self._take(source, planned)
            self._finish()
        except BaseException as cause:
            state = "failed" if isinstance(cause, Unavailable) else "interrupted"
            with suppress(Unavailable):
                if isinstance(cause, KeyboardInterrupt):
                    self._finish()  # what was read need not be read again
            with suppress(Unavailable):
                self._close(state)
            raise
        return self._close("finished")

    def _close(self, state: str) -> ImportReport:
        now = self._tools.clock.now()
        self._tally.end(state, now)
        self._tools.ledger.commit(self._run, (), self._tally.encoded(), finished=now)
        return self._tally.report

    def _take(self, source: Source, planned: Sequence[Planned]) -> None:
        total = len(planned)
        done = 0
        to_read: list[Planned] = []
        for one in planned:
            if one.decision is Decision.READ:
                to_read.append(one)
                continue
            done += 1
            self._tally.listed(source.name, one)
            if one.decision is Decision.UNCHANGED and one.entry is not None:
                self._tally.proven(one.entry)
                if one.reason:
                    self._note(one.entry)
        self._tools.progress(self.report, done, total)
        for one, content in self._fetched(source, to_read):
            self._tally.listed(source.name, one)
            if isinstance(content, bytes):
                self._failed_in_a_row = 0
                self._read(source, one, content)
            else:
                self._fail(source, one, content)
            done += 1
            self._tools.progress(self.report, done, total)

    def _fetched(self, source: Source, planned: Iterable[Planned]) -> Iterator[_Fetched]:
        """The objects' bytes in order; from a remote source, some fetched ahead."""
        if source.is_remote:
            with ThreadPoolExecutor(self._options.jobs) as pool:
                yield from self._fetched_ahead(pool, source, planned)
            return
        for one in planned:
            yield one, self._fetch(source, one.object)

    def _fetched_ahead(
        self, pool: ThreadPoolExecutor, source: Source, planned: Iterable[Planned]
    ) -> Iterator[_Fetched]:
        waiting: deque[tuple[Planned, Future[bytes | Exception]]] = deque()
        ahead = 0
        try:
            for one in planned:
                waiting.append((one, pool.submit(self._fetch, source, one.object)))
                ahead += one.object.size_bytes
                while len(waiting) > self._options.jobs or ahead > _WAITING_BYTES:
                    first, future = waiting.popleft()
                    ahead -= first.object.size_bytes
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()

    def _fetch(self, source: Source, one: SourceObject) -> bytes | Exception:
        """The bytes, or why not; an answer that fails is asked for again."""
        pause = _FIRST_PAUSE_SECONDS
        for left in reversed(range(_TRIES)):
            try:
                return source.read(one)
            except (ObjectNotFound, IntegrityError) as problem:
                return problem
            except Unavailable as problem:
                if not left or self._tools.pause(pause):
                    return problem
                pause *= 2
        raise AssertionError

    def _fail(self, source: Source, one: Planned, problem: Exception) -> None:
        self._failed_in_a_row += not isinstance(problem, ObjectNotFound | IntegrityError)
        if self._failed_in_a_row >= _FAILURES_IN_A_ROW:
            self._finish()
            raise Unavailable(f"{source.name} stopped answering: {problem}") from problem
        reason = printable(str(problem))
        self._tally.failed(source.name, one.object.key, reason)
        self._note(_entry(source, one, Outcome.FAILED, reason=reason))

    def _read(self, source: Source, one: Planned, content: bytes) -> None:
        """(3) One object."""
        sha256 = hashlib.sha256(content).hexdigest()
        entry = _entry(source, one, Outcome.IMPORTED, sha256=sha256)
        known = one.entry
        proofs = one.proofs if one.is_provable else None
        self._tally.fetched(len(content))
        if known is not None and known.sha256 == sha256 and one.reason == "changed":
            self._tally.unchanged()
            proof = known.proof
            if proofs is not None and known.plain_sha256:
                proof = proofs.proof_of(known.key, known.plain_sha256)
            known = replace(known, version=entry.version, proof=proof)
            self._tally.proven(known)
            self._note(known)
            return
        if proofs is not None and self._options.only_proven:
            proof = proofs.proof_of(one.object.key, plain_hash(content, self._options.limits))
            if proof is not Proof.PROVEN:
                reason = f"{NOT_PROVEN}: {proof}"
                entry = replace(entry, outcome=Outcome.SKIPPED, reason=reason, proof=proof)
                self._tally.skipped(reason)
                self._tally.proven(entry)
                self._note(entry)
                return
        self._take_pieces(source, one, content, entry)

    def _take_pieces(
        self, source: Source, one: Planned, content: bytes, entry: LedgerEntry
    ) -> None:
        proofs = one.proofs if one.is_provable else None
        fresh, skipped = True, ""
        telling: ReadObject | None = None
        damaged = False
        for piece in read_pieces(
            one.object.key, content, self._options.limits, hash_plain=proofs is not None
        ):
            if piece.quarantined or (fresh and one.entry and one.entry.quarantined):
                self._quarantine(source, one, piece.quarantined, fresh=fresh)
                fresh = False
            self._tally.piece(source.name, one.object.key, piece)
            damaged = damaged or piece.form is Form.DAMAGED
            telling = piece if telling is None or telling.skipped else telling
            skipped = telling.skipped
            entry = replace(
                entry,
                form=telling.form,
                records=entry.records + len(piece.raws),
                quarantined=entry.quarantined + piece.found - len(piece.raws),
                plain_sha256=piece.plain_sha256 or entry.plain_sha256,
            )
            self._batch.raws += piece.raws
            self._batch.length += sum(map(len, piece.raws))
            if self._batch.length >= self._options.batch_bytes:
                self._flush()
        if proofs is not None:
            entry = replace(entry, proof=proofs.proof_of(entry.key, entry.plain_sha256))
        if skipped:
            entry = replace(entry, outcome=Outcome.SKIPPED, reason=skipped)
            self._tally.skipped(skipped)
        else:
            self._tally.imported(entry, changed=one.reason == "changed", damaged=damaged)
        self._tally.proven(entry)
        self._note(entry)

    def _quarantine(
        self, source: Source, one: Planned, found: tuple[Quarantined, ...], *, fresh: bool
    ) -> None:
        now = self._tools.clock.now()
        self._tools.quarantine.keep(source.name, one.object.key, found, now, fresh=fresh)

    def _note(self, entry: LedgerEntry) -> None:
        self._batch.entries.append(entry)
        if len(self._batch.entries) >= self._options.batch_objects:
            self._flush()

    def _flush(self) -> None:
        """(4) Append; what is appended meanwhile is noted."""
        batch, self._batch = self._batch, _Batch()
        if batch.raws:
            batch.appended = self._tools.store.submit(batch.raws)
            batch.raws = []
        if batch.appended is not None or batch.entries:
            self._under_way.append(batch)
        while self._under_way and _is_done(self._under_way[0]):
            self._settle()

    def _settle(self) -> None:
        """(5) Note the oldest batch's objects, once its records are durable."""
        batch = self._under_way[0]
        appended = None if batch.appended is None else batch.appended.result()
        self._under_way.popleft()  # not before: who interrupts the wait finds it again
        if appended is not None:
            self._tally.appended(appended)
        self._tools.ledger.commit(self._run, batch.entries, self._tally.encoded())

    def _finish(self) -> None:
        self._flush()
        while self._under_way:
            self._settle()


def _is_done(batch: _Batch) -> bool:
    return batch.appended is None or batch.appended.done()


def _with_proof(one: Planned, proofs: Proofs) -> Planned:
    """With what digests say now of an object that was imported before, too."""
    one = replace(one, proofs=proofs)
    entry = one.entry
    if one.decision is not Decision.UNCHANGED or entry is None or not one.is_provable:
        return one
    if not entry.plain_sha256:
        return replace(one, decision=Decision.READ, reason="not verified before")
    proof = proofs.proof_of(entry.key, entry.plain_sha256)
    if proof is entry.proof:
        return one
    return replace(one, entry=replace(entry, proof=proof), reason="other proof than before")


def _entry(
    source: Source, one: Planned, outcome: Outcome, *, sha256: str = "", reason: str = ""
) -> LedgerEntry:
    return LedgerEntry(
        source=source.name,
        key=one.object.key,
        size_bytes=one.object.size_bytes,
        version=one.object.version,
        outcome=outcome,
        sha256=sha256,
        reason=reason,
    )
