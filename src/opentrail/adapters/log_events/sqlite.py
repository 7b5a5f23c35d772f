"""Log events in one SQLite file that several processes share.

WAL with synchronous=FULL: put means synced. Reading goes along an index, by the group or by one
stream, a thousand events at a time, and holds no transaction open in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.logs.names import GroupKey
from opentrail.ports.log_events import LogEvent, LogEventQuery, LogStream, StoredLogEvent

FILE_NAME = "log-events.sqlite"
_READ_AT_ONCE = 1000
_EXPIRED_AT_ONCE = 2000
"""Events in one transaction: others wait for less than a second."""

# A number is never given again, even when the last events are gone: followers go by it, and what
# forgets deleted groups.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_group (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  UNIQUE (account, region, name)
);
CREATE TABLE IF NOT EXISTS stream (
  id INTEGER PRIMARY KEY, log_group INTEGER NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,
  first INTEGER, last INTEGER, ingested INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (log_group, name)
);
CREATE TABLE IF NOT EXISTS event (
  number INTEGER PRIMARY KEY AUTOINCREMENT, log_group INTEGER NOT NULL, stream INTEGER NOT NULL,
  time INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL, key TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_of_group ON event (log_group, time, number);
CREATE INDEX IF NOT EXISTS event_of_stream ON event (stream, time, number);
"""
_FIND_GROUP = "SELECT id FROM log_group WHERE account = ? AND region = ? AND name = ?"
_STREAM = "SELECT name, created, first, last, ingested, bytes FROM stream"
_WIDEN = (
    "UPDATE stream SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2), "
    "ingested = max(coalesce(ingested, ?3), ?3), bytes = bytes + ?4 WHERE id = ?5"
)
_EVENT = (
    "SELECT stream.name, number, time, event.ingested, message, key "
    "FROM event JOIN stream ON stream.id = event.stream"
)
_OLD = (
    "SELECT number, stream, length(CAST(message AS BLOB)) FROM event "  # noqa: S608 - of constants
    f"WHERE log_group = ({_FIND_GROUP}) AND time < ? LIMIT {_EXPIRED_AT_ONCE}"
)
_SINCE = (
    "SELECT account, region, log_group.name, stream.name, number, time, event.ingested, message, "
    "key FROM event JOIN stream ON stream.id = event.stream JOIN log_group ON log_group.id = "
    "event.log_group WHERE number > ? ORDER BY number LIMIT ?"
)
_LAST_CHARACTER = "\U0010ffff"
_told = partial(told, "log events")


