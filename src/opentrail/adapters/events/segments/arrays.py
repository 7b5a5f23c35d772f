"""Named arrays in one file that is mapped, not read: opening costs the same at any size.

The file: 8 bytes magic, 8 bytes length of the header, the header as JSON
({name: [dtype, offset, count]}), then each array at a multiple of 64 bytes, small ones first: what
opening a segment looks at lies together.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from opentrail.errors import IntegrityError

Array = npt.NDArray[Any]

_MAGIC = b"OTARRAY1"
_START = struct.Struct("<8sQ")
_ALIGNMENT = 64
_AHEAD_BYTES = 16 * 1024
"""The header and the smallest arrays of a segment."""


class ArraysDamaged(IntegrityError):
    """A file that holds no arrays, or not all of them."""


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> int:
    """Write and sync; the file's length in bytes."""
    header: dict[str, tuple[str, int, int]] = {}
    offset = 0
    small_first = sorted(arrays.items(), key=lambda one: one[1].nbytes)
    for name, array in small_first:
        header[name] = (array.dtype.str, offset, array.size)
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    head = msgspec.json.encode(header)
    start = -(-(_START.size + len(head)) // _ALIGNMENT) * _ALIGNMENT
    with path.open("wb") as file:
        file.write(_START.pack(_MAGIC, len(head)))
        file.write(head.ljust(start - _START.size, b" "))
        for _, array in small_first:
            file.write(np.ascontiguousarray(array).data)
            file.write(bytes(-array.nbytes % _ALIGNMENT))
        file.flush()
        os.fdatasync(file.fileno())
        return file.tell()


def read_ahead(paths: Iterable[Path]) -> None:
    """Have the starts of files read at once, all side by side; files that are gone are left out."""
    for path in paths:
        with suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, _AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


class Arrays(Mapping[str, Array]):
    """The arrays of a file, mapped.

    Raises:
        ArraysDamaged: it is no such file, or too short.
        OSError: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._map = np.memmap(path, dtype=np.uint8, mode="r")
            magic, length = _START.unpack_from(self._map.data, 0)
            head = bytes(self._map[_START.size : _START.size + length])
            self._header = msgspec.json.decode(head, type=dict[str, tuple[str, int, int]])
        except (struct.error, msgspec.MsgspecError, ValueError) as cause:
            # An empty file can't be mapped, which is a ValueError.
            raise ArraysDamaged(f"{path} is not a file of arrays") from cause
        self._start = -(-(_START.size + length) // _ALIGNMENT) * _ALIGNMENT
        needed = max(
            (offset + np.dtype(kind).itemsize * count
             for kind, offset, count in self._header.values()), default=0
        )  # fmt: skip
        if magic != _MAGIC or len(self._map) < self._start + needed:
            raise ArraysDamaged(f"{path} is cut short, or not a file of arrays")

    def __getitem__(self, name: str) -> Array:
        kind, offset, count = self._header[name]
        start = self._start + offset
        dtype = np.dtype(kind)
        return np.frombuffer(self._map, dtype, count, start)

    def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - a Mapping's
        return iter(self._header)

    def __len__(self) -> int:
        return len(self._header)
