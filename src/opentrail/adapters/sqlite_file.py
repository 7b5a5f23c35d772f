"""SQLite files as every adapter wants them: private, shared by processes, synced at each commit."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from opentrail.errors import Unavailable

BUSY_SECONDS = 60.0
"""How long one waits for the transaction of another, which takes milliseconds."""


class Column(NamedTuple):
    """A column that came to a table later: a file of an earlier release has the table without it.

    Attributes:
        definition: As SQL has it; rows that are there get its default, or NULL.
    """

    table: str
    name: str
    definition: str


def open_database(path: Path, schema: str, later: Sequence[Column] = ()) -> sqlite3.Connection:
    """A connection for one thread at a time, in autocommit; the tables of `schema` are there.

    Args:
        later: Columns of `schema` that are added to a file which lacks them.

    Raises:
        sqlite3.Error: the file can't be opened, or is no database.
    """
    # An existing file is never opened here: closing it would drop the locks that this process's
    # other connections hold on it (POSIX), and another process would take it for unused.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    for column in later:
        _add(connection, column)
    connection.executescript(schema)
    return connection


def _add(connection: sqlite3.Connection, column: Column) -> None:
    if not _is_missing(connection, column):
        return
    with transaction(connection):
        if _is_missing(connection, column):  # no other process was quicker
            connection.execute(
                f"ALTER TABLE {column.table} ADD COLUMN {column.name} {column.definition}"
            )


def _is_missing(connection: sqlite3.Connection, column: Column) -> bool:
    """Whether the table is there without it."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({column.table})")]
    return bool(names) and column.name not in names


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done in the block, durable at its end, or nothing; other writers wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A COMMIT that fails may leave it open; a full disk may have ended it already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told(subject: str, done: str) -> Iterator[None]:
    """What SQLite or the disk refuses in the block, in the ports' words.

    Raises:
        Unavailable: "<subject> can't be <done>: …".
    """
    try:
        yield
    except (sqlite3.Error, OSError) as cause:
        raise Unavailable(f"{subject} can't be {done}: {cause}") from cause


class ConnectionPerThread:
    """The connections of one file."""

    def __init__(self, path: Path, schema: str, later: Sequence[Column] = ()) -> None:
        """As `open_database`, which each thread does for itself."""
        self._path = path
        self._schema = schema
        self._later = later
        self._local = threading.local()

    def get(self) -> sqlite3.Connection:
        """The one of this thread, opened when it is first asked for.

        Raises:
            sqlite3.Error: as `open_database`.
        """
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_database(
                self._path, self._schema, self._later
            )
        return connection

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the one of this thread.

        Raises:
            sqlite3.Error: as `open_database`, or the transaction fails.
        """
        connection = self.get()
        with transaction(connection):
            yield connection

    def close(self) -> None:
        """Close the one of this thread."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None
