"""Segments are joined, expire and are swept away while others write and read."""

import fcntl
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.events.segments import parquet
from opentrail.adapters.events.upkeep import joining
from opentrail.adapters.events.writing import sweep
from opentrail.clock import ManualClock
from opentrail.ports.events import Search

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


# What writers leave behind


def test_a_segment_that_is_taken_while_others_are_swept_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer joins, and goes, after the sweep began and before it looks at the files."""
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    other = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for number in range(8):
        store.append([b'{"eventID":"%d"}' % number])
    list_files = Path.glob

    def joined_first(directory: Path, pattern: str) -> Iterator[Path]:
        if pattern == "*-*.*":
            monkeypatch.undo()
            assert other.compact() == 8
            other.close()
        return iter(list(list_files(directory, pattern)))

    monkeypatch.setattr(Path, "glob", joined_first)
    store.sweep()

    again = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    assert len(again.search(Search())) == 8


def test_a_writer_that_begins_while_others_are_swept_keeps_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    lock = fcntl.flock
    swept: list[int] = []

    def swept_before(fd: int, operation: int) -> None:
        """Of a new writer: its mark is there and not locked yet."""
        if operation == fcntl.LOCK_EX and not swept and len(list(tmp_path.glob("*/*.writer"))) > 1:
            swept.append(sweep(tmp_path / "events", frozenset))
        lock(fd, operation)

    monkeypatch.setattr("fcntl.flock", swept_before)
    other = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    monkeypatch.undo()
    entry = other.write([b"{}"], other.columns([b"{}"]))

    assert store.sweep() == 0
    other.take(entry)
    assert [one.raw for one in store.search(Search())] == [b"{}"]


def test_an_open_file_is_seen_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    folder = tmp_path / "events" / "parquet"
    seen: list[int] = []
    write_table = parquet.pq.write_table

    def looked_meanwhile(*words: Any, **options: Any) -> None:
        write_table(*words, **options)
        seen.append(len(list(folder.iterdir())))

    monkeypatch.setattr(parquet.pq, "write_table", looked_meanwhile)
    for number in range(16):
        store.append([b'{"eventID":"%d"}' % number])
    while store.compact():
        pass

    assert seen[:1] == [0]
    assert len(list(folder.iterdir())) == 1


def test_a_mark_that_is_swept_away_is_nobody_else_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that waits for the lock has it only once it can see that the mark is gone."""
    mark = tmp_path / "abc.writer"
    mark.touch()
    waiting = os.open(mark, os.O_RDWR)
    unlink = Path.unlink

    def still_locked(path: Path, *, missing_ok: bool = False) -> None:
        if path == mark:
            with pytest.raises(BlockingIOError):
                fcntl.flock(waiting, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", still_locked)
    sweep(tmp_path, frozenset)

    assert not mark.exists()
    fcntl.flock(waiting, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert os.fstat(waiting).st_nlink == 0
    os.close(waiting)


# Joining


def test_however_slowly_events_come_in_each_is_written_a_few_times(tmp_path: Path) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    rewritten = 0
    for number in range(130):
        store.append([b'{"eventID":"%d"}' % number])
        while joined := joining.choose(store.segments(), store.now()):
            rewritten += sum(one.entry.rows for one in joined)
            store.compact()

    assert rewritten <= 130 * 4
    assert store.figures().segments <= 20


def test_segments_of_large_records_are_joined_no_further_than_memory_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "ROW_BYTES", 1)
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for number in range(16):
        store.append([b'{"eventID":"%d","x":"%s"}' % (number, b"x" * 15_000)])
    while store.compact():
        pass

    sizes = [one.record_bytes for one in store.segments()]
    assert len(sizes) < 16
    assert max(sizes) <= joining.LARGEST_ROWS
    assert store.count(Search()).events == 16


# Beside joining


def test_what_comes_in_does_not_wait_for_joining(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for number in range(8):
        store.append([b'{"eventID":"%d"}' % number])
    together = joining.together
    seen: list[int] = []

    def appended_meanwhile(*words: Any) -> Any:
        adding = threading.Thread(target=store.append, args=([b'{"eventID":"new"}'],))
        adding.start()
        adding.join(10)
        seen.append(store.count(Search()).events)
        return together(*words)

    monkeypatch.setattr(joining, "together", appended_meanwhile)

    assert store.compact() == 8
    assert seen == [9]
    assert store.count(Search()).events == 9


# Expiring


def test_events_that_come_in_slowly_expire_though_they_are_joined_with_later_ones(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOW)
    store = SegmentEventStore(tmp_path / "events", clock)
    for day in range(40):
        store.append([b'{"eventID":"%d","eventTime":"2014-03-24T21:11:59Z"}' % day])
        while store.compact():
            pass
        store.expire({}, default_before=int((clock.now() - timedelta(days=30)).timestamp()))
        clock.advance(timedelta(days=1))

    assert store.figures().segments < 10
    # What has expired is gone within a day.
    assert 31 <= store.count(Search()).events <= 32
