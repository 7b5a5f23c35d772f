"""The eventIDs that the store holds, as hashes in memory: whether an event is new."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.segment import Segment

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]


class HashSet:
    """Hashes in sorted runs, each more than twice as long as the next.

    A new batch is a run; runs of like length are merged. So each hash is merged a few times however
    many come in, and asking is a binary search in a few runs.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def add(self, hashes: Hashes) -> None:
        """Those that are there already do no harm."""
        run = np.sort(hashes)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            # Stable sorting takes two sorted runs as what they are: it only merges.
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
            # Segments that another process joined bring theirs once more.
            new = run[1:] != run[:-1]
            if not new.all():
                run = run[np.append(True, new)]
        self._runs.append(run)

    def holds(self, hashes: Hashes) -> Flags:
        """For each whether it is there."""
        found = np.zeros(len(hashes), np.bool_)
        for run in self._runs:
            if len(run):
                places = np.searchsorted(run, hashes)
                places[places == len(run)] = 0
                found |= run[places] == hashes
        return found


class KnownIds:
    """Ids, and each with the content that it came with."""

    def __init__(self) -> None:
        self._clear(0)

    def _clear(self, expirations: int) -> None:
        self._ids = HashSet()
        self._with_content = HashSet()
        self._segments: set[int] = set()
        self._expirations = expirations

    def forget_expired(self, expirations: int) -> bool:
        """Begin anew if events were forgotten since, by whomever; whether that was so.

        Args:
            expirations: As the catalog counts them.
        """
        if expirations == self._expirations:
            return False
        self._clear(expirations)
        return True

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
