"""Which segments are joined, and their records together.

Segments of like size are joined when there are several, so that each record is written again a
few times at the most however many come in, and the number of segments grows with the logarithm
of what arrives in small pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.segment import Segment

LARGEST_ROWS = 65_536
ROW_BYTES = 2_048
"""Larger records count as several rows: more than 128 MB of records would need more memory to be
written than a small machine has to spare."""

_LEVELS = (16, 128, 1_024, 8_192, 32_768)
_SEVERAL = 8
_PATIENCE_SECONDS = 300
"""After that even few small segments are joined: the open files wait for them."""


def choose(segments: Sequence[Segment], now: int) -> list[Segment]:
    """Segments to be joined next, or one that lacks its open file; [] if none."""
    floor = 0
    for ceiling in _LEVELS:
        alike = [one for one in segments if floor <= _size(one) < ceiling]
        if len(alike) >= _SEVERAL:
            return _fitting(alike)
        floor = ceiling
    waiting = [
        one
        for one in segments
        if not one.entry.bytes[2] and now - one.entry.arrived > _PATIENCE_SECONDS
    ]
    return _fitting(waiting) or waiting[:1]


def _size(segment: Segment) -> int:
    """In rows."""
    return max(segment.entry.rows, segment.record_bytes // ROW_BYTES)


def _fitting(alike: list[Segment]) -> list[Segment]:
    """Neighbours in time, as many as one segment may hold."""
    chosen: list[Segment] = []
    size = 0
    for one in sorted(alike, key=lambda segment: segment.entry.oldest):
        size += _size(one)
        if chosen and size > LARGEST_ROWS:
            break
        chosen.append(one)
    return chosen if len(chosen) > 1 else []


@dataclass(frozen=True, slots=True)
class Together:
    """Records in the order of their sequences, and of each its sequence and two times."""

    raws: list[bytes]
    sequences: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    arrivals: npt.NDArray[np.int64]


def together(segments: Sequence[Segment], keep: npt.NDArray[np.bool_] | None) -> Together:
    """The records of segments.

    Args:
        keep: For each row of the one segment given; None for all rows of all.
    """
    raws: list[bytes] = []
    sequences: list[npt.NDArray[np.int64]] = []
    times: list[npt.NDArray[np.int64]] = []
    arrivals: list[npt.NDArray[np.int64]] = []
    for segment in segments:
        raws.extend(segment.records.all())
        sequences.append(segment.sequences(np.arange(segment.entry.rows)))
        times.append(segment.times.astype(np.int64))
        arrivals.append(segment.arrivals())
    numbers = np.concatenate(sequences)
    order = np.argsort(numbers)
    if keep is not None:
        order = order[keep[order]]
    return Together(
        [raws[number] for number in order.tolist()],
        numbers[order],
        np.concatenate(times)[order],
        np.concatenate(arrivals)[order],
    )
