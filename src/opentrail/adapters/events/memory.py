"""The store in memory: every record is asked, so what it finds is right by its plainness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from opentrail.adapters.events.finding import whole
from opentrail.adapters.events.lookups import insight_search, search_of
from opentrail.adapters.events.segments import heads
from opentrail.adapters.events.segments.schema import HASHED_PATHS, TOP_PATHS
from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.history.lookup import LookupQuery
from opentrail.history.row import HistoryRow, history_row
from opentrail.ports.events import (
    Appended,
    Facet,
    Position,
    Search,
    StoredEvent,
    StoreFigures,
    Total,
)
from opentrail.predicate.matching import matcher
from opentrail.predicate.reading import decoded, texts_at
from opentrail.record import read_record

_ACCOUNT = TOP_PATHS.index(("recipientAccountId",))
_EVENT_ID = len(TOP_PATHS) + HASHED_PATHS.index(("eventID",))


@dataclass(frozen=True, slots=True)
class _Kept:
    event: StoredEvent
    arrived: int
    account: str
    conflict: bool
    readable: bool


class MemoryEventStore:
    """See ports.events."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: list[_Kept] = []
        self._known: dict[str, list[bytes]] = {}
        self._sequence_end = 0
        self._place: int | None = None

    def place(self) -> int | None:
        return self._place

    def append(self, raws: Sequence[bytes], *, place: int | None = None) -> Appended:
        arriving = [one for raw in raws if (one := self._new(raw)) is not None]
        # Of one append, events are numbered by their time.
        new = [
            replace(
                one,
                event=replace(one.event, position=replace(one.event.position, sequence=sequence)),
            )
            for sequence, one in enumerate(
                sorted(arriving, key=lambda one: one.event.position.event_time),
                self._sequence_end,
            )
        ]
        self._sequence_end += len(new)
        self._kept += new
        if place is not None:
            self._place = place
        return Appended(
            added=len(new),
            duplicates=len(raws) - len(new),
            conflicts=sum(one.conflict for one in new),
            unreadable=sum(not one.readable for one in new),
            sequence_end=self._sequence_end,
        )

    def _new(self, raw: bytes) -> _Kept | None:
        """The event as it will be kept, its sequence still open; None for one known already."""
        record = decoded(raw)
        odd = heads.read_odd(raw)
        known = self._known.setdefault(_key(raw), [])
        if any(raw == one or (record is not None and decoded(one) == record) for one in known):
            return None
        now = int(self._clock.now().timestamp())
        when, account = odd.event_time, odd.texts[_ACCOUNT]
        kept = _Kept(
            StoredEvent(Position(now if when is None else when, 0), raw),
            now,
            account if isinstance(account, str) else "",
            conflict=bool(known),
            readable=record is not None,
        )
        known.append(raw)
        return kept

    def lookup(self, query: LookupQuery, after: Position | None) -> tuple[StoredEvent, ...]:
        if query.insight:
            return self.search(insight_search(query, after))
        found = (one for one in self._found(search_of(query, after)) if _is_of(one, query))
        return tuple(islice(found, query.limit + 1))

    def search(self, search: Search) -> tuple[StoredEvent, ...]:
        return tuple(self.stream(search))

    def stream(self, search: Search) -> Iterator[StoredEvent]:
        return islice(self._found(search), search.limit)

    def count(self, search: Search, *, at_most: int | None = None) -> Total:
        found = sum(1 for _ in self._found(search))
        if at_most is not None and found > at_most:
            return Total(at_most, exact=False)
        return Total(found, exact=True)

    def facets(
        self, search: Search, paths: Sequence[tuple[str, ...]], *, top: int
    ) -> tuple[Facet, ...]:
        return tuple(self._facet(search, path, top) for path in paths)

    def _facet(self, search: Search, path: tuple[str, ...], top: int) -> Facet:
        counts: Counter[str] = Counter()
        missing = 0
        for event in self._found(search):
            texts = set(texts_at(decoded(event.raw) or {}, path))
            counts.update(texts)
            missing += not texts
        ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        return Facet(path, tuple(ranked[:top]), missing, sum(events for _, events in ranked[top:]))

    def histogram(self, search: Search, *, width_seconds: int) -> tuple[tuple[int, int], ...]:
        counts = Counter(
            one.position.event_time // width_seconds * width_seconds for one in self._found(search)
        )
        return tuple(sorted(counts.items()))

    def sequence_end(self) -> int:
        return self._sequence_end

    def figures(self) -> StoreFigures:
        times = [one.event.position.event_time for one in self._kept]
        return StoreFigures(
            events=len(self._kept),
            segments=1,
            disk_bytes={},
            oldest=min(times, default=None),
            newest=max(times, default=None),
            conflicts=sum(one.conflict for one in self._kept),
            unreadable=sum(not one.readable for one in self._kept),
        )

    def compact(self) -> int:
        return 0

    def expire(self, before: Mapping[str, int], *, default_before: int | None) -> int:
        kept = [
            one
            for one in self._kept
            if (bound := before.get(one.account, default_before)) is None
            or max(one.event.position.event_time, one.arrived) >= bound
        ]
        gone = len(self._kept) - len(kept)
        self._kept = kept
        if gone:
            self._known = {}
            for one in kept:
                self._known.setdefault(_key(one.event.raw), []).append(one.event.raw)
        return gone

    def _found(self, search: Search) -> Iterator[StoredEvent]:
        matches = matcher(whole(search))
        ordered = sorted(self._kept, key=lambda one: one.event.position)
        for one in reversed(ordered) if search.newest_first else ordered:
            if _within(one, search) and matches(one.event.raw):
                yield one.event


def _key(raw: bytes) -> str:
    """Its eventID, else its bytes."""
    event_id = heads.read_odd(raw).texts[_EVENT_ID]
    return f"id {event_id}" if isinstance(event_id, str) else f"bytes {raw!r}"


def _within(one: _Kept, search: Search) -> bool:
    position, after = one.event.position, search.after
    if after is not None and not (position < after if search.newest_first else position > after):
        return False
    return (
        (search.start is None or position.event_time >= search.start)
        and (search.end is None or position.event_time < search.end)
        and (search.sequence_from is None or position.sequence >= search.sequence_from)
        and (search.sequence_before is None or position.sequence < search.sequence_before)
    )


def _is_of(event: StoredEvent, query: LookupQuery) -> bool:
    try:
        record = read_record(event.raw)
        row = history_row(record)
    except (InvalidInput, ValueError):
        return False
    if (
        record.head.event_category != "Management"
        or record.head.recipient_account_id != query.account_id
        or record.head.aws_region != query.region
    ):
        return False
    return not query.attribute or query.value in _values(row)[query.attribute]


def _values(row: HistoryRow) -> dict[str, tuple[str, ...]]:
    return {
        "AccessKeyId": (row.access_key_id,),
        "EventId": (row.event_id,),
        "EventName": (row.event_name,),
        "EventSource": (row.event_source,),
        "ReadOnly": (row.read_only,),
        "ResourceName": tuple(name for _, name in row.resources),
        "ResourceType": tuple(kind for kind, _ in row.resources),
        "Username": (row.username,),
    }
