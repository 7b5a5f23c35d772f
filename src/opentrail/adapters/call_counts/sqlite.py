"""Counts in one SQLite file; committed means synced.

New minutes are rows. A day that is over is folded (`folding`): one row a series and day. A count
that comes for a folded day stays a row until the next folding.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from opentrail.adapters.call_counts.folding import fold_minutes, fold_values, unpacked, widen
from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.insights.alert import Alert
from opentrail.insights.attributions import Attribute, Values
from opentrail.insights.counts import SeriesKey
from opentrail.ports.insights.call_counts import (
    ALERTS_KEPT_DAYS,
    BLOCK,
    Changes,
    CountPlace,
    KnownSeries,
)

FILE_NAME = "call-counts.sqlite"
MOST_SERIES = 100_000
FOLDED_AT_ONCE = 2000
"""Rows that one transaction folds: other writers wait for some tenths of a second."""

_DAY = 1440
_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, account TEXT, region TEXT, category TEXT, source TEXT, name TEXT,
    type TEXT, code TEXT, first INTEGER NOT NULL,
    UNIQUE (account, region, category, source, name, type, code));
CREATE TABLE IF NOT EXISTS minute (
    series INTEGER, minute INTEGER, count INTEGER NOT NULL,
    PRIMARY KEY (series, minute)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS minute_minute ON minute (minute);
CREATE TABLE IF NOT EXISTS day (
    series INTEGER, day INTEGER, width INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (series, day)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS day_width ON day (width, day);
CREATE TABLE IF NOT EXISTS value (
    series INTEGER, block INTEGER, attribute TEXT, value TEXT, count INTEGER NOT NULL,
    PRIMARY KEY (series, block, attribute, value)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS value_fine ON value (block % 60 = 0, block);
CREATE TABLE IF NOT EXISTS alert (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, series INTEGER NOT NULL, seen INTEGER NOT NULL,
    lasts INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS alert_seen ON alert (seen);
CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY AUTOINCREMENT, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS place (
    id INTEGER PRIMARY KEY CHECK (id = 0), sequence INTEGER NOT NULL, judged INTEGER NOT NULL);
"""

_WHERE_KEY = (
    "account = ? AND region = ? AND category = ? AND source = ? AND name = ? AND type = ? "
    "AND code = ?"
)
_KEY = "account, region, category, source, name, type, code"
_ALERT = msgspec.json.Decoder(Alert)
_told = partial(told, "counts of calls")


