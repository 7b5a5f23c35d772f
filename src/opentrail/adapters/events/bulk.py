"""Appending large batches on several cores: each batch's segment is made by a process of its own.

For each batch: (1) a builder process gets the records and makes their columns; (2) this process
decides what is new, knowing all batches before it; (3) the builder writes the segment without the
rest; (4) this process lets the catalog take it, in the order of (2), so that an event left out
because an earlier batch has it is never missing. When a batch fails, so do all that were decided
after it. Other writers go on meanwhile: what they added is looked at in (4).
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.admission import Admitted, admit, in_batch_order
from opentrail.adapters.events.known_ids import Flags, Hashes, KnownIds
from opentrail.adapters.events.segments.columns import Columns, make_columns
from opentrail.adapters.events.segments.records import Dictionaries
from opentrail.adapters.events.segments.segment import Content, SegmentEntry, write_segment
from opentrail.adapters.events.store import SegmentEventStore
from opentrail.clock import SystemClock
from opentrail.errors import Unavailable
from opentrail.ports.events import Appended


@dataclass(frozen=True, slots=True)
class Start:
    """What a builder is told once."""

    directory: Path
    seed: int


@dataclass(frozen=True, slots=True)
class Write:
    """(3) What a builder is to write."""

    name: str
    keep: Flags
    arrived: int


@dataclass(frozen=True, slots=True)
class Ids:
    """(1) What a builder tells of its batch: hashes in the order of the batch."""

    ids: Hashes
    contents: Hashes


class BulkAppender:
    """Appends batches side by side; `submit` returns at once while a builder is free."""

    def __init__(self, store: SegmentEventStore, *, builders: int = 2) -> None:
        self._store = store
        self._slots = threading.Semaphore(builders + 1)
        self._builders = [_Builder(Start(store.directory, store.seed)) for _ in range(builders)]
        self._free = list(self._builders)
        self._lock = threading.Condition()
        self._threads = ThreadPoolExecutor(builders, thread_name_prefix="bulk")
        self._known = KnownIds()
        self._own: set[int] = set()
        self._under_way: dict[int, Ids] = {}
        self._decided = 0
        self._taken = 0
        self._failed = False

    def submit(self, raws: Sequence[bytes]) -> Future[Appended]:
        """What becomes of a batch of some events; waits until not too many are under way.

        The future raises Unavailable when the batch, or one decided before it, failed.
        """
        self._slots.acquire()
        future = self._threads.submit(self._append, raws)
        future.add_done_callback(lambda _: self._slots.release())
        return future

    def close(self) -> None:
        """Wait for batches under way; end the builders."""
        self._threads.shutdown(wait=True)
        for builder in self._builders:
            builder.close()

    def _append(self, raws: Sequence[bytes]) -> Appended:
        with self._lock:
            builder = self._free.pop()
        try:
            return self._append_with(builder, raws)
        finally:
            builder.done()
            with self._lock:
                self._free.append(builder)

    def _append_with(self, builder: _Builder, raws: Sequence[bytes]) -> Appended:
        ids = builder.read(raws)
        decision = self._decide(raws, ids)
        try:
            became = self._hand_over(builder, raws, ids, decision)
        except BaseException:
            with self._lock:
                self._failed = True
                self._lock.notify_all()
            raise
        with self._lock:
            self._taken += 1
            del self._under_way[decision.ticket]
            self._lock.notify_all()
        return became

    def _decide(self, raws: Sequence[bytes], ids: Ids) -> _Decision:
        """(2) One batch after the other."""
        with self._lock:
            anew = self._known.forget_expired(self._store.expirations())
            segments = self._store.segments()
            self._known.take_in(self._known.unseen(segments))
            for under_way in self._under_way.values() if anew else ():
                self._known.add(under_way.ids, under_way.contents)
            admitted = admit(raws, ids.ids, ids.contents, self._known, segments)
            self._known.add(ids.ids, ids.contents)
            ticket = self._decided
            self._decided += 1
            self._under_way[ticket] = ids
            return _Decision(
                ticket, admitted, frozenset(one.entry.number for one in segments) | self._own
            )

    def _hand_over(
        self, builder: _Builder, raws: Sequence[bytes], ids: Ids, decision: _Decision
    ) -> Appended:
        """(3) and (4)."""
        keep = decision.admitted.keep
        while True:
            entry = builder.write(Write(self._store.new_name(), keep, self._store.now()))
            self._wait_for(decision.ticket)
            with self._store.turn():
                late = self._late(raws, ids, decision)
                if (late.keep & keep == keep).all():
                    conflicting = (decision.admitted.conflicting | late.conflicting) & keep
                    return self._taken_over(entry, keep, int(np.count_nonzero(conflicting)))
            # Another writer was quicker with some of them.
            keep = late.keep & keep
            if entry is not None:
                self._store.discard(entry)

    def _taken_over(self, entry: SegmentEntry | None, keep: Flags, conflicts: int) -> Appended:
        if entry is not None:
            number = self._store.take(replace(entry, conflicts=conflicts)).number
            with self._lock:
                self._own.add(number)
                # Its ids are known since the decision.
                self._known.mark_seen(number)
        added = int(np.count_nonzero(keep))
        return Appended(
            added=added,
            duplicates=len(keep) - added,
            conflicts=conflicts,
            unreadable=0 if entry is None else entry.unreadable,
            sequence_end=self._store.sequence_end(),
        )

    def _wait_for(self, ticket: int) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self._taken == ticket or self._failed)
            if self._failed:
                raise Unavailable("an earlier batch of events could not be written")

    def _late(self, raws: Sequence[bytes], ids: Ids, decision: _Decision) -> Admitted:
        """What is new to segments that others added since the decision."""
        seen = decision.seen | self._own
        added = [one for one in self._store.segments() if one.entry.number not in seen]
        known = KnownIds()
        known.take_in(added)
        return admit(raws, ids.ids, ids.contents, known, added)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What of a batch is new.

    Attributes:
        ticket: Its place among all batches.
        seen: Numbers of the segments that were known then.
    """

    ticket: int
    admitted: Admitted
    seen: frozenset[int]