class SqliteLogEventStore:
    """See ports.log_events; one connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connections = ConnectionPerThread(path, _SCHEMA)
        with _told("opened"):
            self._connections.get()

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def create_stream(self, group: GroupKey, name: str, now: int) -> bool:
        with _told("written"), self._connections.changing() as connection:
            return _create_stream(connection, group, name, now)

    def delete_stream(self, group: GroupKey, name: str) -> bool:
        with _told("written"), self._connections.changing() as connection:
            stream = _stream_id(connection, group, name)
            if stream is None:
                return False
            connection.execute("DELETE FROM event WHERE stream = ?", (stream,))
            connection.execute("DELETE FROM stream WHERE id = ?", (stream,))
        return True

    def delete_group(self, group: GroupKey) -> None:
        with _told("written"), self._connections.changing() as connection:
            connection.execute(
                "UPDATE log_group SET account = '', region = '', name = id "
                "WHERE account = ? AND region = ? AND name = ?",
                group,
            )

    def groups(self) -> dict[int, GroupKey]:
        rows = self._all("SELECT id, account, region, name FROM log_group")
        return {number: GroupKey(*key) for number, *key in rows}

    def forget_group(self, number: int) -> None:
        some = f"SELECT number FROM event WHERE log_group = ? LIMIT {_EXPIRED_AT_ONCE}"  # noqa: S608 - of constants
        while True:
            with _told("written"), self._connections.changing() as connection:
                gone = connection.execute(f"DELETE FROM event WHERE number IN ({some})", (number,))  # noqa: S608 - of constants
                if gone.rowcount < _EXPIRED_AT_ONCE:
                    connection.execute("DELETE FROM stream WHERE log_group = ?", (number,))
                    connection.execute("DELETE FROM log_group WHERE id = ?", (number,))
                    return

    def stream(self, group: GroupKey, name: str) -> LogStream | None:
        rows = self._all(f"{_STREAM} WHERE log_group = ({_FIND_GROUP}) AND name = ?", *group, name)
        return _read_stream(rows[0]) if rows else None

    def streams(self, group: GroupKey, prefix: str = "") -> tuple[LogStream, ...]:
        rows = self._all(
            f"{_STREAM} WHERE log_group = ({_FIND_GROUP}) AND name >= ? AND name < ? ORDER BY name",
            *group,
            prefix,
            prefix + _LAST_CHARACTER,
        )
        return tuple(map(_read_stream, rows))

    def stored_bytes(self, groups: Sequence[GroupKey]) -> dict[GroupKey, int]:
        statement = f"SELECT sum(bytes) FROM stream WHERE log_group = ({_FIND_GROUP})"  # noqa: S608 - of constants
        return {group: int(self._all(statement, *group)[0][0] or 0) for group in groups}

    def put(
        self,
        group: GroupKey,
        stream: str,
        events: Sequence[LogEvent],
        ingested: int,
        access_key_id: str = "",
    ) -> bool:
        times = [one.milliseconds for one in events]
        size = sum(len(one.message.encode()) for one in events)
        with _told("written"), self._connections.changing() as connection:
            group_id = connection.execute(_FIND_GROUP, group).fetchone()
            stream_id = _stream_id(connection, group, stream)
            if stream_id is None:
                return False
            connection.executemany(
                "INSERT INTO event (log_group, stream, time, ingested, message, key) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (*group_id, stream_id, one.milliseconds, ingested, one.message, access_key_id)
                    for one in events
                ],
            )
            connection.execute(_WIDEN, (min(times), max(times), ingested, size, stream_id))
        return True

    def note(self, group: GroupKey, stream: str, *, first: int, last: int, ingested: int) -> None:
        with _told("written"), self._connections.changing() as connection:
            _create_stream(connection, group, stream, ingested)
            stream_id = _stream_id(connection, group, stream)
            connection.execute(_WIDEN, (first, last, ingested, 0, stream_id))

    def read(self, group: GroupKey, query: LogEventQuery) -> Iterator[StoredLogEvent]:
        asked = _Asked(self._ids(group, query), query)
        after = query.after
        while asked.ids:
            rows = self._all(*asked.statement(after))
            yield from (_read_event(group, row) for row in rows)
            if len(rows) < _READ_AT_ONCE:
                return
            after = rows[-1][2], rows[-1][1]

    def since(self, number: int, limit: int) -> tuple[StoredLogEvent, ...]:
        rows = self._all(_SINCE, number, limit)
        return tuple(_read_event(GroupKey(*row[:3]), row[3:]) for row in rows)

    def newest(self) -> int:
        rows = self._all("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        return int(rows[0][0]) if rows else 0

    def expire(self, group: GroupKey, before: int) -> int:
        gone = 0
        while True:
            with _told("written"), self._connections.changing() as connection:
                rows = connection.execute(_OLD, (*group, before)).fetchall()
                connection.executemany(
                    "DELETE FROM event WHERE number = ?", [(number,) for number, *_ in rows]
                )
                connection.executemany(
                    "UPDATE stream SET bytes = bytes - ? WHERE id = ?",
                    [(size, stream) for _, stream, size in rows],
                )
            gone += len(rows)
            if len(rows) < _EXPIRED_AT_ONCE:
                return gone

    def _ids(self, group: GroupKey, query: LogEventQuery) -> list[int]:
        """Of the one stream asked for, or of the group and then of the streams; [] for nothing."""
        found = self._all(_FIND_GROUP, *group)
        if not found or (query.streams is None and not query.stream_prefix):
            return [row[0] for row in found]
        rows = self._all(
            "SELECT id, name FROM stream WHERE log_group = ? AND name >= ? AND name < ?",
            found[0][0],
            query.stream_prefix,
            query.stream_prefix + _LAST_CHARACTER,
        )
        ids = [number for number, name in rows if query.streams is None or name in query.streams]
        return [found[0][0], *ids] if ids else []

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with _told("read"):
            return self._connections.get().execute(statement, values).fetchall()


class _Asked:
    """A query as SQL."""

    def __init__(self, ids: list[int], query: LogEventQuery) -> None:
        self.ids = ids
        self._query = query

    def statement(self, after: tuple[int, int] | None) -> tuple[Any, ...]:
        """The statement for the rows behind `after`, and its values."""
        query = self._query
        newest = query.newest_first
        group, *streams = self.ids
        values: list[Any]
        if len(streams) == 1:
            where, values = ["event.stream = ?"], [streams[0]]
        else:
            where, values = ["event.log_group = ?"], [group]
            if streams:
                where.append(f"event.stream IN ({', '.join('?' * len(streams))})")
                values += streams
        where.append("time >= ?")
        values.append(query.start)
        if query.end is not None:
            where.append("time < ?")
            values.append(query.end)
        if after is not None:
            where.append(f"(time, number) {'<' if newest else '>'} (?, ?)")
            values += after
        way = "DESC" if newest else "ASC"
        order = f"ORDER BY time {way}, number {way} LIMIT {_READ_AT_ONCE}"
        return f"{_EVENT} WHERE {' AND '.join(where)} {order}", *values


def _create_stream(connection: sqlite3.Connection, group: GroupKey, name: str, now: int) -> bool:
    connection.execute(
        "INSERT OR IGNORE INTO log_group (account, region, name) VALUES (?, ?, ?)", group
    )
    made = connection.execute(
        f"INSERT OR IGNORE INTO stream (log_group, name, created) VALUES (({_FIND_GROUP}), ?, ?)",  # noqa: S608 - of constants
        (*group, name, now),
    )
    return made.rowcount == 1


def _stream_id(connection: sqlite3.Connection, group: GroupKey, name: str) -> int | None:
    row = connection.execute(
        f"SELECT id FROM stream WHERE log_group = ({_FIND_GROUP}) AND name = ?",  # noqa: S608 - of constants
        (*group, name),
    ).fetchone()
    return None if row is None else int(row[0])


def _read_stream(row: Any) -> LogStream:
    name, created, first, last, ingested, size = row
    return LogStream(
        name=name, created=created, first=first, last=last, ingested=ingested, stored_bytes=size
    )


def _read_event(group: GroupKey, row: Any) -> StoredLogEvent:
    stream, number, milliseconds, ingested, message, key = row
    return StoredLogEvent(
        group=group,
        stream=stream,
        number=number,
        milliseconds=milliseconds,
        ingested=ingested,
        message=message,
        access_key_id=key,
    )
