"""Metrics in one SQLite file that several processes share.

WAL with synchronous=FULL: put means synced. A bucket is one row; a read is one range of rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from opentrail.adapters.metrics.rows import (
    by_period,
    cut,
    gathered,
    has_dimensions,
    packed,
    read_dimensions,
    spelled,
    unpacked,
    wider,
)
from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.alarms.datapoint import joined
from opentrail.ports.metrics import STEPS, Bucket, Changed, Datapoint, Series, SeriesQuery

FILE_NAME = "metrics.sqlite"
_EXPIRED_AT_ONCE = 2000
"""Buckets in one transaction: others wait for less than a second."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL,
  name TEXT NOT NULL, dimensions TEXT NOT NULL, last INTEGER NOT NULL, changed INTEGER NOT NULL,
  UNIQUE (account, region, namespace, name, dimensions)
);
CREATE INDEX IF NOT EXISTS series_changed ON series (changed);
CREATE TABLE IF NOT EXISTS bucket (
  series INTEGER NOT NULL, time INTEGER NOT NULL, unit TEXT NOT NULL, width INTEGER NOT NULL,
  count REAL NOT NULL, sum REAL NOT NULL, minimum REAL NOT NULL, maximum REAL NOT NULL,
  parts BLOB NOT NULL, PRIMARY KEY (series, time, unit, width)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bucket_age ON bucket (width, time);
CREATE TABLE IF NOT EXISTS put (id INTEGER PRIMARY KEY, number INTEGER NOT NULL);
INSERT OR IGNORE INTO put VALUES (0, 0);
CREATE TABLE IF NOT EXISTS place (follower TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_FIND = (
    "SELECT id FROM series WHERE account = ? AND region = ? AND namespace = ? AND name = ? "
    "AND dimensions = ?"
)
_NOTE = (
    "INSERT INTO series (account, region, namespace, name, dimensions, last, changed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, region, namespace, name, dimensions) "
    "DO UPDATE SET last = max(last, excluded.last), changed = excluded.changed RETURNING id"
)
_NEXT = "UPDATE put SET number = number + 1 RETURNING number"
_BUCKET = "SELECT time, unit, count, sum, minimum, maximum, parts FROM bucket"
_KEEP = "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_told = partial(told, "metrics")


class SqliteMetricStore:
    """See ports.metrics; one connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connections = ConnectionPerThread(path, _SCHEMA)
        with _told("opened"):
            self._connections.get()

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def put(
        self, points: Sequence[Datapoint], *, follower: str = "", place: int | None = None
    ) -> None:
        with _told("written"), self._connections.changing() as connection:
            if follower and place is not None:
                known = _place(connection, follower)
                if known is not None and known >= place:
                    return
                connection.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (follower, place))
            (changed,) = connection.execute(_NEXT).fetchone()
            for where, bucket in gathered(points).items():
                noted = (*_columns(where.series), where.time, changed)
                (number,) = connection.execute(_NOTE, noted).fetchone()
                _keep(connection, number, where.width, bucket)

    def place(self, follower: str) -> int | None:
        with _told("read"):
            return _place(self._connections.get(), follower)

    def read(
        self, series: Series, start: int, end: int, period: int, *, unit: str | None = None
    ) -> tuple[Bucket, ...]:
        where = f"series = ({_FIND}) AND time >= ? AND time < ? AND (? IS NULL OR unit = ?)"
        values = (*_columns(series), start, end, unit, unit)
        with _told("read"):
            rows = self._connections.get().execute(
                f"{_BUCKET} WHERE {where} ORDER BY time, unit", values
            )
            return by_period([_bucket(row) for row in rows], start, period)

    def series(self, query: SeriesQuery) -> tuple[Series, ...]:
        where = "account = ? AND region = ?"
        values: list[Any] = [query.account_id, query.region]
        for column, wanted in (("namespace = ?", query.namespace), ("name = ?", query.name),
                               ("last >= ?", query.active_since)):  # fmt: skip
            if wanted is not None:
                where += f" AND {column}"
                values.append(wanted)
        if query.after is not None:
            where += " AND (namespace, name, dimensions) > (?, ?, ?)"
            values += _columns(query.after)[2:]
        found: list[Series] = []
        with _told("read"):
            rows = self._connections.get().execute(
                "SELECT namespace, name, dimensions FROM series "  # noqa: S608 - constants
                f"WHERE {where} ORDER BY namespace, name, dimensions",
                values,
            )
            for namespace, name, text in rows:
                if len(found) == query.limit:
                    break
                dimensions = read_dimensions(text)
                if has_dimensions(query, dimensions):
                    found.append(
                        Series(query.account_id, query.region, namespace, name, dimensions)
                    )
            rows.close()
        return tuple(found)

    def changed(self, after: int) -> Changed:
        with _told("read"):
            rows = (
                self._connections.get()
                .execute(
                    "SELECT account, region, namespace, name, dimensions, changed FROM series "
                    "WHERE changed > ?",
                    (after,),
                )
                .fetchall()
            )
        series = tuple(
            Series(account, region, namespace, name, read_dimensions(text))
            for account, region, namespace, name, text, _ in rows
        )
        return Changed(series, max((row[5] for row in rows), default=after))

    def expire(self, now: int) -> int:
        gone = 0
        for width, age in STEPS:
            while some := self._expire(width, cut(width, age, now)):
                gone += some
        if gone:
            with _told("written"), self._connections.changing() as connection:
                connection.execute(
                    "DELETE FROM series WHERE NOT EXISTS "
                    "(SELECT 1 FROM bucket WHERE bucket.series = series.id)"
                )
        return gone

    def _expire(self, width: int, before: int) -> int:
        """The oldest buckets of a width; how many went."""
        to = wider(width)
        with _told("written"), self._connections.changing() as connection:
            old = connection.execute(
                "SELECT series, time, unit, count, sum, minimum, maximum, parts FROM bucket "
                "WHERE width = ? AND time < ? LIMIT ?",
                (width, before, _EXPIRED_AT_ONCE),
            ).fetchall()
            for series, *row in old:
                if to is not None:
                    bucket = _bucket(tuple(row))
                    time = bucket.time // to * to
                    _keep(connection, series, to, joined((bucket,), time=time, unit=bucket.unit))
                connection.execute(
                    "DELETE FROM bucket WHERE series = ? AND time = ? AND unit = ? AND width = ?",
                    (series, row[0], row[1], width),
                )
        return len(old)


def _keep(connection: sqlite3.Connection, series: int, width: int, bucket: Bucket) -> None:
    """Join it with what is there."""
    key = (series, bucket.time, bucket.unit, width)
    row = connection.execute(
        f"{_BUCKET} WHERE series = ? AND time = ? AND unit = ? AND width = ?", key
    ).fetchone()
    if row is not None:
        bucket = joined((_bucket(row), bucket), time=bucket.time, unit=bucket.unit)
    statistics = (bucket.count, bucket.sum, bucket.minimum, bucket.maximum)
    connection.execute(_KEEP, (*key, *statistics, packed(bucket.values)))


def _bucket(row: tuple[Any, ...]) -> Bucket:
    time, unit, count, total, minimum, maximum, parts = row
    return Bucket(
        time=time,
        unit=unit,
        count=count,
        sum=total,
        minimum=minimum,
        maximum=maximum,
        values=unpacked(parts),
    )


def _columns(series: Series) -> tuple[str, str, str, str, str]:
    of = series
    return of.account_id, of.region, of.namespace, of.name, spelled(of.dimensions)


def _place(connection: sqlite3.Connection, follower: str) -> int | None:
    row = connection.execute("SELECT value FROM place WHERE follower = ?", (follower,)).fetchone()
    return None if row is None else int(row[0])
