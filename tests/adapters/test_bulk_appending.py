"""Batches appended side by side keep each event once, whoever else writes meanwhile."""

import json
import os
import signal
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.events.bulk import BulkAppender
from opentrail.adapters.events.known_ids import HashSet
from opentrail.clock import ManualClock
from opentrail.errors import Unavailable
from opentrail.ports.events import Search

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def raw(number: int, **values: Any) -> bytes:
    return json.dumps(
        {"eventID": f"id-{number}", "eventTime": "2026-11-24T08:00:00Z", "eventName": "X"} | values
    ).encode()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    yield made
    made.close()


def test_overlapping_batches_keep_each_event_once(store: SegmentEventStore) -> None:
    bulk = BulkAppender(store)
    spans = [(0, 500), (250, 750), (0, 500), (700, 1000), (990, 1010)]

    futures = [bulk.submit([raw(number) for number in range(*span)]) for span in spans]
    became = [one.result() for one in futures]
    bulk.close()

    found = [one.raw for one in store.search(Search(limit=None))]
    assert sorted(found) == sorted(raw(number) for number in range(1010))
    assert sum(one.added for one in became) == 1010
    assert sum(one.duplicates for one in became) == sum(b - a for a, b in spans) - 1010


def test_another_writer_in_between_is_heeded(store: SegmentEventStore, tmp_path: Path) -> None:
    bulk = BulkAppender(store)
    other = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    futures = []
    for start in range(0, 3000, 300):
        futures.append(bulk.submit([raw(number) for number in range(start, start + 300)]))
        other.append([raw(number) for number in range(start + 150, start + 450)])
    for one in futures:
        one.result()
    bulk.close()
    other.close()

    found = [one.raw for one in store.search(Search(limit=None))]
    assert sorted(found) == sorted(raw(number) for number in range(3150))


def test_what_another_writer_added_since_the_decision_is_heeded_and_counted(
    store: SegmentEventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    turn = store.turn

    def other_first() -> AbstractContextManager[None]:
        monkeypatch.undo()
        other.append([raw(1, eventName="Y"), raw(2)])
        return turn()

    bulk = BulkAppender(store, builders=1)
    monkeypatch.setattr(store, "turn", other_first)
    became = bulk.submit([raw(1), raw(2), raw(3)]).result()
    bulk.close()
    other.close()

    assert (became.added, became.duplicates, became.conflicts) == (2, 1, 1)
    assert store.figures().conflicts == 1
    found = [one.raw for one in store.search(Search(limit=None))]
    assert sorted(found) == sorted([raw(1), raw(1, eventName="Y"), raw(2), raw(3)])


def test_hashes_that_come_again_take_no_more_memory() -> None:
    known, hashes = HashSet(), np.arange(1000, dtype=np.uint64)
    for _ in range(50):
        known.add(hashes)

    assert len(known) < 2000
    assert known.holds(np.array([0, 999, 1000], np.uint64)).tolist() == [True, True, False]


def test_conflicts_and_what_is_no_record_are_told(store: SegmentEventStore) -> None:
    bulk = BulkAppender(store)
    first = bulk.submit([raw(1), b"no record"]).result()
    second = bulk.submit([raw(1, eventName="Y"), raw(1)]).result()
    bulk.close()

    assert (first.added, first.unreadable) == (2, 1)
    assert (second.added, second.conflicts, second.duplicates) == (1, 1, 1)


def test_a_builder_that_dies_fails_its_batch_and_all_after_it(store: SegmentEventStore) -> None:
    bulk = BulkAppender(store, builders=1)
    bulk.submit([raw(1)]).result()
    pid = bulk._builders[0]._process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(Unavailable, match="ended"):
        bulk.submit([raw(2)]).result()
    bulk.close()
    assert store.figures().events == 1
    assert store.append([raw(2)]).added == 1


def test_what_another_process_forgot_can_come_again(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store, other = (SegmentEventStore(tmp_path / "events", clock) for _ in range(2))
    bulk = BulkAppender(store, builders=1)
    assert bulk.submit([raw(1), raw(2)]).result().added == 2
    assert store.append([raw(1)]).duplicates == 1

    assert other.expire({}, default_before=int(NOW.timestamp()) + 1) == 2

    assert bulk.submit([raw(1)]).result().added == 1
    assert store.append([raw(1), raw(2)]).added == 1
    bulk.close()
    store.close()
    other.close()
