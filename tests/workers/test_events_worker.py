"""Records reach the store of events once, in whatever order the worker is stopped and started."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.adapters.journal import (
    MemoryJournal,
    SegmentJournalReader,
    SegmentJournalWriter,
)
from opentrail.clock import ManualClock
from opentrail.ports.events import Search
from opentrail.workers.events import EXPIRE_EVERY, PAUSE, EventsKeeper, EventsWorker

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def raw(number: int, account: str = "1") -> bytes:
    return json.dumps(
        {"eventID": str(number), "eventTime": "2026-11-24T08:00:00Z", "recipientAccountId": account}
    ).encode()


def found(store: MemoryEventStore) -> list[bytes]:
    return [one.raw for one in store.search(Search(limit=None, newest_first=False))]


def test_what_is_recorded_is_in_the_store_after_a_step() -> None:
    journal, store = MemoryJournal(), MemoryEventStore(ManualClock(NOW))
    worker = EventsWorker(journal, store, ManualClock(NOW))
    journal.append([raw(1), raw(2)])

    assert worker.step() == 2
    assert found(store) == [raw(1), raw(2)]
    assert store.place() == journal.end()


def test_small_pieces_are_gathered_for_a_moment_and_no_longer() -> None:
    journal, clock = MemoryJournal(), ManualClock(NOW)
    store = MemoryEventStore(clock)
    worker = EventsWorker(journal, store, clock)
    journal.append([raw(1)])
    worker.step()
    journal.append([raw(2)])

    assert worker.step() == 0
    clock.advance(PAUSE)
    assert worker.step() == 1
    assert timedelta(seconds=1) > PAUSE


def test_a_new_worker_goes_on_where_the_store_is() -> None:
    journal, store = MemoryJournal(), MemoryEventStore(ManualClock(NOW))
    journal.append([raw(1)])
    EventsWorker(journal, store, ManualClock(NOW)).step()
    journal.append([raw(2)])

    assert EventsWorker(journal, store, ManualClock(NOW)).step() == 1
    assert found(store) == [raw(1), raw(2)]


def test_damage_costs_what_it_hit_and_the_rest_comes(tmp_path: Path) -> None:
    writer = SegmentJournalWriter(tmp_path)
    places = writer.append([raw(1), raw(2), raw(3)])
    writer.close()
    [segment] = tmp_path.glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[places[1] + 20] ^= 1
    segment.write_bytes(content)
    clock = ManualClock(NOW)
    store = MemoryEventStore(clock)
    worker = EventsWorker(SegmentJournalReader(tmp_path), store, clock)

    for _ in range(4):
        worker.step()
        clock.advance(PAUSE)

    assert found(store) == [raw(1), raw(3)]


def test_each_accounts_events_go_when_their_time_has_come() -> None:
    clock = ManualClock(NOW)
    store = MemoryEventStore(clock)
    store.append([raw(1), raw(2, "2"), raw(3, "3")])
    kept = {"": timedelta(days=2), "2": timedelta(days=1), "3": None}
    keeper = EventsKeeper(store, clock, kept)

    seen = []
    for _ in range(4):
        keeper.step()
        seen.append(len(found(store)))
        clock.advance(timedelta(days=1, hours=1))

    assert seen == [3, 2, 1, 1]
    assert timedelta(days=1) >= EXPIRE_EVERY
    assert found(store) == [raw(3, "3")]


def test_without_a_span_for_all_events_of_others_stay() -> None:
    clock = ManualClock(NOW)
    store = MemoryEventStore(clock)
    store.append([raw(1)])
    clock.advance(timedelta(days=4000))

    EventsKeeper(store, clock, {"2": timedelta(days=1)}).step()

    assert found(store) == [raw(1)]
