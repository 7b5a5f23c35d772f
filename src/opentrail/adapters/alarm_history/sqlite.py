"""Alarm histories in one SQLite file that several processes share; added means synced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.alarms.telling.changes import HistoryItem
from opentrail.ports.metrics.alarm_history import HistoryQuery

FILE_NAME = "alarm-history.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  time REAL NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_time ON item (account, region, time, id);
CREATE INDEX IF NOT EXISTS item_name ON item (account, region, name, time, id);
CREATE INDEX IF NOT EXISTS item_age ON item (time);
"""
_ITEM = msgspec.json.Decoder(HistoryItem)
_told = partial(told, "the alarm history")


class SqliteAlarmHistory:
    """See ports.alarm_history; one connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connections = ConnectionPerThread(path, _SCHEMA)
        with _told("opened"):
            self._connections.get()

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def add(self, items: Sequence[HistoryItem]) -> None:
        rows = [
            (
                *(item.id, item.account_id, item.region, item.name, item.time),
                *(item.kind, item.alarm_type, msgspec.json.encode(item)),
            )
            for item in items
        ]
        with _told("written"), self._connections.changing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def find(self, query: HistoryQuery) -> tuple[HistoryItem, ...]:
        where, values = _where(query)
        order = "time DESC, id DESC" if query.newest_first else "time, id"
        with _told("read"):
            rows = self._connections.get().execute(
                f"SELECT body FROM item WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608 - constants
                (*values, query.limit),
            )
            return tuple(_ITEM.decode(body) for (body,) in rows)

    def expire(self, before: float) -> int:
        with _told("written"):
            done = self._connections.get().execute("DELETE FROM item WHERE time < ?", (before,))
            return done.rowcount


def _where(query: HistoryQuery) -> tuple[str, list[Any]]:
    where = "account = ? AND region = ?"
    wanted: list[Any] = [query.account_id, query.region]
    for condition, value in (
        ("name = ?", query.name),
        ("kind = ?", query.kind),
        ("time >= ?", query.start),
        ("time <= ?", query.end),
    ):
        if value is not None:
            where += f" AND {condition}"
            wanted.append(value)
    if query.alarm_types:
        where += f" AND type IN ({','.join('?' * len(query.alarm_types))})"
        wanted += query.alarm_types
    if query.after is not None:
        where += f" AND (time, id) {'<' if query.newest_first else '>'} (?, ?)"
        wanted += query.after
    return where, wanted
