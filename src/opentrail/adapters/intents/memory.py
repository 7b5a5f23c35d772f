"""Intents in a list; for tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentrail.ports.intents import Intent, Progress


class MemoryIntents:
    """See ports.intents."""

    def __init__(self) -> None:
        self.kept: list[Intent] = []
        self._progress = Progress()

    def append(self, intents: Sequence[Intent]) -> None:
        self.kept.extend(intents)

    def forget(self, number: int) -> None:
        self.kept = [one for one in self.kept if one.number != number]

    def note(self, progress: Progress) -> None:
        self._progress = progress

    def progress(self) -> Progress:
        return self._progress

    def read(self) -> Iterator[Intent]:
        yield from self.kept
