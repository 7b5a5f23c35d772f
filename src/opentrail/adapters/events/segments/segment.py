"""A segment: some events, written once, never changed; three files of one name.

`NAME.columns` holds named arrays (see arrays): `time` by row, oldest first; for every field of
schema `code:`, `text:` and `ends:`, for fields of several texts also `row:`; `key:`, `end:` and
`post:` for look-ups (see postings), and `told:` (see directory); `hash:` for fields
that differ in each event, `content` of the bytes; `by_id` and `row_by_id`, the rows in the order
of their eventID's hash, and `kind:eventID`, whether that is the hash of an eventID; `block_ends`
and `lengths` of the records; `sequence` where the rows were not numbered in one run, `arrived`
where they did not come in together; `numbers`: the dictionary's.
`NAME.records` holds the exact bytes (see records), `NAME.parquet` is for others (see parquet).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from opentrail.adapters.directories import sync_directory
from opentrail.adapters.events.segments.arrays import Array, Arrays, write_arrays
from opentrail.adapters.events.segments.columns import COMPLEX_HASH, Columns
from opentrail.adapters.events.segments.parquet import write_parquet
from opentrail.adapters.events.segments.records import Dictionaries, Records, write_records
from opentrail.adapters.events.segments.schema import COMPLEX, FIRST, TEXTS_OF
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.texts import Texts

PARQUET_FOLDER = "parquet"
_HASH_BITS = 64
_AROUND = 1024
"""Four times what the place of one of 65,536 random numbers varies by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """What the catalog knows of a segment.

    Attributes:
        number: Given by the catalog, growing; 0 before.
        first_sequence: Of the first row, where `numbered` is False.
        numbered: Rows have sequences of their own.
        sequence_end: Above the highest sequence in it.
        oldest: Epoch seconds of the first row.
        newest: Epoch seconds of the last row.
        arrived: Epoch seconds when its last event came in.
        bytes: Of records, columns and parquet.
    """

    number: int = 0
    name: str
    rows: int
    first_sequence: int
    numbered: bool
    sequence_end: int
    oldest: int
    newest: int
    arrived: int
    bytes: tuple[int, int, int]
    conflicts: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What goes into a segment.

    Attributes:
        raws: In the order they came in.
        sequences: Of each of them; None: the catalog numbers the rows.
        arrived: Epoch seconds when they came in, all or each.
        parquet: Whether the open file is written, too.
    """

    raws: Sequence[bytes]
    columns: Columns
    sequences: npt.NDArray[np.int64] | None
    arrived: int | npt.NDArray[np.int64]
    parquet: bool
    conflicts: int


def write_segment(
    directory: Path, name: str, content: Content, dictionaries: Dictionaries
) -> SegmentEntry:
    """The files of a segment, synced; it counts once the catalog has it."""
    columns, sequences = content.columns, content.sequences
    order = columns.order.tolist()
    dictionary = dictionaries.newest()
    path = directory / f"{name}.records"
    in_order = (content.raws[number] for number in order)
    written = write_records(path, in_order, dictionaries.compressor(dictionary))
    by_id = np.argsort(columns.id_hashes, kind="stable")
    arrays: dict[str, Array] = dict(columns.arrays)
    arrays["by_id"] = columns.id_hashes[by_id]
    arrays["row_by_id"] = by_id.astype(np.uint32)
    arrays["block_ends"], arrays["lengths"] = written.block_ends, written.lengths
    arrays["numbers"] = np.array([dictionary], np.int64)
    if sequences is not None:
        arrays["sequence"] = sequences[columns.order]
    if not isinstance(content.arrived, int):
        # In half the space, until 2106.
        arrays["arrived"] = content.arrived[columns.order].astype(np.uint32)
    column_bytes = write_arrays(directory / f"{name}.columns", arrays)
    parquet_bytes = 0
    if content.parquet:
        folder = directory / PARQUET_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        # Others read whatever is in the folder: it comes there when it is whole.
        aside = directory / f"{name}.parquet"
        parquet_bytes = write_parquet(aside, columns, content.raws)
        aside.rename(folder / aside.name)
        sync_directory(folder)
    sync_directory(directory)
    return SegmentEntry(
        name=name,
        rows=len(order),
        first_sequence=0,
        numbered=sequences is not None,
        sequence_end=0 if sequences is None else int(sequences.max()) + 1,
        oldest=int(columns.times[0]),
        newest=int(columns.times[-1]),
        arrived=int(np.max(content.arrived)),
        bytes=(path.stat().st_size, column_bytes, parquet_bytes),
        conflicts=content.conflicts,
        unreadable=columns.unreadable,
    )


def columns_path(directory: Path, entry: SegmentEntry) -> Path:
    """The file of a segment that is read first."""
    return directory / f"{entry.name}.columns"


class Segment:
    """An open segment.

    Raises:
        FileNotFoundError: it was joined with others since the catalog was read.
        IntegrityError: its files are not what was written.
    """

    def __init__(self, directory: Path, entry: SegmentEntry, dictionaries: Dictionaries) -> None:
        self.entry = entry
        self.arrays = Arrays(columns_path(directory, entry))
        self.times = self.arrays["time"]
        self._texts: dict[str, Texts] = {}
        self._complex: dict[FieldPath, bool] = {}
        self.records = Records(
            directory / f"{entry.name}.records",
            self.arrays["block_ends"],
            self.arrays["lengths"],
            dictionaries,
            int(self.arrays["numbers"][0]),
        )
        self._sequences = self.arrays["sequence"] if entry.numbered else None
        self.parquet = directory / PARQUET_FOLDER / f"{entry.name}.parquet"

    def sequences(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Of those rows."""
        if self._sequences is None:
            return rows + self.entry.first_sequence
        return self._sequences[rows]

    @cached_property
    def record_bytes(self) -> int:
        """Of all records as they came in."""
        return int(self.arrays["lengths"].sum(dtype=np.int64))

    def arrivals(self) -> npt.NDArray[np.int64]:
        """Epoch seconds when each row came in."""
        if "arrived" in self.arrays:
            return self.arrays["arrived"].astype(np.int64)
        return np.full(self.entry.rows, self.entry.arrived, np.int64)

    def codes(self, path: FieldPath) -> Array:
        """By row; for a field of several texts by entry."""
        return self.arrays["code:" + ".".join(path)]

    def has_complex(self, path: FieldPath) -> bool:
        """Whether an event's value of a field can't be told by one text."""
        found = self._complex.get(path)
        if found is None:
            found = self._complex[path] = bool((self.codes(path) == COMPLEX).any())
        return found

    def entry_rows(self, path: FieldPath) -> Array:
        """The row of each entry of a field of several texts."""
        return self.arrays["row:" + ".".join(path)]

    def texts(self, path: FieldPath) -> Texts:
        """The distinct texts of a field."""
        name = ".".join(TEXTS_OF.get(path, path))
        if name not in self._texts:
            self._texts[name] = Texts(self.arrays[f"text:{name}"], self.arrays[f"ends:{name}"])
        return self._texts[name]

    def event_id_hashes(self) -> npt.NDArray[np.uint64]:
        """By row; NO_HASH and COMPLEX_HASH where there is no one eventID."""
        kinds = self.arrays["kind:eventID"]
        found = kinds.astype(np.uint64)
        by_row = np.empty(len(kinds), np.uint64)
        by_row[self.arrays["row_by_id"]] = self.arrays["by_id"]
        return np.where(kinds > COMPLEX_HASH, by_row, found)

    def row_at(self, when: int) -> int:
        """The first row that is not before `when`."""
        limits = np.iinfo(self.times.dtype)
        if when < limits.min:
            return 0
        if when > limits.max:
            return len(self.times)
        return int(np.searchsorted(self.times, self.times.dtype.type(when)))

    def code(self, path: FieldPath, text: str) -> int | None:
        """The code of a text of a field, None if the field never has it here."""
        number = self.texts(path).find(text)
        return None if number is None else number + FIRST

    def rows_with_id(self, hashed: int) -> list[int]:
        """Rows whose eventID (or bytes, where there is none) has this hash."""
        hashes = self._sorted_hashes
        # Hashes are spread evenly: a look around the place where it should be nearly always does.
        near = hashed * len(hashes) >> _HASH_BITS
        low, high = max(0, near - _AROUND), min(len(hashes), near + _AROUND)
        if low and hashes[low] >= hashed:
            low = 0
        if high < len(hashes) and hashes[high - 1] < hashed:
            high = len(hashes)
        first = last = bisect_left(hashes, hashed, low, high)
        while last < len(hashes) and hashes[last] == hashed:
            last += 1
        found: list[int] = self.arrays["row_by_id"][first:last].tolist() if last > first else []
        return found

    @cached_property
    def _sorted_hashes(self) -> memoryview:
        return self.arrays["by_id"].data
