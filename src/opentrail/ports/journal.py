"""The durable, ordered stream of records that every worker follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from opentrail.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Entry:
    """One appended record.

    Attributes:
        offset: Where it starts; offsets grow and never change.
        next_offset: Where the entry after it starts.
        raw: The bytes as they were appended.
        number: The call's number at its source, 0 if it has none (see ports.intents).
    """

    offset: int
    next_offset: int
    raw: bytes
    number: int = 0


class JournalDamaged(IntegrityError):
    """Bytes in the journal are not what was appended.

    Attributes:
        offset: Where the damage starts.
        resume_offset: Where the next whole entry is to be looked for.
    """

    def __init__(self, offset: int, resume_offset: int) -> None:
        super().__init__(
            f"journal is damaged from offset {offset} to {resume_offset}; "
            "the records in between can't be read"
        )
        self.offset = offset
        self.resume_offset = resume_offset


class JournalWriter(Protocol):
    """The one writer of a journal."""

    def append(self, raws: Sequence[bytes], numbers: Sequence[int] = ()) -> tuple[int, ...]:
        """Durable on return; the offsets of `raws` in order, then the offset after the last.

        Args:
            numbers: Of each entry, 0 for none; () if none has a number.

        Raises:
            Unavailable: nothing (or not surely everything) is durable; none may be acknowledged.
        """
        ...

    def trim(self, before: int) -> int:
        """Give up space of entries below `before`, some of them at least not; bytes freed.

        Who trims knows that nobody will read them again.
        """
        ...


class JournalReader(Protocol):
    """Any number of readers, in this or in other processes."""

    def read(self, offset: int, limit_bytes: int) -> tuple[Entry, ...]:
        """Entries from `offset` on, in order, about `limit_bytes` of them; () when none is there.

        Raises:
            JournalDamaged: the bytes at `offset` are not what was appended.
        """
        ...

    def first(self) -> int:
        """The offset of the oldest entry kept; 0 for an empty journal."""
        ...

    def end(self) -> int:
        """The offset that the next appended entry will have, as far as is known now."""
        ...
