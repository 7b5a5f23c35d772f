"""Events that are older than they are to be kept.

An event's age counts from its own time or from when it came in, whichever is later: so what is
imported from long ago is kept as long as what is recorded now.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from opentrail.adapters.events.segments.schema import ABSENT, FIRST
from opentrail.adapters.events.segments.segment import Segment

_DAY = 86_400
_ACCOUNT = ("recipientAccountId",)
_PART = 4
_NEVER = np.iinfo(np.int64).min


def kept_rows(
    segment: Segment, before: Mapping[str, int], default_before: int | None
) -> npt.NDArray[np.bool_]:
    """For each row whether it stays."""
    return _ages(segment) >= _bounds(segment, before, default_before)


def worth_it(
    segment: Segment,
    keep: npt.NDArray[np.bool_],
    before: Mapping[str, int],
    default_before: int | None,
) -> bool:
    """Whether a segment is written anew: much of it has expired, or some a day ago."""
    gone = ~keep
    if not gone.any():
        return False
    if np.count_nonzero(gone) * _PART >= len(keep):
        return True
    bounds = _bounds(segment, before, default_before)
    return bool((_ages(segment)[gone] < bounds[gone] - _DAY).any())


def _ages(segment: Segment) -> npt.NDArray[np.int64]:
    return np.maximum(segment.times.astype(np.int64), segment.arrivals())


def _bounds(
    segment: Segment, before: Mapping[str, int], default_before: int | None
) -> npt.NDArray[np.int64]:
    default = _NEVER if default_before is None else default_before
    texts = segment.texts(_ACCOUNT).all()
    table = np.array([default] * FIRST + [before.get(text, default) for text in texts], np.int64)
    table[ABSENT] = default
    bounds: npt.NDArray[np.int64] = table[segment.codes(_ACCOUNT)]
    return bounds
