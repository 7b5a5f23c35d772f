"""Which segments the store is made of: one SQLite file, changed in whole steps.

Writers in other processes take turns by its lock; readers see a change when its transaction ends.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from opentrail.adapters.events.segments.segment import SegmentEntry
from opentrail.adapters.sqlite_file import ConnectionPerThread, told, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS segment (number INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_SEQUENCE, _PLACE, _SEED, _REVISION = "sequence_end", "place", "seed", "revision"
_EXPIRATIONS = "expirations"


class Catalog:
    """One connection a thread.

    Raises:
        Unavailable: the file can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._told = partial(told, f"the store of events, {path.name},", "used")
        self._connections = ConnectionPerThread(path, _SCHEMA)
        if self._number(_SEED) is None:
            with self.changing():
                seed = secrets.randbits(62)
                self._run("INSERT OR IGNORE INTO number VALUES (?, ?)", (_SEED, seed))
        self.seed = self._number(_SEED) or 0

    def revision(self) -> int:
        """Grows whenever somebody, in any process, changed the catalog."""
        return self._number(_REVISION) or 0

    def segments(self) -> list[SegmentEntry]:
        """All, in the order they were added."""
        rows = self._run("SELECT number, entry FROM segment ORDER BY number").fetchall()
        return [_entry(number, body) for number, body in rows]

    def sequence_end(self) -> int:
        """One above the last sequence given."""
        return self._number(_SEQUENCE) or 0

    def place(self) -> int | None:
        """How far the journal is dealt with."""
        return self._number(_PLACE)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One change: all or nothing, durable at its end; others wait."""
        with self._told(), transaction(self._connections.get()):
            yield
            self._run(
                "INSERT INTO number VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1",
                (_REVISION,),
            )

    def add(self, entry: SegmentEntry) -> SegmentEntry:
        """Inside `changing`: a segment more; rows without sequences of their own get them now.

        So whoever has seen everything below the sequence's end has missed nothing.
        """
        if not entry.numbered:
            first = self.sequence_end()
            entry = replace(entry, first_sequence=first, sequence_end=first + entry.rows)
            self._set(_SEQUENCE, entry.sequence_end)
        added = self._run(
            "INSERT INTO segment (entry) VALUES (?)", (msgspec.json.encode(entry),)
        ).lastrowid
        return replace(entry, number=int(added or 0))

    def remove(self, numbers: Sequence[int]) -> None:
        """Inside `changing`: segments that are no more."""
        for number in numbers:
            self._run("DELETE FROM segment WHERE number = ?", (number,))

    def expirations(self) -> int:
        """Grows whenever events are forgotten: those may come again."""
        return self._number(_EXPIRATIONS) or 0

    def note_expiration(self) -> None:
        """Inside `changing`: events are forgotten."""
        self._set(_EXPIRATIONS, self.expirations() + 1)

    def set_place(self, place: int) -> None:
        """Inside `changing`."""
        self._set(_PLACE, place)

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def _set(self, name: str, value: int) -> None:
        self._run("INSERT OR REPLACE INTO number VALUES (?, ?)", (name, value))

    def _number(self, name: str) -> int | None:
        row = self._run("SELECT value FROM number WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        with self._told():
            return self._connections.get().execute(statement, values)


def _entry(number: int, body: bytes) -> SegmentEntry:
    values = msgspec.json.decode(body)
    values["bytes"] = tuple(values["bytes"])
    return SegmentEntry(**{**values, "number": number})
