"""Which segments have a looked-up value, told without asking each.

For every attribute of LookupEvents all values of all segments, each with its account and region,
are known by 32 bits of a hash, in order: one search finds the segments that may have it. Segments
that came since are asked one by one, until they are many enough to be taken in.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.postings import token_of
from opentrail.adapters.events.segments.segment import Segment
from opentrail.history.lookup import LookupQuery

MANY = 48
"""So many segments are asked in a fraction of a millisecond."""


@dataclass(frozen=True, slots=True)
class _Attribute:
    """Tokens in order, and for each the place of its segment among those taken in."""

    tokens: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]


@dataclass(slots=True)
class _Taken:
    segments: tuple[Segment, ...] = ()
    numbers: frozenset[int] = frozenset()
    attributes: dict[str, _Attribute] = field(default_factory=dict)


class Directory:
    """Of one store; safe from several threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._taken = _Taken()

    def possible(self, segments: Sequence[Segment], query: LookupQuery) -> list[Segment]:
        """Those of `segments` that may have what is looked up, and a few that are to be asked."""
        taken = self._taken
        others = [one for one in segments if one.entry.number not in taken.numbers]
        if len(others) > MANY:
            with self._lock:
                self._taken = taken = _take_in(segments)
            others = []
        token = token_of(query.account_id, query.region, query.value, self._seed)
        found = _find(self._of(taken, query.attribute), token)
        alive = {one.entry.number for one in segments}
        named = [taken.segments[place] for place in found.tolist()]
        return others + [one for one in named if one.entry.number in alive]

    def _of(self, taken: _Taken, attribute: str) -> _Attribute:
        known = taken.attributes.get(attribute)
        if known is None:
            with self._lock:
                known = taken.attributes[attribute] = _attribute(taken.segments, attribute)
        return known


def _take_in(segments: Sequence[Segment]) -> _Taken:
    return _Taken(tuple(segments), frozenset(one.entry.number for one in segments))


def _attribute(segments: Sequence[Segment], attribute: str) -> _Attribute:
    tokens = [one.arrays[f"told:{attribute}"] for one in segments]
    if not tokens:
        return _Attribute(np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    places = np.repeat(np.arange(len(tokens), dtype=np.uint32), [len(one) for one in tokens])
    every = np.concatenate(tokens)
    order = np.argsort(every, kind="stable")
    return _Attribute(every[order], places[order])


def _find(attribute: _Attribute, token: int) -> npt.NDArray[np.uint32]:
    """Places of segments, each once."""
    wanted = np.uint32(token)
    first = np.searchsorted(attribute.tokens, wanted, "left")
    last = np.searchsorted(attribute.tokens, wanted, "right")
    return np.unique(attribute.places[first:last])
