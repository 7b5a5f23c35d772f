"""What is kept of a call before it is forwarded, so that a crash in between leaves a record.

Every call of a source has a number: 1, 2, 3 … in the order of forwarding. An intent holds the
record that is to be written if the call's outcome never becomes known. It counts until the call's
number is in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be forwarded.

    Attributes:
        raw: Its record, should the outcome never become known.
    """

    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source has come.

    Attributes:
        settled: Every number below is in the journal, or needs not be.
        journal_offset: Numbers from `settled` on lie here or further in the journal.
        next_number: The number that the next call will have.
    """

    settled: int = 1
    journal_offset: int = 0
    next_number: int = 1


class IntentLog(Protocol):
    """The intents of one source; one writer."""

    def append(self, intents: Sequence[Intent]) -> None:
        """Durable on return.

        Raises:
            Unavailable: none may be forwarded.
        """
        ...

    def forget(self, number: int) -> None:
        """The call is settled: its intent need not be kept any longer."""
        ...

    def note(self, progress: Progress) -> None:
        """Remember the progress: at once for this and other processes, though not synced.

        After a loss of power an older one may come back, which only means more to look through.
        """
        ...

    def progress(self) -> Progress:
        """The progress last noted."""
        ...

    def read(self) -> Iterator[Intent]:
        """The intents still kept, in no order; those of numbers settled long ago among them."""
        ...
