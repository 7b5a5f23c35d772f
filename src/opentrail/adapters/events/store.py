"""Writing the store: new segments, each event once.

A segment's files are written and synced first, then the catalog takes it in one transaction,
together with whatever else must be true at the same time; what a crash leaves between is swept
away at the next start. Writers in several processes take turns.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.admission import admit, in_batch_order
from opentrail.adapters.events.known_ids import KnownIds
from opentrail.adapters.events.reader import SegmentEventReader
from opentrail.adapters.events.segments.columns import Columns, make_columns
from opentrail.adapters.events.segments.segment import Content, Segment, SegmentEntry, write_segment
from opentrail.adapters.events.upkeep import expiry, joining
from opentrail.adapters.events.writing import Writer, remove_files, sweep, turn
from opentrail.clock import Clock
from opentrail.ports.events import Appended

PARQUET_ROWS = 1024
"""Smaller segments are joined with others soon; an open file is not worth its making."""


class SegmentEventStore(SegmentEventReader):
    """See ports.events."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        super().__init__(directory)
        self._clock = clock
        self._writer = Writer(directory)
        self._known = KnownIds()
        # Joining takes long: what comes in does not wait for it.
        self._appending = threading.Lock()
        self._joining = threading.Lock()

    @property
    def directory(self) -> Path:
        """Where the store is."""
        return self._directory

    @property
    def seed(self) -> int:
        """Of the hashes of this store."""
        return self._catalog.seed

    def append(self, raws: Sequence[bytes], *, place: int | None = None) -> Appended:
        with self._appending, self.turn():
            columns = self.columns(raws) if raws else None
            self._known.forget_expired(self.expirations())
            segments = self._snapshots.newest().segments
            self._known.take_in(self._known.unseen(segments))
            conflicts = 0
            kept: Sequence[bytes] = raws
            if columns is not None:
                admitted = admit(raws, *in_batch_order(columns), self._known, segments)
                conflicts = int(np.count_nonzero(admitted.conflicting))
                if not admitted.keep.all():
                    kept = [raws[number] for number in np.flatnonzero(admitted.keep).tolist()]
                    columns = self.columns(kept) if kept else None
            entry = None if columns is None else self.write(kept, columns, conflicts=conflicts)
            if entry is not None or place is not None:
                entry = self._hand_over(entry, place)
            if entry is not None and columns is not None:
                self._known.add(*in_batch_order(columns))
                self._known.mark_seen(entry.number)
            return Appended(
                added=len(kept),
                duplicates=len(raws) - len(kept),
                conflicts=conflicts,
                unreadable=0 if columns is None else columns.unreadable,
                sequence_end=self.sequence_end(),
            )

    def columns(self, raws: Sequence[bytes]) -> Columns:
        """The columns of records that come in now."""
        return make_columns(raws, arrived=self.now(), seed=self._catalog.seed)

    def write(
        self,
        raws: Sequence[bytes],
        columns: Columns,
        *,
        conflicts: int = 0,
        sequences: npt.NDArray[np.int64] | None = None,
        arrived: npt.NDArray[np.int64] | None = None,
    ) -> SegmentEntry:
        """The files of a new segment, synced, for the catalog to take."""
        self._dictionaries.train_first(raws)
        content = Content(
            raws=raws,
            columns=columns,
            sequences=sequences,
            arrived=self.now() if arrived is None else arrived,
            parquet=sequences is not None or len(raws) >= PARQUET_ROWS,
            conflicts=conflicts,
        )
        return write_segment(self._directory, self.new_name(), content, self._dictionaries)

    def expirations(self) -> int:
        """Grows whenever events are forgotten, by whomever."""
        return self._catalog.expirations()

    def turn(self) -> AbstractContextManager[None]:
        """Alone among the writers of this store until the end of the block."""
        return turn(self._directory)

    def segments(self) -> tuple[Segment, ...]:
        """All segments as of now."""
        return self._snapshots.newest().segments

    def new_name(self) -> str:
        """A name for a segment that no other has."""
        return self._writer.new_name()

    def take(self, entry: SegmentEntry) -> SegmentEntry:
        """A written segment becomes part of the store."""
        with self._catalog.changing():
            return self._catalog.add(entry)

    def discard(self, entry: SegmentEntry) -> None:
        """A written segment is not to become part of the store."""
        remove_files(self._directory, [entry.name])

    def compact(self) -> int:
        with self._joining, turn(self._directory, "joining"):
            chosen = joining.choose(self._snapshots.newest().segments, self.now())
            if not chosen:
                return 0
            self._replace(chosen, None)
            return len(chosen)

    def expire(self, before: Mapping[str, int], *, default_before: int | None) -> int:
        gone = 0
        with self._joining, turn(self._directory, "joining"):
            for segment in self._snapshots.newest().segments:
                keep = expiry.kept_rows(segment, before, default_before)
                if expiry.worth_it(segment, keep, before, default_before):
                    self._replace([segment], keep)
                    gone += int(np.count_nonzero(~keep))
        return gone

    def sweep(self) -> int:
        """Remove what writers that died left behind."""
        with self.turn():
            return sweep(
                self._directory,
                lambda: frozenset(one.name for one in self._catalog.segments()),
            )

    def close(self) -> None:
        """Nothing may be appended afterwards."""
        self._writer.close()
        super().close()

    def _hand_over(self, entry: SegmentEntry | None, place: int | None) -> SegmentEntry | None:
        with self._catalog.changing():
            if place is not None:
                self._catalog.set_place(place)
            return None if entry is None else self._catalog.add(entry)

    def _replace(self, segments: Sequence[Segment], keep: npt.NDArray[np.bool_] | None) -> None:
        """One segment in the place of several, without rows that are not to be kept."""
        together = joining.together(segments, keep)
        entry = None
        if together.raws:
            # Records that tell no time keep the one that they have.
            columns = make_columns(together.raws, arrived=together.times, seed=self._catalog.seed)
            entry = self.write(
                together.raws,
                columns,
                sequences=together.sequences,
                arrived=together.arrivals,
                conflicts=sum(one.entry.conflicts for one in segments),
            )
        with self._catalog.changing():
            self._catalog.remove([one.entry.number for one in segments])
            if keep is not None:
                self._catalog.note_expiration()
            if entry is not None:
                entry = self._catalog.add(entry)
        if entry is not None:
            self._known.mark_seen(entry.number)
        remove_files(self._directory, [one.entry.name for one in segments])

    def now(self) -> int:
        """Epoch seconds."""
        return int(self._clock.now().timestamp())
