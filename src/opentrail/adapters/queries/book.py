"""The book of queries in one SQLite file, shared by the server and whoever runs queries.

WAL with synchronous=FULL: a query that was accepted is there after a crash, and told as failed.
Rows of results are kept in compressed parts, a few hundred at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from opentrail.adapters.sqlite_file import ConnectionPerThread, told, transaction
from opentrail.ports.queries import QueryEntry, QueryStatistics, QueryStatus, Row

FILE_NAME = "queries.sqlite"
MOST_BYTES = 32 * 1024 * 1024
"""Of the rows that are read at once."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS query (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created INTEGER NOT NULL,
  status TEXT NOT NULL, rows INTEGER NOT NULL DEFAULT 0, statistics BLOB NOT NULL,
  reason TEXT NOT NULL DEFAULT '', took INTEGER NOT NULL DEFAULT 0, entry BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS query_by_time ON query (account, region, created DESC, id);
CREATE INDEX IF NOT EXISTS query_by_status ON query (status, created);
CREATE TABLE IF NOT EXISTS part (
  query TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (query, first)
) WITHOUT ROWID;
"""
_COLUMNS = "status, rows, statistics, reason, took, entry"
_LEFT = (QueryStatus.SCHEDULED.value, QueryStatus.RUNNING.value)
_OPEN = f"status IN ('{_LEFT[0]}', '{_LEFT[1]}')"
_ROWS = msgspec.json.Decoder(list[Row])
_told = partial(told, f"the book of queries, {FILE_NAME},", "used")


class SqliteQueryBook:
    """See ports.queries."""

    def __init__(self, path: Path) -> None:
        self._connections = ConnectionPerThread(path, _SCHEMA)

    def add(self, entry: QueryEntry) -> None:
        self._run(
            "INSERT INTO query (id, account, region, created, status, statistics, entry) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            entry.query_id, entry.account_id, entry.region, entry.created, entry.status.value,
            msgspec.json.encode(entry.statistics), msgspec.json.encode(entry),
        )  # fmt: skip

    def find(self, account_id: str, query_id: str) -> QueryEntry | None:
        rows = self._read(
            f"SELECT {_COLUMNS} FROM query WHERE id = ? AND account = ?", query_id, account_id
        )
        return _entry(rows[0]) if rows else None

    def newest(
        self,
        account_id: str,
        region: str,
        *,
        statuses: Sequence[QueryStatus],
        group: str | None,
        before: tuple[int, str] | None,
        limit: int,
    ) -> tuple[QueryEntry, ...]:
        conditions, values = ["account = ?", "region = ?"], [account_id, region]
        if statuses:
            conditions.append(f"status IN ({', '.join('?' * len(statuses))})")
            values += [one.value for one in statuses]
        if before is not None:
            conditions.append("(created < ? OR (created = ? AND id > ?))")
            values += [before[0], before[0], before[1]]  # type: ignore[list-item] # numbers, too
        sql = (
            f"SELECT {_COLUMNS} FROM query WHERE {' AND '.join(conditions)} "
            "ORDER BY created DESC, id"
        )
        found: list[QueryEntry] = []
        with _told():
            for row in self._connections.get().execute(sql, values):
                entry = _entry(row)
                if group is None or group in entry.groups:
                    found.append(entry)
                if len(found) == limit:
                    break
        return tuple(found)

    def unfinished(self, account_id: str) -> int:
        rows = self._read(f"SELECT count(*) FROM query WHERE account = ? AND {_OPEN}", account_id)
        return int(rows[0][0])

    def claim(self) -> QueryEntry | None:
        # Most often nothing waits, which is seen without writing.
        first = "SELECT id FROM query WHERE status = ? ORDER BY created, id LIMIT 1"
        waiting = self._read(first, _LEFT[0])
        if not waiting:
            return None
        rows = self._read(
            f"UPDATE query SET status = ? WHERE id = ? AND status = ? RETURNING {_COLUMNS}",
            _LEFT[1], waiting[0][0], _LEFT[0],
        )  # fmt: skip
        return _entry(rows[0]) if rows else None

    def note(self, query_id: str, statistics: QueryStatistics) -> bool:
        changed = self._run(
            "UPDATE query SET statistics = ? WHERE id = ? AND status = ?",
            msgspec.json.encode(statistics), query_id, _LEFT[1],
        )  # fmt: skip
        return changed > 0

    def add_rows(self, query_id: str, rows: Sequence[Row]) -> None:
        body = zstandard.ZstdCompressor(level=1).compress(msgspec.json.encode(rows))
        with _told(), transaction(self._connections.get()) as _:
            self._run(
                "INSERT INTO part SELECT id, rows, ?, ? FROM query WHERE id = ?",
                len(rows), body, query_id,
            )  # fmt: skip
            self._run("UPDATE query SET rows = rows + ? WHERE id = ?", len(rows), query_id)

    def rows(self, query_id: str, first: int, most: int) -> list[Row]:
        sql = (
            "SELECT first, body FROM part WHERE query = ? AND first + count > ? AND first < ? "
            "ORDER BY first"
        )
        found: list[Row] = []
        size = 0
        with _told():
            for start, body in self._connections.get().execute(
                sql, (query_id, first, first + most)
            ):
                plain = zstandard.ZstdDecompressor().decompress(body)
                size += len(plain)
                if found and size > MOST_BYTES:
                    break
                rows = _ROWS.decode(plain)
                found += rows[max(first - start, 0) : first + most - start]
        return found

    def end(
        self,
        query_id: str,
        status: QueryStatus,
        *,
        statistics: QueryStatistics,
        took: int,
        reason: str = "",
    ) -> None:
        self._run(
            "UPDATE query SET status = ?, statistics = ?, took = ?, reason = ? "
            "WHERE id = ? AND status = ?",
            status.value, msgspec.json.encode(statistics), took, reason, query_id, _LEFT[1],
        )  # fmt: skip

    def stop(self, account_id: str, query_id: str) -> bool:
        changed = self._run(
            f"UPDATE query SET status = ? WHERE id = ? AND account = ? AND {_OPEN}",
            QueryStatus.CANCELLED.value, query_id, account_id,
        )  # fmt: skip
        return changed > 0

    def fail_left(self, reason: str, *, scheduled_before: int) -> int:
        return self._run(
            "UPDATE query SET status = ?, reason = ? "
            "WHERE status = ? OR (status = ? AND created < ?)",
            QueryStatus.FAILED.value, reason, _LEFT[1], _LEFT[0], scheduled_before,
        )  # fmt: skip

    def forget(self, before: int) -> int:
        with _told(), transaction(self._connections.get()):
            self._run(
                "DELETE FROM part WHERE query IN (SELECT id FROM query WHERE created < ?)", before
            )
            return self._run("DELETE FROM query WHERE created < ?", before)

    def close(self) -> None:
        """Close what this thread holds open."""
        self._connections.close()

    def _run(self, sql: str, *values: Any) -> int:
        with _told():
            return self._connections.get().execute(sql, values).rowcount

    def _read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with _told():
            return self._connections.get().execute(sql, values).fetchall()


def _entry(row: tuple[Any, ...]) -> QueryEntry:
    status, rows, statistics, reason, took, body = row
    return msgspec.structs.replace(
        msgspec.json.decode(body, type=QueryEntry),
        status=QueryStatus(status),
        rows=rows,
        statistics=msgspec.json.decode(statistics, type=QueryStatistics),
        reason=reason,
        took=took,
    )
