"""What detection tells: that an unusual rate began, and that it ended."""

from __future__ import annotations

import uuid
from enum import StrEnum

import msgspec

from opentrail.insights.counts import SeriesKey

_NAMESPACE = uuid.UUID("7b4b6a52-6b5e-5d0f-9d0c-2f6a3c1f7e11")


class Kind(StrEnum):
    """Which rule found it."""

    HIGH = "high"
    ACTIVE = "active"
    DROP = "drop"
    NEVER_SEEN = "never-seen"


class Alert(msgspec.Struct):
    """An unusual rate, from its first minute on.

    Attributes:
        since: Its first minute (since the epoch): the first in the window that stands out.
        seen: The minute in which it was told.
        window: Minutes that the counts below are of; they end at `seen`, inclusive.
        observed: Calls in the window; of ACTIVE its minutes that have any.
        expected: As the baseline has it.
        limit: The least count (of a drop the highest) that is told.
        ended: The first minute behind it; None while it lasts.
        standing: The last minute that stood out.
        quiet: Minutes since no window remembers it.
        is_over: No window does any more: nothing is told of the series because of it.
    """

    series: SeriesKey
    kind: Kind
    since: int
    seen: int
    window: int
    observed: int
    expected: float
    limit: int
    ended: int | None = None
    standing: int = 0
    quiet: int = 0
    is_over: bool = False

    @property
    def id(self) -> str:
        """The same for the same series and minute."""
        return str(uuid.uuid5(_NAMESPACE, "\x1f".join((*self.series, str(self.seen)))))
