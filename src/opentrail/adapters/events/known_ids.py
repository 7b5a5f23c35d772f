"""The eventIDs that the store holds, as hashes in memory: whether an event is new."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.segment import Segment

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_SMALL = 65_536
_RATIO = 8


class HashSet:
    """Hashes in two sorted runs, a large and a small one.

    The small one is merged into the large one when it has grown to a part of it, so adding n
    hashes in batches costs n log n in all, and asking is a binary search.
    """

    def __init__(self) -> None:
        self._large = np.zeros(0, np.uint64)
        self._small = np.zeros(0, np.uint64)

    def __len__(self) -> int:
        return len(self._large) + len(self._small)

    def add(self, hashes: Hashes) -> None:
        """Those that are there already stay once, sooner or later."""
        self._small = np.unique(np.concatenate([self._small, hashes]))
        if len(self._small) > max(_SMALL, len(self._large) // _RATIO):
            self._large = np.unique(np.concatenate([self._large, self._small]))
            self._small = self._small[:0]

    def holds(self, hashes: Hashes) -> Flags:
        """For each whether it is there."""
        found = np.zeros(len(hashes), np.bool_)
        for run in (self._large, self._small):
            if len(run):
                places = np.searchsorted(run, hashes)
                places[places == len(run)] = 0
                found |= run[places] == hashes
        return found


class KnownIds:
    """Ids, and each with the content that it came with."""

    def __init__(self) -> None:
        self._ids = HashSet()
        self._with_content = HashSet()
        self._segments: set[int] = set()

    def unseen(self, segments: Sequence[Segment]) -> list[Segment]:
        """Segments not taken in yet."""
        return [one for one in segments if one.entry.number not in self._segments]

    def take_in(self, segments: Sequence[Segment]) -> None:
        """Learn the ids of segments."""
        if segments:
            self.add(*hashes_of(segments))
        self._segments.update(one.entry.number for one in segments)

    def mark_seen(self, number: int) -> None:
        """The ids of this segment are known already."""
        self._segments.add(number)

    def add(self, ids: Hashes, contents: Hashes) -> None:
        """Learn ids."""
        self._ids.add(ids)
        self._with_content.add(together(ids, contents))

    def find(self, ids: Hashes, contents: Hashes) -> tuple[Flags, Flags]:
        """For each id whether it is known, and whether with that content."""
        known = self._ids.holds(ids)
        return known, known & self._with_content.holds(together(ids, contents))


def hashes_of(segments: Sequence[Segment]) -> tuple[Hashes, Hashes]:
    """The ids of segments and the content of each."""
    ids = np.concatenate([one.arrays["by_id"] for one in segments])
    contents = np.concatenate([one.arrays["content"][one.arrays["row_by_id"]] for one in segments])
    return ids.astype(np.uint64), contents.astype(np.uint64)


def together(ids: Hashes, contents: Hashes) -> Hashes:
    """One hash of both."""
    found: Hashes = ids ^ (contents << np.uint64(32) | contents >> np.uint64(32))
    return found
