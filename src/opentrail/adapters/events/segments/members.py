"""Members of request parameters as numbers: whether one may have a text, without its record.

For each event `token:` holds 32 bits of a hash for every pair of a member's name and text within
its request parameters, however deep; `tokens:` how many there are. 0 stands for what was not
taken apart. Equal bits make a row a candidate; the record tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.texts import encode_text
from opentrail.predicate.reading import text_of

PARAMETERS = "requestParameters"
UNKNOWN = 0
MOST = 200
"""Events with more members are asked themselves."""

_BITS = 0xFFFFFFFF


def token_of(name: str, text: str, seed: int) -> int:
    """32 bits of a member's name and text, never UNKNOWN."""
    return xxhash.xxh3_64_intdigest(encode_text(f"{name}\0{text}"), seed) & _BITS or 1


class Tokens:
    """The tokens of a batch; members repeat, and are hashed once."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._known: dict[tuple[str, str], int] = {}

    def of(self, parameters: Any) -> list[int]:
        """Of every member with a text.

        Args:
            parameters: Decoded with numbers as they are spelled (see search.reading).
        """
        found: list[int] = []
        if isinstance(parameters, dict | list) and not self._gather(parameters, "", found):
            return [UNKNOWN]
        return found

    def _gather(self, value: dict[str, Any] | list[Any], name: str, found: list[int]) -> bool:
        """False when there are too many."""
        pairs = value.items() if isinstance(value, dict) else ((name, one) for one in value)
        for member, item in pairs:
            if isinstance(item, dict | list):
                if not self._gather(item, member, found):
                    return False
            elif (text := text_of(item)) is not None:
                pair = (member, text)
                token = self._known.get(pair)
                if token is None:
                    token = self._known[pair] = token_of(member, text, self._seed)
                found.append(token)
        return len(found) <= MOST


def put_members(
    arrays: dict[str, Array], tokens: Sequence[list[int]], order: npt.NDArray[np.intp]
) -> None:
    """Add the tokens of a batch, by row."""
    in_order = [tokens[number] for number in order.tolist()]
    counts = np.fromiter(map(len, in_order), np.uint8, len(in_order))
    arrays[f"tokens:{PARAMETERS}"] = counts
    arrays[f"token:{PARAMETERS}"] = np.fromiter(
        chain.from_iterable(in_order), np.uint32, int(counts.sum(dtype=np.int64))
    )


def candidates(
    arrays: Mapping[str, Array], name: str, text: str, seed: int
) -> npt.NDArray[np.intp]:
    """Rows that may have a member of that name and text."""
    tokens = arrays[f"token:{PARAMETERS}"]
    wanted = np.uint32(token_of(name, text, seed))
    places = np.flatnonzero((tokens == wanted) | (tokens == UNKNOWN))
    ends = np.cumsum(arrays[f"tokens:{PARAMETERS}"], dtype=np.uint32)
    return np.searchsorted(ends, places, "right")