class SqliteCallCounts:
    """See ports.insights.call_counts; a connection a thread."""

    def __init__(self, path: Path, most_series: int = MOST_SERIES) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._most = most_series
        self._connections = ConnectionPerThread(path, _SCHEMA)
        self._ids: dict[SeriesKey, int] = {}
        self._held: Counter[str] | None = None
        """Series of each account; counted when it is asked for first, then kept up."""
        self._series = 0

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def series(self) -> Iterator[KnownSeries]:
        rows = self._all(f"SELECT {_KEY}, first FROM series ORDER BY id")  # noqa: S608 - columns
        return iter([KnownSeries(SeriesKey(*row[:-1]), row[-1]) for row in rows])

    def counts(
        self, key: SeriesKey, start: int, end: int, width: int = 1
    ) -> tuple[tuple[int, int], ...]:
        series = self._find(key)
        if series is None:
            return ()
        single: list[tuple[int, int]] = []
        minutes, calls = [], []
        # One statement, so that it sees what is folded meanwhile once.
        for place, width_there, count, body in self._all(
            "SELECT minute, 0, count, NULL FROM minute "
            "WHERE series = ? AND minute >= ? AND minute < ? UNION ALL "
            "SELECT day, width, 0, body FROM day WHERE series = ? AND day >= ? AND day < ?",
            series, start, end, series, start // _DAY, -(-end // _DAY),
        ):  # fmt: skip
            if body is None:
                single.append((place, count))
            else:
                counts = unpacked(body)
                spans = np.flatnonzero(counts)
                minutes.append(place * _DAY + spans * width_there)
                calls.append(counts[spans])
        new = np.array(single, np.int64).reshape(-1, 2)
        minutes.append(new[:, 0])
        calls.append(new[:, 1])
        return _summed(np.concatenate(minutes), np.concatenate(calls), range(start, end, width))

    def values(self, key: SeriesKey, start: int, end: int) -> Values:
        rows = self._all(
            "SELECT attribute, value, SUM(count) FROM value "
            "WHERE series = ? AND block >= ? AND block < ? GROUP BY attribute, value",
            self._find(key), start // BLOCK * BLOCK, end,
        )  # fmt: skip
        found: dict[Attribute, dict[str, int]] = defaultdict(dict)
        for attribute, value, count in rows:
            found[Attribute(attribute)][value] = count
        return found

    def alerts(
        self, *, since: int, account_id: str = "", key: SeriesKey | None = None, limit: int = 1000
    ) -> tuple[Alert, ...]:
        series = None if key is None else self._find(key) or -1
        rows = self._all(
            "SELECT body FROM alert WHERE (seen >= ? OR lasts) AND (? = '' OR account = ?) "
            "AND (? IS NULL OR series = ?) ORDER BY seen DESC, id LIMIT ?",
            since, account_id, account_id, series, series, limit,
        )  # fmt: skip
        return tuple(_ALERT.decode(body) for (body,) in rows)

    def place(self) -> CountPlace | None:
        rows = self._all("SELECT sequence, judged FROM place")
        return CountPlace(*rows[0]) if rows else None

    def commit(self, changes: Changes, place: CountPlace) -> Mapping[SeriesKey, int]:
        try:
            return self._commit(changes, place)
        except BaseException:
            self._ids, self._held = {}, None  # some may have been given in what was rolled back
            raise

    def at(self, minute: int) -> Mapping[SeriesKey, int]:
        rows = self._all(
            f"SELECT {_KEY}, count FROM minute JOIN series ON series = id WHERE minute = ?",  # noqa: S608 - columns
            minute,
        )
        return {SeriesKey(*key): count for *key, count in rows}

    def fold(self, today: int) -> int:
        done = 0
        with _told("written"), self._connections.changing() as connection:
            for fold in (fold_minutes, widen, fold_values):
                done += fold(connection, today, FOLDED_AT_ONCE - done)
                if done >= FOLDED_AT_ONCE:
                    return done
            oldest = (today - ALERTS_KEPT_DAYS) * _DAY
            connection.execute("DELETE FROM alert WHERE seen < ? AND NOT lasts", (oldest,))
        return done

    def forget(self) -> tuple[SeriesKey, ...]:
        with _told("written"), self._connections.changing() as connection:
            rows = connection.execute(
                "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM day WHERE series = id) "  # noqa: S608 - columns
                "AND NOT EXISTS (SELECT 1 FROM minute WHERE series = id) "
                f"AND id NOT IN (SELECT series FROM alert WHERE lasts) RETURNING {_KEY}"
            ).fetchall()
        if rows:
            self._ids, self._held = {}, None
        return tuple(SeriesKey(*row) for row in rows)

    def waiting(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        return tuple(self._all("SELECT number, raw FROM record ORDER BY number LIMIT ?", limit))

    def appended(self, number: int) -> None:
        with _told("written"), self._connections.changing() as connection:
            connection.execute("DELETE FROM record WHERE number <= ?", (number,))

    def _commit(self, changes: Changes, place: CountPlace) -> Mapping[SeriesKey, int]:
        refused: Counter[SeriesKey] = Counter()
        with _told("written"), self._connections.changing() as connection:
            rows = []
            for (key, minute), count in changes.counts.items():
                series = self._known(connection, key, minute)
                if series is None:
                    refused[key] += count
                else:
                    rows.append((series, minute, count))
            connection.executemany(
                "INSERT INTO minute VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET count = count + excluded.count",
                rows,
            )
            connection.executemany(
                "UPDATE series SET first = ? WHERE id = ? AND first > ?",
                [(minute, series, minute) for series, minute, _ in rows],
            )
            connection.executemany(
                "INSERT INTO value VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET count = count + excluded.count",
                [
                    (self._ids[one.series], one.block, str(one.attribute), one.value, count)
                    for one, count in changes.values.items()
                    if one.series in self._ids
                ],
            )
            for alert in changes.alerts:
                series = self._known(connection, alert.series, alert.seen)
                connection.execute(
                    "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        alert.id, alert.series.account_id, series or 0, alert.seen,
                        not alert.is_over, msgspec.json.encode(alert),
                    ),
                )  # fmt: skip
            connection.executemany(
                "INSERT INTO record (raw) VALUES (?)", [(raw,) for raw in changes.records]
            )
            connection.execute(
                "INSERT OR REPLACE INTO place VALUES (0, ?, ?)", (place.sequence, place.judged)
            )
        return refused

    def _known(self, connection: sqlite3.Connection, key: SeriesKey, minute: int) -> int | None:
        """The series' number; a new one's, if there is room for it."""
        series = self._ids.get(key) or self._find(key)
        if series is None:
            if not self._has_room(connection, key.account_id):
                return None
            series = connection.execute(
                "INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, minute)
            ).lastrowid
            assert series is not None
        self._ids[key] = series
        return series

    def _has_room(self, connection: sqlite3.Connection, account_id: str) -> bool:
        """Whether an account may have one more; it is counted as there."""
        if self._held is None:
            rows = connection.execute("SELECT account, COUNT(*) FROM series GROUP BY account")
            self._held = Counter(dict(rows.fetchall()))
            self._series = self._held.total()
        if self._held[account_id] >= self._most - self._series:
            return False
        self._held[account_id] += 1
        self._series += 1
        return True

    def _find(self, key: SeriesKey) -> int | None:
        rows = self._all(f"SELECT id FROM series WHERE {_WHERE_KEY}", *key)  # noqa: S608 - columns
        return int(rows[0][0]) if rows else None

    def _all(self, statement: str, *values: object) -> list[Any]:
        with _told("read"):
            return self._connections.get().execute(statement, values).fetchall()


def _summed(
    minutes: NDArray[np.int64], calls: NDArray[np.int64], spans: range
) -> tuple[tuple[int, int], ...]:
    """Calls by span of so many minutes, of minutes from the range's start to before its stop."""
    inside = (minutes >= spans.start) & (minutes < spans.stop)
    firsts, place = np.unique(minutes[inside] // spans.step * spans.step, return_inverse=True)
    found = np.zeros(len(firsts), np.int64)
    np.add.at(found, place, calls[inside])
    return tuple(zip(firsts.tolist(), found.tolist(), strict=True))
