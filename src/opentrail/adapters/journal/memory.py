"""A journal in a list; the reference for the port's suite and for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentrail.ports.journal import Entry


class MemoryJournal:
    """Writer and reader in one; an offset is the number of entries before."""

    def __init__(self) -> None:
        self._kept: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        with self._lock:
            first = len(self._kept)
            self._kept.extend(zip(raws, numbers or [0] * len(raws), strict=True))
            return tuple(range(first, len(self._kept) + 1))

    def read(self, offset: int, limit_bytes: int) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        taken = 0
        with self._lock:
            for place in range(offset, len(self._kept)):
                if taken >= limit_bytes:
                    break
                raw, number = self._kept[place]
                taken += len(raw)
                entries.append(Entry(place, place + 1, raw, number))
        return tuple(entries)

    def trim(self, before: int) -> int:  # noqa: ARG002 - nothing is given up
        return 0

    def first(self) -> int:
        return 0

    def end(self) -> int:
        with self._lock:
            return len(self._kept)
