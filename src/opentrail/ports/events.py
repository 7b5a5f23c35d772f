"""The store of every recorded and imported event: what all searching reads.

Writers and readers may be different processes on one directory. Events with an eventID that the
store already holds are left out when their content is the same, and kept and counted as
conflicts when it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opentrail.history.lookup import LookupQuery
from opentrail.predicate.expression import EVERYTHING, Expression


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where an event stands: by time, then by when it came in. Never changes.

    Attributes:
        event_time: Epoch seconds.
        sequence: Given once, unique, growing from append to append, and by time within one.
    """

    event_time: int
    sequence: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event.

    Attributes:
        raw: The record's bytes exactly as they came in.
    """

    position: Position
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for.

    Attributes:
        start: Epoch seconds, inclusive; None for no bound.
        end: Epoch seconds, exclusive; None for no bound.
        accounts: recipientAccountIds whose events may show; None for all.
        after: The last event of the page before.
        limit: Events wanted at the most; None for all.
        sequence_from: Only events whose sequence is at least this (for a live tail).
        sequence_before: Only events whose sequence is lower (a fixed view while others come in).
    """

    where: Expression = EVERYTHING
    start: int | None = None
    end: int | None = None
    accounts: frozenset[str] | None = None
    newest_first: bool = True
    after: Position | None = None
    limit: int | None = 50
    sequence_from: int | None = None
    sequence_before: int | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """How many events a search finds.

    Attributes:
        exact: False: there are at least `events`.
    """

    events: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """How often values of one field occur.

    Attributes:
        values: (text, events), most frequent first, of equal ones in text order.
        missing: Events without the field.
        others: Events counted under values that are not listed.
    """

    path: tuple[str, ...]
    values: tuple[tuple[str, int], ...]
    missing: int
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of the events given to `append`.

    Attributes:
        added: Kept and searchable.
        duplicates: Already there.
        conflicts: Of those added, how many have the eventID of an event of other content.
        unreadable: Kept as they are, though no record could be read from them.
        sequence_end: One above the last sequence given so far.
    """

    added: int
    duplicates: int
    conflicts: int
    unreadable: int
    sequence_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What the store holds.

    Attributes:
        disk_bytes: By kind: records, columns, parquet, catalog.
        oldest: Epoch seconds of the oldest event, None without events.
    """

    events: int
    segments: int
    disk_bytes: Mapping[str, int] = field(default_factory=dict)
    oldest: int | None = None
    newest: int | None = None
    conflicts: int = 0
    unreadable: int = 0


class EventReader(Protocol):
    """Any number of readers; each call sees what was appended before it."""

    def lookup(self, query: LookupQuery, after: Position | None) -> tuple[StoredEvent, ...]:
        """At most `query.limit + 1` management (or Insights) events, newest first."""
        ...

    def search(self, search: Search) -> tuple[StoredEvent, ...]:
        """The events found, in the order asked for; at most `search.limit`."""
        ...

    def stream(self, search: Search) -> Iterator[StoredEvent]:
        """As `search`, one after the other with bounded memory; `limit` None for millions."""
        ...

    def count(self, search: Search, *, at_most: int | None = None) -> Total:
        """How many there are; stops counting at `at_most`."""
        ...

    def facets(
        self, search: Search, paths: Sequence[tuple[str, ...]], *, top: int
    ) -> tuple[Facet, ...]:
        """The `top` values of each path among the events found."""
        ...

    def histogram(self, search: Search, *, width_seconds: int) -> tuple[tuple[int, int], ...]:
        """(start of the interval, events) of intervals that hold any, oldest first."""
        ...

    def sequence_end(self) -> int:
        """One above the last sequence given so far."""
        ...

    def figures(self) -> StoreFigures:
        """What the store holds now."""
        ...


class EventStore(EventReader, Protocol):
    """A writer; several processes may write in turn."""

    def append(self, raws: Sequence[bytes], *, place: int | None = None) -> Appended:
        """Durable and searchable on return; all of it or nothing.

        Args:
            raws: Records as they came in.
            place: How far the journal is dealt with, kept in the same step.
        """
        ...

    def place(self) -> int | None:
        """The place kept last, None before the first."""
        ...

    def compact(self) -> int:
        """One step of background work: joining small segments; how many were joined."""
        ...

    def expire(self, before: Mapping[str, int], *, default_before: int | None) -> int:
        """Forget events that are too old; how many they were. They may come again.

        An event's age counts from its time or from when it came in, whichever is later.

        Args:
            before: recipientAccountId to epoch seconds: older events go.
            default_before: For accounts not named; None keeps them for good.
        """
        ...
