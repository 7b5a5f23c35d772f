"""Which events of a batch are new.

An event whose eventID is known is a duplicate when its content is the same, to the letter or as
JSON; with other content it is kept, and counted as a conflict: one of the two is not what it says.
Events without an eventID (AWS gives none before version 1.01) are told by their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from opentrail.adapters.events.known_ids import Flags, Hashes, KnownIds, together
from opentrail.adapters.events.segments.columns import Columns
from opentrail.adapters.events.segments.segment import Segment
from opentrail.predicate.reading import decoded


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is new: for each event of a batch, in the order it came in.

    Attributes:
        conflicting: Kept, and at odds with another.
    """

    keep: Flags
    conflicting: Flags


def in_batch_order(columns: Columns) -> tuple[Hashes, Hashes]:
    """Hashes of ids and contents in the order in which the events came in."""
    ids, contents = np.empty_like(columns.id_hashes), np.empty_like(columns.content_hashes)
    ids[columns.order] = columns.id_hashes
    contents[columns.order] = columns.content_hashes
    return ids, contents


def admit(
    raws: Sequence[bytes],
    ids: Hashes,
    contents: Hashes,
    known: KnownIds,
    segments: Sequence[Segment],
) -> Admitted:
    """What of a batch is new to `known`, and to what comes before it in the batch.

    Args:
        ids: Of each event, in the order of `raws`, as `contents`.
        segments: Where events with known ids are looked at.
    """
    is_known, is_same = known.find(ids, contents)
    keep = ~is_same
    keep &= _first_of_its_kind(ids, contents)
    conflicting = np.zeros(len(raws), np.bool_)
    for number in np.flatnonzero(keep & is_known).tolist():
        if _stored_alike(raws[number], int(ids[number]), segments):
            keep[number] = False
        else:
            conflicting[number] = True
    for first, number in _repeated(ids, keep & ~is_known):
        if decoded(raws[first]) == decoded(raws[number]):
            keep[number] = False
        else:
            conflicting[number] = True
    return Admitted(keep, conflicting)


def _first_of_its_kind(ids: Hashes, contents: Hashes) -> Flags:
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(together(ids, contents), return_index=True)[1]] = True
    return first


def _repeated(ids: Hashes, among: Flags) -> list[tuple[int, int]]:
    """(first, later) of events with the same id."""
    numbers = np.flatnonzero(among)
    order = numbers[np.argsort(ids[numbers], kind="stable")]
    found: list[tuple[int, int]] = []
    first = -1
    again = np.flatnonzero(ids[order[1:]] == ids[order[:-1]]) + 1
    for place in again.tolist():
        if first < 0 or ids[order[place]] != ids[first]:
            first = int(order[place - 1])
        found.append((first, int(order[place])))
    return found


def _stored_alike(raw: bytes, hashed: int, segments: Sequence[Segment]) -> bool:
    record = decoded(raw)
    for segment in segments:
        for row in segment.rows_with_id(hashed):
            stored = segment.records.at(row)
            if stored == raw or (record is not None and decoded(stored) == record):
                return True
    return False
