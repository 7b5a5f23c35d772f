"""What the store finds is what asking every record one by one finds; what goes in comes out.

Ten thousand generated filters over records of odd shapes. Each test that filters are made of is
asked of every record once (opentrail.predicate.matching, which its own tests judge); AND, OR and NOT
are then those of sets.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from odd_events import ACCOUNTS, START, Filters, Records
from opentrail.adapters.events import SegmentEventStore, reader
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.adapters.events.segments.segment import Segment
from opentrail.clock import ManualClock
from opentrail.errors import InvalidInput
from opentrail.history.lookup import ATTRIBUTES, INSIGHT_ATTRIBUTES, LookupQuery
from opentrail.history.row import history_row
from opentrail.ports.events import Facet, Position, Search, StoredEvent, Total
from opentrail.predicate.expression import All, Expression, Not, Operator
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.expression import Test as FieldTest
from opentrail.predicate.matching import matcher
from opentrail.predicate.reading import decoded, texts_at
from opentrail.record import read_record

# Half a minute: run by `make test`, not by `make check`.
pytestmark = pytest.mark.contract

CORPORA = Path(__file__).parents[1] / "vectors" / "corpora"
NOW = START + timedelta(days=3)
FACETS = [("eventName",), ("resources", "ARN"), ("requestParameters", "key"), ("eventID",),
          ("userIdentity", "userName"), ("readOnly",), ("requestParameters", "Host")]  # fmt: skip


class Scan:
    """All events in order, and what asking each of them finds: sets of them as bits."""

    def __init__(self, events: tuple[StoredEvent, ...]) -> None:
        self.events = events
        self.all = (1 << len(events)) - 1
        self.records = [decoded(one.raw) or {} for one in events]
        self._passed: dict[Expression, int] = {}
        self._texts: dict[tuple[str, ...], list[set[str]]] = {}

    def texts(self, path: tuple[str, ...]) -> list[set[str]]:
        if path not in self._texts:
            self._texts[path] = [set(texts_at(record, path)) for record in self.records]
        return self._texts[path]

    def sample(self, path: tuple[str, ...]) -> list[str]:
        return sorted({text for some in self.texts(path) for text in some})[:400]

    def passed(self, expression: Expression) -> int:
        match expression:
            case Not(part):
                return self.all ^ self.passed(part)
            case All(parts):
                found = self.all
                for part in parts:
                    found &= self.passed(part)
                return found
            case AnyOf(parts):
                found = 0
                for part in parts:
                    found |= self.passed(part)
                return found
            case _:
                if expression not in self._passed:
                    self._passed[expression] = self.asked(expression)
                return self._passed[expression]

    def asked(self, expression: Expression) -> int:
        matches = matcher(expression)
        return sum(1 << number for number, one in enumerate(self.events) if matches(one.raw))

    def within(self, test: Callable[[StoredEvent], bool]) -> int:
        return sum(1 << number for number, one in enumerate(self.events) if test(one))

    def numbers(self, bits: int) -> list[int]:
        """Numbers of the events in a set, oldest first."""
        text = bin(bits)[:1:-1]
        found, place = [], text.find("1")
        while place >= 0:
            found.append(place)
            place = text.find("1", place + 1)
        return found

    def facet(self, numbers: list[int], path: tuple[str, ...], top: int) -> Facet:
        texts = self.texts(path)
        counts = Counter(text for number in numbers for text in texts[number])
        ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        return Facet(
            path,
            tuple(ranked[:top]),
            sum(not texts[number] for number in numbers),
            sum(events for _, events in ranked[top:]),
        )


def filled(directory: Path, batches: list[list[bytes]]) -> tuple[SegmentEventStore, Scan]:
    plain = MemoryEventStore(ManualClock(NOW))
    store = SegmentEventStore(directory, ManualClock(NOW))
    for batch in batches:
        assert store.append(batch) == plain.append(batch)
    return store, Scan(plain.search(Search(limit=None, newest_first=False)))


def looks(scan: Scan, chance: random.Random) -> list[tuple[Search, int]]:
    """Ranges, pages and accounts, and the events that each of them leaves."""
    found = [(Search(), scan.all)] * 4
    for _ in range(12):
        first, last = sorted(chance.choice(scan.events).position.event_time for _ in "ab")
        after = chance.choice(scan.events).position
        accounts = frozenset(chance.sample(ACCOUNTS, chance.randrange(3)))
        number = chance.randrange(len(scan.events))
        own = scan.passed(AnyOf(tuple(_account(one) for one in sorted(accounts))))
        found += [
            (Search(start=first, end=last), _bits(scan, lambda p, a=first, b=last: a <= p.event_time < b)),
            (Search(after=after), _bits(scan, lambda p, a=after: p < a)),
            (Search(after=after, newest_first=False), _bits(scan, lambda p, a=after: p > a)),
            (Search(accounts=accounts), own),
            (Search(sequence_from=number), _bits(scan, lambda p, n=number: p.sequence >= n)),
            (Search(sequence_before=number), _bits(scan, lambda p, n=number: p.sequence < n)),
        ]  # fmt: skip
    return found


def _account(account: str) -> Expression:
    return FieldTest(("recipientAccountId",), Operator.EQUALS, account)


def _bits(scan: Scan, holds: Callable[[Position], bool]) -> int:
    return scan.within(lambda one: holds(one.position))


def prove(
    store: SegmentEventStore, scan: Scan, filters: list[Expression], chance: random.Random
) -> None:
    """Ask both about every filter; a fair part of them finds some events and leaves others."""
    views = looks(scan, chance)
    telling = sum(0 < scan.passed(where) < scan.all for where in filters)
    assert telling * 3 > len(filters)
    for number, where in enumerate(filters):
        look, left = chance.choice(views)
        numbers = scan.numbers(scan.passed(where) & left)
        search = replace(
            look,
            where=where,
            limit=chance.choice([1, 10, 50, None]),
            newest_first=look.newest_first if look.after else chance.random() < 0.7,
        )

        assert store.count(search) == Total(len(numbers), exact=True), search
        ordered = numbers[::-1] if search.newest_first else numbers
        expected = [scan.events[one] for one in ordered[: search.limit]]
        assert store.search(search) == tuple(expected), search
        if number % 4 == 0:
            path = chance.choice(FACETS)
            assert store.facets(search, [path], top=3) == (scan.facet(numbers, path, 3),), search
        if number % 50 == 0:
            assert scan.asked(where) == scan.passed(where), where


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_ten_thousand_filters_find_what_asking_every_record_finds(
    tmp_path: Path, seed: int
) -> None:
    made = Records(seed)
    store, scan = filled(tmp_path / "events", [made.some(count) for count in (1, 110, 40)])
    filters = Filters(seed, scan.sample, leaves=700)

    prove(store, scan, filters.some(2500), random.Random(seed))


def test_rows_found_in_the_open_file_first_are_the_same(tmp_path: Path) -> None:
    made = Records(5)
    store, scan = filled(tmp_path / "events", [made.some(3000)])
    filters = Filters(5, scan.sample, leaves=40)

    prove(store, scan, filters.some(80), random.Random(5))


def test_a_later_page_looks_into_no_segment_that_is_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for day in range(9):
        store.append([b'{"eventID":"%d","eventTime":"2026-07-0%dT00:00:00Z"}' % (day, day + 1)])
    newest, oldest = (
        store.search(Search(limit=3, newest_first=first))[-1].position for first in (True, False)
    )
    looked_into: list[int] = []
    rows_in_range = reader.rows_in_range

    def noted(segment: Segment, search: Search) -> Any:
        looked_into.append(segment.entry.number)
        return rows_in_range(segment, search)

    monkeypatch.setattr(reader, "rows_in_range", noted)

    assert len(store.search(Search(after=newest))) == 6
    assert len(looked_into) == 7
    looked_into.clear()
    assert len(store.search(Search(after=oldest, newest_first=False))) == 6
    assert len(looked_into) == 7


def test_after_joining_the_same_is_found(tmp_path: Path) -> None:
    made = Records(6)
    store, scan = filled(tmp_path / "events", [made.some(8) for _ in range(20)])
    while store.compact():
        pass
    filters = Filters(6, scan.sample, leaves=200)

    assert store.figures().segments < 20
    prove(store, scan, filters.some(500), random.Random(6))


@pytest.mark.parametrize("joined", [False, True])
def test_every_attribute_of_odd_records_is_looked_up(tmp_path: Path, *, joined: bool) -> None:
    plain = MemoryEventStore(ManualClock(NOW))
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    made = Records(7)
    for count in (200, 30, *[5] * 8):
        batch = made.some(count)
        assert store.append(batch) == plain.append(batch)
    events = plain.search(Search(limit=None, newest_first=False))
    scan = Scan(events)
    while joined and store.compact():
        pass

    usual = {one.position for one in events if is_usual(one.raw)}
    found = 0
    for query in _queries(scan, random.Random(7), 1500):
        expected = plain.lookup(replace(query, limit=len(events)), None)
        expected = tuple(one for one in expected if one.position in usual)
        every = store.lookup(replace(query, limit=len(events)), None)
        assert tuple(one for one in every if one.position in usual) == expected, query
        assert store.lookup(query, None) == every[: query.limit + 1], query
        found += bool(expected)
        if every:
            middle = len(every) // 2
            behind = every[middle + 1 :][: query.limit + 1]
            assert store.lookup(query, every[middle].position) == behind, query
    assert found > 300


def is_usual(raw: bytes) -> bool:
    """Whether it is a record that a row can be made of; the store tells of others what it can."""
    try:
        history_row(read_record(raw))
    except (InvalidInput, ValueError):
        return False
    return True


LOOKED_UP = {
    "AccessKeyId": ("userIdentity", "accessKeyId"), "EventId": ("eventID",),
    "EventName": ("eventName",), "EventSource": ("eventSource",), "ReadOnly": ("readOnly",),
    "ResourceName": ("resources", "ARN"), "ResourceType": ("resources", "type"),
    "Username": ("userIdentity", "userName"),
}  # fmt: skip


def _queries(scan: Scan, chance: random.Random, count: int) -> Iterator[LookupQuery]:
    for _ in range(count):
        insight = chance.random() < 0.1
        attribute = chance.choice(sorted(INSIGHT_ATTRIBUTES if insight else ATTRIBUTES))
        if chance.random() < 0.05:
            attribute = ""
        path = LOOKED_UP[attribute] if attribute else ()
        if attribute == "ResourceName" and chance.random() < 0.5:
            path = ("requestParameters", "bucketName")
        first, last = sorted(chance.choice(scan.events).position.event_time for _ in "ab")
        wide = chance.random() < 0.7
        yield LookupQuery(
            account_id=chance.choice(ACCOUNTS),
            region=chance.choice(["us-east-1", "eu-west-1"]),
            attribute=attribute,
            value=chance.choice([one for one in scan.sample(path) if one]) if attribute else "",
            start=NOW - timedelta(days=90) if wide else datetime.fromtimestamp(first, UTC),
            end=NOW if wide else datetime.fromtimestamp(last, UTC),
            limit=chance.choice([1, 3, 50]),
            insight=insight,
        )


@pytest.mark.parametrize("at_most", range(1, 8))
def test_a_count_that_stops_never_says_that_it_is_exact(tmp_path: Path, at_most: int) -> None:
    batches = [[b'{"eventID":"%d-%d"}' % (batch, n) for n in range(2)] for batch in range(3)]
    store, _ = filled(tmp_path / "events", batches)

    total = store.count(Search(), at_most=at_most)

    assert total == Total(min(at_most, 6), exact=at_most >= 6)


# What goes in comes out


def corpora() -> list[bytes]:
    found: list[bytes] = []
    for path in sorted(CORPORA.glob("*/records.jsonl")):
        found += path.read_bytes().splitlines()
    for path in sorted(CORPORA.glob("invictus/*.json")):
        if path.name != "SOURCE.json":
            found += [
                json.dumps(one, separators=(",", ":")).encode()
                for one in json.loads(path.read_bytes())["Records"]
            ]
    return found


def kept(store: SegmentEventStore) -> list[bytes]:
    return sorted(one.raw for one in store.stream(Search(limit=None)))


def through(directory: Path, raws: list[bytes], chance: random.Random) -> None:
    """In, joined, expired in part and in again, shuffled: always every distinct event once."""
    clock = ManualClock(NOW)
    store = SegmentEventStore(directory, clock)
    distinct = _distinct(raws)
    in_pieces(store, raws, chance)
    assert kept(store) == distinct
    while store.compact():
        pass
    assert kept(store) == distinct
    assert store.append(chance.sample(raws, len(raws))).added == 0
    clock.advance(timedelta(days=10))
    gone = store.expire({}, default_before=int(clock.now().timestamp()) - 5 * 86_400)
    assert gone == len(distinct)
    assert kept(store) == []
    again = SegmentEventStore(directory, clock)
    in_pieces(again, raws, chance)
    while again.compact():
        pass
    assert kept(again) == distinct
    assert kept(store) == distinct
    again.close()
    store.close()


def in_pieces(store: SegmentEventStore, raws: list[bytes], chance: random.Random) -> None:
    shuffled = chance.sample(raws, len(raws))
    while shuffled:
        size = chance.choice([1, 7, 50, 400])
        store.append(shuffled[:size])
        del shuffled[:size]


def _distinct(raws: list[bytes]) -> list[bytes]:
    plain = MemoryEventStore(ManualClock(NOW))
    plain.append(raws)
    return sorted(one.raw for one in plain.search(Search(limit=None)))


def test_odd_records_come_out_as_they_went_in(tmp_path: Path) -> None:
    # Of one content in two spellings whichever comes first is kept: here is only one of each.
    raws = _distinct(Records(8).some(1500))

    through(tmp_path / "events", raws + raws[::3], random.Random(8))


def test_every_record_of_the_corpora_comes_out_as_it_went_in(tmp_path: Path) -> None:
    raws = corpora()

    assert len(raws) > 2000
    through(tmp_path / "events", _distinct(raws), random.Random(9))


def test_an_event_that_expired_can_come_again(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store = SegmentEventStore(tmp_path / "events", clock)
    store.append([b'{"eventID":"1"}'])
    clock.advance(timedelta(days=10))
    store.expire({}, default_before=int(clock.now().timestamp()))

    assert store.append([b'{"eventID":"1"}']).added == 1
    assert kept(store) == [b'{"eventID":"1"}']


def test_an_event_without_a_time_keeps_its_place_when_segments_are_joined(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store = SegmentEventStore(tmp_path / "events", clock)
    for number in range(8):
        store.append([b'{"eventID":"%d"}' % number, b"no record %d" % number])
        clock.advance(timedelta(hours=1))
    before = store.search(Search(limit=None))

    assert store.compact() == 8
    assert store.search(Search(limit=None)) == before
