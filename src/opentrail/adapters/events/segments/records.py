"""The exact bytes of records: blocks of a few, each compressed with a dictionary of its own kind.

A look-up reads one small block for each event it shows; a shared dictionary makes small blocks
nearly as dense as large ones (docs/explanation/performance.md).
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import zstandard

from opentrail.errors import IntegrityError

BLOCK_RECORDS = 16
LEVEL = 1
DICTIONARY_BYTES = 112 * 1024
TRAINED_WITH = 4096
"""Fewer records make a poor dictionary; segments are written without one until then."""

_TRAINING_RECORDS = 20_000


class RecordsDamaged(IntegrityError):
    """A block that can't be read: its bytes are not what was written."""


class Dictionaries:
    """The dictionaries of a store, by number; 0 is none."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._training = threading.Lock()
        self._local = threading.local()

    def compressor(self, number: int) -> zstandard.ZstdCompressor:
        """One that writes checksums, of this thread."""
        known: dict[int, zstandard.ZstdCompressor] | None
        known = getattr(self._local, "compressors", None)
        if known is None:
            known = self._local.compressors = {}
        if number not in known:
            known[number] = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=self._read(number), write_checksum=True
            )
        return known[number]

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        """Of this thread: none can be used by two at once."""
        known: dict[int, zstandard.ZstdDecompressor] | None
        known = getattr(self._local, "decompressors", None)
        if known is None:
            known = self._local.decompressors = {}
        if number not in known:
            known[number] = zstandard.ZstdDecompressor(dict_data=self._read(number))
        return known[number]

    def newest(self) -> int:
        """The dictionary to write with, 0 if there is none."""
        return max((int(path.stem) for path in self._directory.glob("*.dictionary")), default=0)

    def train_first(self, raws: Sequence[bytes]) -> None:
        """A dictionary from these records, if they are many and there is none yet."""
        if len(raws) < TRAINED_WITH or self.newest():
            return
        with self._training:
            if not self.newest():
                self.train(raws)

    def train(self, raws: Sequence[bytes]) -> int:
        """A new dictionary, durable; its number, 0 if these records give none."""
        step = max(1, len(raws) // _TRAINING_RECORDS)
        try:
            trained = zstandard.train_dictionary(DICTIONARY_BYTES, list(raws[::step]), level=LEVEL)
        except zstandard.ZstdError:
            return 0
        number = self.newest() + 1
        path = self._path(number)
        aside = path.with_suffix(f".{os.getpid()}")
        with aside.open("wb") as file:
            file.write(trained.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        # Another process may have been first; its dictionary serves as well.
        with suppress(FileExistsError):
            os.link(aside, path)
        aside.unlink()
        return number

    def _read(self, number: int) -> zstandard.ZstdCompressionDict | None:
        if not number:
            return None
        return zstandard.ZstdCompressionDict(self._path(number).read_bytes())

    def _path(self, number: int) -> Path:
        return self._directory / f"{number}.dictionary"


@dataclass(frozen=True, slots=True)
class Written:
    """What a segment keeps to find its records again.

    Attributes:
        block_ends: Offset behind each block.
        lengths: Of each record.
    """

    block_ends: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.uint32]


def write_records(
    path: Path, raws: Iterator[bytes], compressor: zstandard.ZstdCompressor
) -> Written:
    """Write and sync."""
    lengths: list[int] = []
    ends: list[int] = []
    block: list[bytes] = []
    with path.open("wb", buffering=1024 * 1024) as file:
        end = 0
        for raw in raws:
            lengths.append(len(raw))
            block.append(raw)
            if len(block) == BLOCK_RECORDS:
                end += file.write(compressor.compress(b"".join(block)))
                ends.append(end)
                block.clear()
        if block:
            end += file.write(compressor.compress(b"".join(block)))
            ends.append(end)
        file.flush()
        os.fdatasync(file.fileno())
    return Written(np.array(ends, np.uint64), np.array(lengths, np.uint32))


class Records:
    """The records of one segment, by row; safe from several threads."""

    def __init__(
        self,
        path: Path,
        ends: npt.NDArray[np.uint64],
        lengths: npt.NDArray[np.uint32],
        dictionaries: Dictionaries,
        dictionary: int,
    ) -> None:
        self._path = path
        self._ends = ends
        self._lengths = lengths
        self._dictionaries = dictionaries
        self._dictionary = dictionary
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""

    def at(self, row: int) -> bytes:
        """The bytes of one record.

        Raises:
            RecordsDamaged: its block can't be read.
        """
        return self.block(row // BLOCK_RECORDS)[row % BLOCK_RECORDS]

    def block(self, number: int) -> list[bytes]:
        """The records of one block, in the order of rows."""
        plain = self.plain(number)
        first = number * BLOCK_RECORDS
        found: list[bytes] = []
        position = 0
        for length in self._lengths[first : first + BLOCK_RECORDS].tolist():
            found.append(plain[position : position + length])
            position += length
        return found

    def plain(self, number: int) -> bytes:
        """The records of one block, one behind the other."""
        start = int(self._ends[number - 1]) if number else 0
        packed = self._map[start : int(self._ends[number])]
        try:
            return self._dictionaries.decompressor(self._dictionary).decompress(packed)
        except zstandard.ZstdError as cause:
            raise RecordsDamaged(
                f"{self._path.name}: block {number} at offset {start} can't be read: {cause}"
            ) from cause

    def all(self) -> Iterator[bytes]:
        """Every record, in the order of rows."""
        for number in range(len(self._ends)):
            yield from self.block(number)