class _Builder:
    """A builder process, from this side; used by one thread at a time."""

    def __init__(self, start: Start) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_build, args=(far, start), name="builder", daemon=True
        )
        self._process.start()
        far.close()

    def read(self, raws: Sequence[bytes]) -> Ids:
        """(1) The hashes of a batch."""
        lengths = np.fromiter(map(len, raws), np.uint32, len(raws))
        try:
            self._pipe.send_bytes(lengths.tobytes())
            self._pipe.send_bytes(b"".join(raws))
        except OSError as cause:
            raise _ended(cause) from cause
        found = self._answer()
        assert isinstance(found, Ids)
        return found

    def write(self, order: Write) -> SegmentEntry | None:
        """(3) The segment, None where nothing is left."""
        try:
            self._pipe.send(order)
        except OSError as cause:
            raise _ended(cause) from cause
        found = self._answer()
        assert found is None or isinstance(found, SegmentEntry)
        return found

    def done(self) -> None:
        """The batch is dealt with; the next may come."""
        with suppress(OSError):
            self._pipe.send(None)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()

    def _answer(self) -> object:
        try:
            found = self._pipe.recv()
        except (EOFError, OSError) as cause:
            raise _ended(cause) from cause
        if isinstance(found, str):
            raise Unavailable(f"a batch of events can't be written: {found}")
        return found


def _ended(cause: BaseException) -> Unavailable:
    return Unavailable(f"a process that writes events ended: {cause or 'no answer'}")


def _build(pipe: Connection, start: Start) -> None:
    """The builder process: batch after batch until the pipe is closed."""
    # What it makes holds no cycles; looking for them would take a fifth of the time.
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dictionaries = Dictionaries(start.directory)
    try:
        while True:
            lengths = np.frombuffer(pipe.recv_bytes(), np.uint32)
            raws = _cut(pipe.recv_bytes(), lengths)
            _build_one(pipe, start, raws, dictionaries)
    except (EOFError, OSError):
        return


def _cut(content: bytes, lengths: npt.NDArray[np.uint32]) -> list[bytes]:
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    return [content[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _build_one(
    pipe: Connection, start: Start, raws: list[bytes], dictionaries: Dictionaries
) -> None:
    columns = make_columns(raws, arrived=int(SystemClock().now().timestamp()), seed=start.seed)
    pipe.send(Ids(*in_batch_order(columns)))
    while True:
        # The next batch begins with bytes, an order is pickled.
        order = pipe.recv()
        if order is None:
            return
        pipe.send(_written(start, raws, columns, dictionaries, order))


def _written(
    start: Start, raws: list[bytes], columns: Columns, dictionaries: Dictionaries, order: Write
) -> SegmentEntry | str | None:
    kept = raws
    if not order.keep.all():
        kept = [raws[number] for number in np.flatnonzero(order.keep).tolist()]
        if not kept:
            return None
        columns = make_columns(kept, arrived=order.arrived, seed=start.seed)
    try:
        dictionaries.train_first(kept)
        content = Content(
            raws=kept,
            columns=columns,
            sequences=None,
            arrived=order.arrived,
            parquet=True,
            conflicts=0,
        )
        return write_segment(start.directory, order.name, content, dictionaries)
    except OSError as problem:
        return str(problem)
