"""Searching the segments; any number of threads and processes at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from opentrail.adapters.events import lookups
from opentrail.adapters.events.catalog import Catalog
from opentrail.adapters.events.directory import Directory
from opentrail.adapters.events.finding import (
    Blocks,
    Hit,
    Matches,
    hits_of,
    in_order,
    possible,
    rows_in_range,
    whole,
)
from opentrail.adapters.events.id_filters import IdFilters
from opentrail.adapters.events.prefilter import narrow
from opentrail.adapters.events.segments.columns import hash_of
from opentrail.adapters.events.segments.postings import ATTRIBUTES
from opentrail.adapters.events.segments.records import Dictionaries
from opentrail.adapters.events.segments.schema import FIRST, LIST_PATHS, SINGLE_PATHS
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.events.snapshot import Snapshots
from opentrail.adapters.events.states import MAYBE, YES, Rows, States, states
from opentrail.history.lookup import LookupQuery
from opentrail.ports.events import Facet, Position, Search, StoredEvent, StoreFigures, Total
from opentrail.predicate.expression import Expression
from opentrail.predicate.matching import matcher
from opentrail.predicate.reading import decoded, texts_at


class SegmentEventReader:
    """See ports.events."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._catalog = Catalog(directory / "catalog.sqlite")
        self._dictionaries = Dictionaries(directory)
        self._directory_of_values = Directory(self._catalog.seed)
        self._id_filters = IdFilters()
        self._snapshots = Snapshots(directory, self._catalog, self._dictionaries)

    def lookup(self, query: LookupQuery, after: Position | None) -> tuple[StoredEvent, ...]:
        if query.insight:
            return self.search(lookups.insight_search(query, after))
        segments: Sequence[Segment] = self._snapshots.newest().segments
        if query.attribute in ATTRIBUTES:
            segments = self._directory_of_values.possible(segments, query)
        elif query.attribute == "EventId":
            hashed = hash_of(query.value, self._catalog.seed)
            segments = self._id_filters.possible(segments, hashed)
        hits = in_order(
            possible(segments, lookups.search_of(query, after)),
            lambda one: lookups.hits(one, query, after, self._catalog.seed),
            newest_first=True,
        )
        return _events(islice(hits, query.limit + 1))

    def search(self, search: Search) -> tuple[StoredEvent, ...]:
        return tuple(self.stream(search))

    def stream(self, search: Search) -> Iterator[StoredEvent]:
        blocks: dict[int, Blocks] = {}
        for hit in islice(self._hits(search), search.limit):
            number = hit.segment.entry.number
            if number not in blocks:
                blocks[number] = Blocks(hit.segment)
            yield StoredEvent(hit.position, blocks[number].at(hit.row))

    def count(self, search: Search, *, at_most: int | None = None) -> Total:
        found = 0
        for _, rows in self._matched(search):
            found += len(rows)
            if at_most is not None and found > at_most:
                return Total(at_most, exact=False)
        return Total(found, exact=True)

    def facets(self, search: Search, paths: Sequence[FieldPath], *, top: int) -> tuple[Facet, ...]:
        counts: list[Counter[str]] = [Counter() for _ in paths]
        missing = [0] * len(paths)
        for segment, rows in self._matched(search):
            for number, path in enumerate(paths):
                missing[number] += _count_texts(segment, rows, path, counts[number])
        return tuple(
            _facet(path, counts[number], missing[number], top) for number, path in enumerate(paths)
        )

    def histogram(self, search: Search, *, width_seconds: int) -> tuple[tuple[int, int], ...]:
        counts: Counter[int] = Counter()
        for segment, rows in self._matched(search):
            starts, numbers = np.unique(
                segment.times[rows] // width_seconds * width_seconds, return_counts=True
            )
            counts.update(dict(zip(starts.tolist(), numbers.tolist(), strict=True)))
        return tuple(sorted(counts.items()))

    def sequence_end(self) -> int:
        return self._catalog.sequence_end()

    def place(self) -> int | None:
        """How far the journal is dealt with."""
        return self._catalog.place()

    def figures(self) -> StoreFigures:
        entries = self._catalog.segments()
        records, columns, parquet = (
            sum(entry.bytes[number] for entry in entries) for number in range(3)
        )
        catalog = sum(
            one.stat().st_size
            for one in self._directory.glob("*")
            if one.name.startswith("catalog") or one.suffix == ".dictionary"
        )
        return StoreFigures(
            events=sum(entry.rows for entry in entries),
            segments=len(entries),
            disk_bytes={
                "records": records, "columns": columns, "parquet": parquet, "catalog": catalog
            },
            oldest=min((entry.oldest for entry in entries), default=None),
            newest=max((entry.newest for entry in entries), default=None),
            conflicts=sum(entry.conflicts for entry in entries),
            unreadable=sum(entry.unreadable for entry in entries),
        )  # fmt: skip

    def close(self) -> None:
        """Close what this thread holds open."""
        self._catalog.close()

    def _hits(self, search: Search) -> Iterator[Hit]:
        where, matches = _complete(search)
        newest_first = search.newest_first

        def hits(segment: Segment) -> Iterator[Hit]:
            rows, found = self._looked_at(segment, search, where)
            return hits_of(segment, rows, found, matches, newest_first=newest_first)

        return in_order(
            possible(self._snapshots.newest().segments, search), hits, newest_first=newest_first
        )

    def _looked_at(
        self, segment: Segment, search: Search, where: Expression
    ) -> tuple[Rows, States]:
        rows = rows_in_range(segment, search)
        found = states(segment, where, rows, self._catalog.seed)
        return rows, narrow(segment, where, rows, found)

    def _matched(self, search: Search) -> Iterator[tuple[Segment, Rows]]:
        """For each segment the rows that pass, oldest first."""
        where, matches = _complete(search)
        for segment in possible(self._snapshots.newest().segments, search):
            rows, found = self._looked_at(segment, search, where)
            asked = np.flatnonzero(found == MAYBE)
            if len(asked):
                found[asked] = _asked(segment, rows[asked], matches)
            yield segment, rows[found == YES]


