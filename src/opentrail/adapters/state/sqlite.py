"""Documents in one SQLite file that several processes share.

WAL with synchronous=FULL: applied means synced. A prefix is a range of keys, so a listing reads
only what it returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.errors import StateConflict
from opentrail.ports.state import Change, Document

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
  kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""
_LIST = "SELECT kind, key, version, body FROM document WHERE kind = ?"
_LAST_CHARACTER = "\U0010ffff"
_told = partial(told, "state")


class SqliteStateStore:
    """See ports.state; one connection a thread."""

    def __init__(self, path: Path) -> None:
        self._connections = ConnectionPerThread(path, _SCHEMA)
        self._connections.get()

    def get(self, kind: str, key: str) -> Document | None:
        with _told("read"):
            row = self._connections.get().execute(f"{_LIST} AND key = ?", (kind, key)).fetchone()
        return None if row is None else Document(*row)

    def list(self, kind: str, prefix: str = "") -> tuple[Document, ...]:
        with _told("read"):
            rows = self._connections.get().execute(
                f"{_LIST} AND key >= ? AND key < ? ORDER BY key",
                (kind, prefix, prefix + _LAST_CHARACTER),
            )
            return tuple(Document(*row) for row in rows)

    def apply(self, changes: Sequence[Change]) -> None:
        with _told("written"), self._connections.changing() as connection:
            for change in changes:
                _apply(connection, change)

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()


def _apply(connection: sqlite3.Connection, change: Change) -> None:
    place = (change.kind, change.key)
    row = connection.execute(
        "SELECT version FROM document WHERE kind = ? AND key = ?", place
    ).fetchone()
    version = 0 if row is None else row[0]
    if change.expected is not None and change.expected != version:
        raise StateConflict(
            f"{change.kind} {change.key} has version {version}, expected {change.expected}"
        )
    if change.body is None:
        connection.execute("DELETE FROM document WHERE kind = ? AND key = ?", place)
    else:
        connection.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?) ON CONFLICT (kind, key) "
            "DO UPDATE SET version = excluded.version, body = excluded.body",
            (*place, version + 1, change.body),
        )
