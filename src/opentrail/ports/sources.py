"""Where existing logs lie: objects to be listed and read, and notices of new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceObject:
    """One object of a source.

    Attributes:
        key: Unique in the source; text as the source spells it, bytes that are no UTF-8 as
            surrogate escapes.
        version: Differs when the content may differ: an ETag, or a time of change.
        problem: Why it can't be read; "" if it can.
        skip: Why there is nothing to be read; "" if there is.
    """

    key: str
    size_bytes: int
    version: str
    problem: str = ""
    skip: str = ""


class Source(Protocol):
    """Objects under one name.

    Attributes:
        name: What the ledger knows it by; the same place has the same name in every run.
        is_remote: Reading waits for somebody else, so that several at once are quicker than one.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_remote(self) -> bool: ...

    def list(self) -> Iterator[SourceObject]:
        """Every object, in any order.

        Raises:
            Unavailable: the source does not answer or refuses.
        """
        ...

    def find(self, key: str) -> SourceObject | None:
        """The object now; None if there is none, or if it is no part of the source.

        Raises:
            Unavailable: as `list`.
        """
        ...

    def read(self, one: SourceObject) -> bytes:
        """Its bytes as stored, all of them.

        Raises:
            ObjectNotFound: it is gone.
            Unavailable: the source does not answer or refuses, or gave only a part.
        """
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue; `receipt` deletes it."""

    receipt: str
    body: str


class MessageQueue(Protocol):
    """A queue that gives a message again until it is deleted."""

    def receive(self, wait_seconds: int) -> tuple[Message, ...]:
        """Some messages; waits for the first one at most so long.

        Raises:
            Unavailable: the queue does not answer or refuses.
        """
        ...

    def delete(self, messages: Sequence[Message]) -> None:
        """They are dealt with.

        Raises:
            Unavailable: as `receive`; they will come again.
        """
        ...
