"""The index in one SQLite file: written by the workers' process, read by the API's.

Every attribute is one row of `term`, clustered by (account, region, attribute, value, time,
offset): a page is a range scan whatever the attribute, at any size. It can be rebuilt from the
journal, so a commit need not be synced; the place moves in the same transaction as the rows.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from opentrail.errors import Unavailable
from opentrail.history.lookup import LookupQuery
from opentrail.history.page import After
from opentrail.history.row import HistoryRow

BUSY_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, event_id TEXT NOT NULL,
  event_time INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (account, event_id)
);
CREATE TABLE IF NOT EXISTS term (
  scope TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL,
  event_time INTEGER NOT NULL, place INTEGER NOT NULL, event INTEGER NOT NULL,
  PRIMARY KEY (scope, attribute, value, event_time, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_by_time ON event (event_time);
CREATE INDEX IF NOT EXISTS term_by_time ON term (event_time);
CREATE TABLE IF NOT EXISTS follower (one INTEGER PRIMARY KEY CHECK (one = 1), place INTEGER);
"""
_PAGE = """
SELECT event.body FROM term JOIN event ON event.id = term.event
WHERE scope = ? AND attribute = ? AND value = ?
  AND (term.event_time, place) < (?, ?) AND term.event_time >= ?
ORDER BY term.event_time DESC, place DESC LIMIT ?
"""
_LAST_PLACE = 2**62


class SqliteHistoryIndex:
    """See ports.history; one connection a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection().executescript(_SCHEMA)

    def append(self, rows: Sequence[HistoryRow], place: int) -> None:
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for row in rows:
                    _insert(connection, row)
                connection.execute("INSERT OR REPLACE INTO follower VALUES (1, ?)", (place,))
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as cause:
            raise Unavailable(f"event history can't be written: {cause}") from cause

    def place(self) -> int | None:
        row = self._connection().execute("SELECT place FROM follower").fetchone()
        return None if row is None else int(row[0])

    def lookup(self, query: LookupQuery, after: After | None) -> tuple[HistoryRow, ...]:
        if query.insight:
            return ()
        last = (
            (int(query.end.timestamp()), _LAST_PLACE)
            if after is None
            else (after.event_time, after.offset)
        )
        # A start within a second leaves that second's events (which have whole seconds) out.
        start = -int(-query.start.timestamp() // 1)
        scope = f"{query.account_id}/{query.region}"
        try:
            rows = self._connection().execute(
                _PAGE, (scope, query.attribute, query.value, *last, start, query.limit + 1)
            )
            return tuple(msgspec.json.decode(body, type=HistoryRow) for (body,) in rows)
        except sqlite3.Error as cause:
            raise Unavailable(f"event history can't be read: {cause}") from cause

    def expire(self, before: int) -> int:
        connection = self._connection()
        connection.execute("DELETE FROM term WHERE event_time < ?", (before,))
        return connection.execute("DELETE FROM event WHERE event_time < ?", (before,)).rowcount

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = connection
        return connection


def _insert(connection: sqlite3.Connection, row: HistoryRow) -> None:
    added = connection.execute(
        "INSERT OR IGNORE INTO event (account, event_id, event_time, body) VALUES (?, ?, ?, ?)",
        (row.account_id, row.event_id, row.event_time, msgspec.json.encode(row)),
    )
    if not added.rowcount:
        return
    scope = f"{row.account_id}/{row.region}"
    connection.executemany(
        "INSERT OR IGNORE INTO term VALUES (?, ?, ?, ?, ?, ?)",
        [
            (scope, attribute, value, row.event_time, row.offset, added.lastrowid)
            for attribute, value in _terms(row)
        ],
    )


def _terms(row: HistoryRow) -> Iterator[tuple[str, str]]:
    yield "", ""
    yield "EventId", row.event_id
    yield "EventName", row.event_name
    yield "EventSource", row.event_source
    yield "ReadOnly", row.read_only
    if row.username:
        yield "Username", row.username
    if row.access_key_id:
        yield "AccessKeyId", row.access_key_id
    for kind in {kind for kind, _ in row.resources}:
        yield "ResourceType", kind
    for name in {name for _, name in row.resources}:
        yield "ResourceName", name
