"""What is kept of a call before it is forwarded, so that a crash in between leaves a record.

Calls are numbered in the order of forwarding, in two rows: those that an intent is kept of before
they are forwarded (1, 2, 3 …), and those that are forwarded without one (UNNOTED + 1, …). An
intent holds the record that is to be written if the call's outcome never becomes known. It counts
until the call's number is in the journal. In the first row a number with neither was never
forwarded; in the second one it is a call that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be forwarded.

    Attributes:
        raw: Its record, should the outcome never become known.
    """

    number: int
    raw: bytes


UNNOTED = 1 << 62
"""Where the second row starts."""


class Progress(NamedTuple):
    """How far a source has come.

    Attributes:
        settled: Every number of the first row below is in the journal, or needs not be.
        next_number: The number that the next call of the first row will have.
        unnoted_settled: As `settled`, in the second row.
        unnoted_next: As `next_number`, in the second row.
        journal_offset: Numbers that are not settled lie here or further in the journal.
    """

    settled: int = 1
    next_number: int = 1
    unnoted_settled: int = UNNOTED + 1
    unnoted_next: int = UNNOTED + 1
    journal_offset: int = 0


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
