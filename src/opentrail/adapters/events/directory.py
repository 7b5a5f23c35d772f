"""Which segments have a looked-up value, told without asking each.

For every attribute of LookupEvents all values of all segments, each with its account and region,
are known by 32 bits of a hash, in order: one search finds the segments that may have it. Segments
that came since are asked one by one, until they are many enough to be taken in.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.postings import token_of
from opentrail.adapters.events.segments.segment import Segment
from opentrail.history.lookup import LookupQuery

MANY = 48
"""So many segments are asked in a fraction of a millisecond."""


@dataclass(frozen=True, slots=True)
class _Attribute:
    """Tokens in order, and of each the number of its segment.

    Attributes:
        taken_in: Numbers of all segments that were asked.
    """

    tokens: npt.NDArray[np.uint32]
    numbers: npt.NDArray[np.int64]
    taken_in: frozenset[int]


_NOTHING = _Attribute(np.zeros(0, np.uint32), np.zeros(0, np.int64), frozenset())


class Directory:
    """Of one store; safe from several threads.

    It knows segments by number, and so keeps none open that is no more.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._attributes: dict[str, _Attribute] = {}

    def possible(self, segments: Sequence[Segment], query: LookupQuery) -> list[Segment]:
        """Those that may have what is looked up, and a few that are to be asked.

        Args:
            segments: All that there are now.
        """
        known = self._attributes.get(query.attribute, _NOTHING)
        others = [one for one in segments if one.entry.number not in known.taken_in]
        if len(others) > MANY:
            known, others = self._taken_in(segments, query.attribute), []
        token = token_of(query.account_id, query.region, query.value, self._seed)
        named = _find(known, token)
        return others + [one for one in segments if one.entry.number in named]

    def _taken_in(self, segments: Sequence[Segment], attribute: str) -> _Attribute:
        # Others wait: they would do the same again.
        with self._lock:
            known = self._attributes.get(attribute, _NOTHING)
            if any(one.entry.number not in known.taken_in for one in segments):
                known = self._attributes[attribute] = _attribute(segments, attribute)
            return known


def _attribute(segments: Sequence[Segment], attribute: str) -> _Attribute:
    tokens = [one.arrays[f"told:{attribute}"] for one in segments]
    numbers = np.array([one.entry.number for one in segments], np.int64)
    every = np.concatenate(tokens)
    order = np.argsort(every, kind="stable")
    return _Attribute(
        every[order],
        np.repeat(numbers, [len(one) for one in tokens])[order],
        frozenset(numbers.tolist()),
    )


def _find(attribute: _Attribute, token: int) -> frozenset[int]:
    """Numbers of segments."""
    wanted = np.uint32(token)
    first = np.searchsorted(attribute.tokens, wanted, "left")
    last = np.searchsorted(attribute.tokens, wanted, "right")
    return frozenset(attribute.numbers[first:last].tolist())
