"""Events in the order they came in, piece by piece: what a tail reads.

Sequences are given once and in order, so whoever has seen all below a sequence has missed nothing
and sees nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from opentrail.ports.events import EventReader, Search, StoredEvent

_FIRST_WINDOW = 1024
_LARGEST_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class PieceLimits:
    """How much one piece may hold; a single larger event is a piece of its own."""

    events: int = 4096
    size_bytes: int = 32 * 1024 * 1024


class Following:
    """Reads on from a sequence.

    Attributes:
        sequence: All events below it were read.
    """

    def __init__(
        self,
        events: EventReader,
        search: Search,
        sequence: int,
        limits: PieceLimits = PieceLimits(),
    ) -> None:
        """`search`: where, accounts and times; its order, limit and sequences do not count."""
        self._events = events
        self._search = replace(search, newest_first=False, after=None)
        self._limits = limits
        self._window = _FIRST_WINDOW
        self.sequence = sequence

    def read(self, end: int) -> tuple[StoredEvent, ...]:
        """The next events below the sequence `end`, by sequence; () may be followed by some.

        All are read when `sequence` has reached `end`.
        """
        window = min(self._window, end - self.sequence)
        if window <= 0:
            return ()
        found = self._found(window)
        while found is None:
            window = max(1, window // 4)
            found = self._found(window)
        self.sequence += window
        few = len(found) < self._limits.events // 4
        self._window = min(window * 2, _LARGEST_WINDOW) if few else window
        self._window = max(self._window, 1)
        return tuple(sorted(found, key=lambda one: one.position.sequence))

    def _found(self, window: int) -> list[StoredEvent] | None:
        """The events of the next `window` sequences, None if they are too many for one piece."""
        search = replace(
            self._search,
            sequence_from=self.sequence,
            sequence_before=self.sequence + window,
            limit=None,
        )
        found: list[StoredEvent] = []
        size = 0
        for event in self._events.stream(search):
            found.append(event)
            size += len(event.raw)
            if window > 1 and (len(found) > self._limits.events or size > self._limits.size_bytes):
                return None
        return found
