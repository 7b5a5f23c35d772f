"""Every store of log events keeps what its port promises."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.log_events import MemoryLogEventStore, SqliteLogEventStore
from opentrail.errors import Unavailable
from opentrail.logs.names import GroupKey
from opentrail.ports.log_events import LogEvent, LogEventQuery, LogEventStore, LogStream

MAKERS: dict[str, Callable[[Path], LogEventStore]] = {
    "memory": lambda _path: MemoryLogEventStore(),
    "sqlite": lambda path: SqliteLogEventStore(path / "log-events.sqlite"),
}
GROUP = GroupKey("123456789012", "us-east-1", "/aws/group")
OTHER = GroupKey("999999999999", "us-east-1", "/aws/group")


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LogEventStore:
    return MAKERS[request.param](tmp_path)


def put(store: LogEventStore, stream: str, *times: int, group: GroupKey = GROUP) -> None:
    store.create_stream(group, stream, 1)
    assert store.put(group, stream, [LogEvent(time, f"{stream}{time}") for time in times], 99)


def read(store: LogEventStore, group: GroupKey = GROUP, **values: Any) -> list[str]:
    return [one.message for one in store.read(group, LogEventQuery(**values))]


def test_a_stream_is_made_once_and_is_its_groups(store: LogEventStore) -> None:
    assert store.create_stream(GROUP, "a", 5)
    assert not store.create_stream(GROUP, "a", 6)
    assert store.create_stream(OTHER, "a", 7)

    assert store.stream(GROUP, "a") == LogStream(name="a", created=5)
    assert store.stream(GROUP, "b") is None
    assert store.streams(OTHER) == (LogStream(name="a", created=7),)


def test_events_are_put_into_streams_that_are_there(store: LogEventStore) -> None:
    assert not store.put(GROUP, "none", [LogEvent(1, "x")], 2)

    store.create_stream(GROUP, "a", 1)
    store.put(GROUP, "a", [LogEvent(30, "x"), LogEvent(40, "é")], 50)
    store.put(GROUP, "a", [LogEvent(20, "y")], 45)

    assert store.stream(GROUP, "a") == LogStream(
        name="a", created=1, first=20, last=40, ingested=50, stored_bytes=4
    )
    assert store.stored_bytes([GROUP, OTHER]) == {GROUP: 4, OTHER: 0}
    found = list(store.read(GROUP, LogEventQuery()))
    assert [(one.group, one.stream, one.milliseconds, one.ingested) for one in found] == [
        (GROUP, "a", 20, 45), (GROUP, "a", 30, 50), (GROUP, "a", 40, 50),
    ]  # fmt: skip


def test_events_are_read_by_time_from_any_place(store: LogEventStore) -> None:
    put(store, "b", 10, 20, 30)
    put(store, "a", 10, 20)
    put(store, "a", 99, group=OTHER)

    assert read(store) == ["b10", "a10", "b20", "a20", "b30"]
    assert read(store, newest_first=True) == ["b30", "a20", "b20", "a10", "b10"]
    assert read(store, start=20, end=30) == ["b20", "a20"]
    assert read(store, streams=("a",)) == ["a10", "a20"]
    assert read(store, streams=("a", "b", "none")) == ["b10", "a10", "b20", "a20", "b30"]
    assert read(store, streams=("none",)) == []
    assert read(store, stream_prefix="b") == ["b10", "b20", "b30"]
    assert read(store, stream_prefix="b", streams=("a",)) == []
    events = list(store.read(GROUP, LogEventQuery()))
    for place, one in enumerate(events):
        after = (one.milliseconds, one.number)
        assert list(store.read(GROUP, LogEventQuery(after=after))) == events[place + 1 :]
        newest = LogEventQuery(after=after, newest_first=True)
        assert list(store.read(GROUP, newest)) == events[:place][::-1]
    assert read(store, GroupKey("1", "r", "none")) == []


def test_who_brought_an_event_is_kept(store: LogEventStore) -> None:
    store.create_stream(GROUP, "a", 1)
    store.put(GROUP, "a", [LogEvent(1, "x")], 2, "AKIA1")
    put(store, "a", 3)

    assert [one.access_key_id for one in store.since(0, 10)] == ["AKIA1", ""]
    assert [one.access_key_id for one in store.read(GROUP, LogEventQuery())] == ["AKIA1", ""]


def test_many_events_come_in_order(store: LogEventStore) -> None:
    put(store, "a", *([7] * 2500))

    numbers = [one.number for one in store.read(GROUP, LogEventQuery())]

    assert numbers == sorted(set(numbers))
    assert len(numbers) == 2500


def test_names_are_listed_by_their_bytes(store: LogEventStore) -> None:
    for name in ("b", "a/[$LATEST]", "é", "a", "B", "%_"):
        store.create_stream(GROUP, name, 1)

    assert [one.name for one in store.streams(GROUP)] == ["%_", "B", "a", "a/[$LATEST]", "b", "é"]
    assert [one.name for one in store.streams(GROUP, "a")] == ["a", "a/[$LATEST]"]


def test_what_a_trail_delivers_is_noted_without_a_copy(store: LogEventStore) -> None:
    store.note(GROUP, "1_CloudTrail_r", first=30, last=40, ingested=50)
    store.note(GROUP, "1_CloudTrail_r", first=20, last=35, ingested=60)

    assert store.streams(GROUP) == (
        LogStream(name="1_CloudTrail_r", created=50, first=20, last=40, ingested=60),
    )
    assert read(store) == []


def test_what_is_deleted_does_not_come_back(store: LogEventStore) -> None:
    put(store, "a", 1)
    put(store, "b", 2)
    put(store, "a", 3, group=OTHER)

    assert store.delete_stream(GROUP, "a")
    assert not store.delete_stream(GROUP, "a")
    assert read(store) == ["b2"]
    store.create_stream(GROUP, "a", 9)
    assert read(store) == ["b2"]
    store.delete_group(GROUP)
    store.delete_group(GROUP)
    assert store.streams(GROUP) == ()
    put(store, "b", 5)
    assert read(store) == ["b5"]
    assert read(store, OTHER) == ["a3"]


def test_what_a_deleted_group_held_is_there_until_it_is_forgotten(store: LogEventStore) -> None:
    put(store, "a", 1, 2)
    put(store, "a", 3, group=OTHER)
    (number,) = (one for one, group in store.groups().items() if group == GROUP)

    store.delete_group(GROUP)
    put(store, "b", 5)
    assert set(store.groups().values()) > {GROUP, OTHER}
    assert number in store.groups()
    assert len(store.since(0, 10)) == 4
    store.forget_group(number)
    store.forget_group(number)

    assert set(store.groups().values()) == {GROUP, OTHER}
    assert [one.message for one in store.since(0, 10)] == ["a3", "b5"]
    assert (read(store), read(store, OTHER)) == (["b5"], ["a3"])


def test_the_number_of_a_group_is_given_once(store: LogEventStore) -> None:
    put(store, "a", 1)
    (number,) = store.groups()
    store.delete_group(GROUP)
    store.forget_group(number)
    put(store, "a", 2)

    store.forget_group(number)

    assert read(store) == ["a2"]


def test_a_follower_sees_every_event_once_and_numbers_never_come_again(
    store: LogEventStore,
) -> None:
    assert store.newest() == 0
    put(store, "a", 5)
    put(store, "a", 3, group=OTHER)

    seen = store.since(0, 10)
    assert [(one.group, one.message) for one in seen] == [(GROUP, "a5"), (OTHER, "a3")]
    assert store.since(seen[0].number, 10) == seen[1:]
    assert store.since(0, 1) == seen[:1]
    store.delete_group(OTHER)
    assert store.newest() == seen[1].number
    put(store, "a", 4)
    assert [one.message for one in store.since(seen[1].number, 10)] == ["a4"]


def test_old_events_expire_group_by_group(store: LogEventStore) -> None:
    put(store, "a", 10, 20, 30)
    put(store, "a", 10, group=OTHER)

    assert store.expire(GROUP, 20) == 1
    assert store.expire(GROUP, 20) == 0

    assert read(store) == ["a20", "a30"]
    assert read(store, OTHER) == ["a10"]
    stream = store.stream(GROUP, "a")
    assert stream is not None
    assert stream.stored_bytes == 6


def test_events_survive_and_are_shared(tmp_path: Path) -> None:
    one = SqliteLogEventStore(tmp_path / "log-events.sqlite")
    put(one, "a", 1)
    two = SqliteLogEventStore(tmp_path / "log-events.sqlite")

    assert read(two) == ["a1"]
    assert [event.message for event in two.since(0, 9)] == ["a1"]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "log-events.sqlite").write_text("no database" * 1000)

    with pytest.raises(Unavailable) as caught:
        SqliteLogEventStore(tmp_path / "log-events.sqlite")
    assert isinstance(caught.value.__cause__, sqlite3.Error)
