"""Opening a database once more drops nobody's locks on it; a transaction that fails leaves none."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.adapters.sqlite_file import ConnectionPerThread, open_database, told, transaction
from opentrail.clock import ManualClock
from opentrail.errors import Unavailable
from opentrail.ports.events import Search

LOOK = """
import sys
from pathlib import Path
from opentrail.adapters.events import SegmentEventReader
from opentrail.ports.events import Search
reader = SegmentEventReader(Path(sys.argv[1]))
print(len(reader.search(Search(limit=None))))
reader.close()
"""


def test_other_processes_see_what_is_written_after_a_second_opening(tmp_path: Path) -> None:
    path = tmp_path / "events"
    store = SegmentEventStore(path, ManualClock(datetime(2026, 11, 24, 9, tzinfo=UTC)))
    store.append([b'{"eventID":"1"}'])
    beside = SegmentEventReader(path)

    for number in range(2, 5):
        done = subprocess.run(
            [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == str(number - 1)
        store.append([f'{{"eventID":"{number}"}}'.encode()])

    assert len(beside.search(Search(limit=None))) == 4
    assert oct((path / "catalog.sqlite").stat().st_mode & 0o777) == "0o600"
    store.close()


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    schema = "CREATE TABLE a (x PRIMARY KEY, y REFERENCES a (x) DEFERRABLE INITIALLY DEFERRED)"
    connection = open_database(tmp_path / "file", f"PRAGMA foreign_keys = ON; {schema}")

    with pytest.raises(sqlite3.IntegrityError), transaction(connection):
        connection.execute("INSERT INTO a VALUES (1, 2)")

    with transaction(connection):
        connection.execute("INSERT INTO a VALUES (3, NULL)")
    assert connection.execute("SELECT x FROM a").fetchall() == [(3,)]


def test_a_transaction_that_sqlite_ended_itself_tells_why(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "file", "CREATE TABLE a (x PRIMARY KEY)")
    connection.execute("INSERT INTO a VALUES (1)")

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), transaction(connection):
        connection.execute("INSERT OR ROLLBACK INTO a VALUES (1)")


def test_a_refusal_is_told_in_the_ports_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database at all" * 100)

    with (
        pytest.raises(Unavailable, match="marks can't be written: file is not a database"),
        told("marks", "written"),
        ConnectionPerThread(tmp_path / "file", "CREATE TABLE a (x)").changing(),
    ):
        pass
    with pytest.raises(Unavailable, match="marks can't be opened"), told("marks", "opened"):
        ConnectionPerThread(tmp_path / "none" / "file", "").get()
