"""What is old takes less room: parts of the folding, each in its caller's transaction.

A folded day is one row a series: the counts of its minutes (later of its 5 minutes, its hours) as
compressed little-endian integers. Rows are found by an index, and deleted or changed where they
were found, so whatever part is done stays done, and is not found again.

A function here takes today (days since the epoch) and the most rows to touch; it returns how many
it touched.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from opentrail.ports.insights.call_counts import HOUR, KEPT_DAYS, VALUES_KEPT_DAYS, width_at

_DAY = 1440


def fold_minutes(connection: sqlite3.Connection, today: int, most: int) -> int:
    """Minutes of days before yesterday become a row a series and day."""
    before = (today - 1) * _DAY
    done = 0
    while done < most:
        row = connection.execute(
            "SELECT series FROM minute WHERE minute < ? LIMIT 1", (before,)
        ).fetchone()
        if row is None:
            break
        done += _fold_series(connection, row[0], before, most - done)
    return done


def _fold_series(connection: sqlite3.Connection, series: int, before: int, most: int) -> int:
    rows = connection.execute(
        "SELECT minute, count FROM minute WHERE series = ? AND minute < ? ORDER BY minute LIMIT ?",
        (series, before, most),
    ).fetchall()
    days: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for minute, count in rows:
        days[minute // _DAY].append((minute % _DAY, count))
    for day, counts in days.items():
        row = connection.execute(
            "SELECT width, body FROM day WHERE series = ? AND day = ?", (series, day)
        ).fetchone()
        width, kept = (1, np.zeros(_DAY, np.int64)) if row is None else (row[0], unpacked(row[1]))
        for minute, count in counts:
            kept[minute // width] += count
        connection.execute(
            "INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?)", (series, day, width, _packed(kept))
        )
    connection.execute("DELETE FROM minute WHERE series = ? AND minute <= ?", (series, rows[-1][0]))
    return len(rows)


def widen(connection: sqlite3.Connection, today: int, most: int) -> int:
    """Days that are too old for their spans get wider ones, or go."""
    done = 0
    for width, days in KEPT_DAYS.items():
        rows = connection.execute(
            "SELECT series, day, body FROM day WHERE width = ? AND day < ? LIMIT ?",
            (width, today - days, most - done),
        ).fetchall()
        for series, day, body in rows:
            wider = width_at(today - day)
            if wider:
                counts = unpacked(body).reshape(-1, wider // width).sum(1)
                connection.execute(
                    "UPDATE day SET width = ?, body = ? WHERE series = ? AND day = ?",
                    (wider, _packed(counts), series, day),
                )
            else:
                connection.execute("DELETE FROM day WHERE series = ? AND day = ?", (series, day))
        done += len(rows)
    return done


def fold_values(connection: sqlite3.Connection, today: int, most: int) -> int:
    """Values of days before yesterday are kept by hours; those that are too old go."""
    rows = connection.execute(
        "SELECT series, block, attribute, value, count FROM value "
        "WHERE (block % 60 = 0) = 0 AND block < ? LIMIT ?",
        ((today - 1) * _DAY, most),
    ).fetchall()
    connection.executemany(
        "INSERT INTO value VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(series, block // HOUR * HOUR, *rest) for series, block, *rest in rows],
    )
    old = connection.execute(
        "SELECT series, block, attribute, value FROM value "
        "WHERE (block % 60 = 0) = 1 AND block < ? LIMIT ?",
        ((today - VALUES_KEPT_DAYS) * _DAY, most - len(rows)),
    ).fetchall()
    connection.executemany(
        "DELETE FROM value WHERE series = ? AND block = ? AND attribute = ? AND value = ?",
        [*(row[:4] for row in rows), *old],
    )
    return len(rows) + len(old)


def _packed(counts: NDArray[np.int64]) -> bytes:
    return zlib.compress(counts.astype("<u4").tobytes(), 1)


def unpacked(body: bytes) -> NDArray[np.int64]:
    """The counts of a folded day."""
    return np.frombuffer(zlib.decompress(body), "<u4").astype(np.int64)
