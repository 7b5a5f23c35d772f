"""Time as an argument: the system's clock, one moved by hand, and CloudTrail's time spellings."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Tells the time; whoever needs it is given one."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved; for tests and replays."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move forward (or back, with a negative step); the new time."""
        with self._lock:
            self._now += step
            return self._now


def epoch_milliseconds(when: datetime) -> int:
    """Whole milliseconds since 1970, cut not rounded; exact, as no float is made of it."""
    return (when - _EPOCH) // _MILLISECOND


_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


def iso_seconds(when: datetime) -> str:
    """`2026-11-24T09:00:00Z`: UTC, whole seconds, cut not rounded (spec: record contents)."""
    in_utc = when if when.tzinfo is UTC else when.astimezone(UTC)
    return _spelled(in_utc.replace(microsecond=0))


# Thousands of records are made in the same second.
@lru_cache(maxsize=64)
def _spelled(second: datetime) -> str:
    return second.isoformat()[:19] + "Z"


def parse_iso_seconds(text: str) -> datetime:
    """The aware UTC time of `2026-11-24T09:00:00Z`.

    Raises:
        ValueError: any other spelling.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