def _complete(search: Search) -> tuple[Expression, Matches]:
    where = whole(search)
    return where, matcher(where)


def _asked(segment: Segment, rows: Rows, matches: Matches) -> States:
    blocks = Blocks(segment)
    passed = [YES if matches(blocks.at(row)) else 0 for row in rows.tolist()]
    return np.array(passed, np.uint8)


def _count_texts(segment: Segment, rows: Rows, path: FieldPath, counts: Counter[str]) -> int:
    """Add the texts of those rows; how many rows have none."""
    if path in SINGLE_PATHS:
        return _count_codes(segment, rows, path, counts)
    if path in LIST_PATHS:
        return _count_entries(segment, rows, path, counts)
    return _count_records(segment, rows, path, counts)


def _count_codes(segment: Segment, rows: Rows, path: FieldPath, counts: Counter[str]) -> int:
    codes = segment.codes(path)
    codes = codes if len(rows) == len(codes) else codes[rows]
    texts = segment.texts(path)
    numbers = np.bincount(codes.astype(np.intp), minlength=len(texts) + FIRST)
    present = np.flatnonzero(numbers[FIRST:])
    for number, events in zip(present.tolist(), numbers[FIRST:][present].tolist(), strict=True):
        counts[texts[number]] += events
    odd = rows[codes == 1]
    return int(numbers[0]) + _count_records(segment, odd, path, counts)


def _count_entries(segment: Segment, rows: Rows, path: FieldPath, counts: Counter[str]) -> int:
    """An event counts once for each text it has."""
    wanted = np.zeros(segment.entry.rows, np.bool_)
    wanted[rows] = True
    entry_rows, codes = segment.entry_rows(path), segment.codes(path)
    complex_rows = np.unique(entry_rows[codes == 1])
    wanted[complex_rows] = False
    kept = wanted[entry_rows]
    texts = segment.texts(path)
    pairs = np.unique(
        entry_rows[kept].astype(np.uint64) << np.uint64(32) | codes[kept].astype(np.uint64)
    )
    numbers = np.bincount((pairs & np.uint64(0xFFFFFFFF)).astype(np.intp) - FIRST,
                          minlength=len(texts)) if len(pairs) else np.zeros(0, np.intp)  # fmt: skip
    present = np.flatnonzero(numbers)
    for number, events in zip(present.tolist(), numbers[present].tolist(), strict=True):
        counts[texts[number]] += events
    told = len(np.unique(entry_rows[kept]))
    odd = np.intersect1d(rows, complex_rows)
    without = len(rows) - told - len(odd)
    return without + _count_records(segment, odd, path, counts)


def _count_records(segment: Segment, rows: Rows, path: FieldPath, counts: Counter[str]) -> int:
    """An event counts once for each distinct text."""
    blocks = Blocks(segment)
    missing = 0
    for row in rows.tolist():
        texts = set(texts_at(decoded(blocks.at(row)) or {}, path))
        counts.update(texts)
        missing += not texts
    return missing


def _facet(path: FieldPath, counts: Counter[str], missing: int, top: int) -> Facet:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return Facet(path, tuple(ranked[:top]), missing, sum(events for _, events in ranked[top:]))


def _events(hits: Iterator[Hit]) -> tuple[StoredEvent, ...]:
    return tuple(StoredEvent(hit.position, hit.segment.records.at(hit.row)) for hit in hits)
