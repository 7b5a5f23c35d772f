"""The ledger in one SQLite file.

WAL with synchronous=FULL: committed means synced. Keys are bytes: a file's name need not be UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from sys import intern

from opentrail.adapters.sqlite_file import open_database, told, transaction
from opentrail.ports.ledger import ImportRun, LedgerEntry, Outcome, Proof

_ASKED_AT_ONCE = 500
"""Keys in one statement; SQLite takes at least 999 values."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
  number INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT, report BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS source (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS object (
  source INTEGER NOT NULL, key BLOB NOT NULL, size_bytes INTEGER NOT NULL, version TEXT NOT NULL,
  outcome TEXT NOT NULL, sha256 TEXT NOT NULL, plain_sha256 TEXT NOT NULL, reason TEXT NOT NULL,
  form TEXT NOT NULL, records INTEGER NOT NULL, quarantined INTEGER NOT NULL, proof TEXT NOT NULL,
  run INTEGER NOT NULL, PRIMARY KEY (source, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS object_run ON object (run);
"""
_COLUMNS = (
    "key, size_bytes, version, outcome, sha256, plain_sha256, reason, form, records, quarantined, "
    "proof, run"
)
_told = partial(told, "the ledger of imports")


class SqliteLedger:
    """See ports.ledger; one connection, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _told("opened"):
            self._connection = open_database(path, _SCHEMA)

    def begin(self, started: datetime) -> int:
        with _told("written"):
            made = self._connection.execute(
                "INSERT INTO run (started, report) VALUES (?, ?)", (started.isoformat(), b"")
            )
        return int(made.lastrowid or 0)

    def look_up(self, source: str, keys: Sequence[str]) -> Mapping[str, LedgerEntry]:
        found: dict[str, LedgerEntry] = {}
        with _told("read"):
            number = self._source(source)
            for start in range(0, len(keys) if number is not None else 0, _ASKED_AT_ONCE):
                some = [_to_bytes(key) for key in keys[start : start + _ASKED_AT_ONCE]]
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(
                    f"SELECT {_COLUMNS} FROM object WHERE source = ? AND key IN ({marks})",  # noqa: S608 - constants and question marks
                    (number, *some),
                )
                for row in rows:
                    entry = _entry(source, row)
                    found[entry.key] = entry
        return found

    def commit(
        self,
        run: int,
        entries: Sequence[LedgerEntry],
        report: bytes,
        *,
        finished: datetime | None = None,
    ) -> None:
        with _told("written"), transaction(self._connection):
            for entry in entries:
                self._put(run, entry)
            self._connection.execute(
                "UPDATE run SET report = ?, finished = ? WHERE number = ?",
                (report, finished.isoformat() if finished else None, run),
            )

    def runs(self) -> tuple[ImportRun, ...]:
        with _told("read"):
            rows = self._connection.execute(
                "SELECT number, started, finished, report FROM run ORDER BY number DESC"
            ).fetchall()
        return tuple(
            ImportRun(
                number=number,
                started=datetime.fromisoformat(started),
                finished=datetime.fromisoformat(finished) if finished else None,
                report=report,
            )
            for number, started, finished, report in rows
        )

    def entries(self, run: int) -> Iterator[LedgerEntry]:
        with _told("read"):
            rows = self._connection.execute(
                f"SELECT name, {_COLUMNS} FROM object JOIN source ON source.number = source "  # noqa: S608 - constants
                "WHERE run = ? ORDER BY name, key",
                (run,),
            )
            for name, *row in rows:
                yield _entry(name, tuple(row))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _put(self, run: int, entry: LedgerEntry) -> None:
        self._connection.execute(
            "INSERT INTO source (name) VALUES (?) ON CONFLICT DO NOTHING", (entry.source,)
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO object VALUES "
            "((SELECT number FROM source WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.source,
                _to_bytes(entry.key),
                entry.size_bytes,
                entry.version,
                entry.outcome,
                entry.sha256,
                entry.plain_sha256,
                entry.reason,
                entry.form,
                entry.records,
                entry.quarantined,
                entry.proof,
                run,
            ),
        )

    def _source(self, name: str) -> int | None:
        row = self._connection.execute(
            "SELECT number FROM source WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else int(row[0])


def _entry(source: str, row: tuple[object, ...]) -> LedgerEntry:
    key, size, version, outcome, sha256, plain, reason, form, records, bad, proof, run = row
    assert isinstance(key, bytes)
    assert isinstance(size, int)
    assert isinstance(records, int)
    assert isinstance(bad, int)
    assert isinstance(run, int)
    return LedgerEntry(
        source=source,
        key=key.decode("utf-8", "surrogateescape"),
        size_bytes=size,
        version=str(version),
        outcome=Outcome(str(outcome)),
        sha256=str(sha256),
        plain_sha256=str(plain),
        reason=str(reason),
        form=intern(str(form)),  # few texts, many entries
        records=records,
        quarantined=bad,
        proof=Proof(str(proof)),
        run=run,
    )


def _to_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
