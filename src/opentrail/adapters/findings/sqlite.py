"""Findings, and what detection remembers, in one SQLite file; committed means synced."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from opentrail.adapters.sqlite_file import Column, open_database, told, transaction
from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery, Limits
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident, Whose
from opentrail.sigma.remembering import Changes, Kept, Seen, SeenKey, WindowKey
from opentrail.sigma.rule import Level
from opentrail.sigma.windows import Window

FILE_NAME = "findings.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS finding (
    id TEXT PRIMARY KEY, made INTEGER NOT NULL, rule_id TEXT NOT NULL, account_id TEXT NOT NULL,
    rank INTEGER NOT NULL, muted INTEGER NOT NULL, incident_id TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS finding_made ON finding (made, id);
CREATE INDEX IF NOT EXISTS finding_incident ON finding (incident_id, made) WHERE incident_id <> '';
CREATE TABLE IF NOT EXISTS incident (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, actor TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, made INTEGER NOT NULL, rank INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS incident_actor ON incident (account_id, actor, first, id);
CREATE INDEX IF NOT EXISTS incident_last ON incident (last, id);
CREATE INDEX IF NOT EXISTS incident_made ON incident (made);
CREATE TABLE IF NOT EXISTS window (
    rule_id TEXT, group_hash TEXT, due INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (rule_id, group_hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS window_due ON window (due);
CREATE TABLE IF NOT EXISTS seen (
    rule_id TEXT, group_hash TEXT, value_hash TEXT, first INTEGER NOT NULL, last INTEGER NOT NULL,
    had INTEGER NOT NULL,
    PRIMARY KEY (rule_id, group_hash, value_hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_last ON seen (last);
CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 0), value INTEGER NOT NULL);
"""

_LATER = (
    Column("finding", "incident_id", "TEXT NOT NULL DEFAULT ''"),
    Column("seen", "had", "INTEGER NOT NULL DEFAULT 0"),
)

_COUNT_WINDOWS = "SELECT rule_id, COUNT(*) FROM window GROUP BY rule_id HAVING COUNT(*) > ?"
_DELETE_WINDOWS = """
DELETE FROM window WHERE rule_id = ? AND group_hash IN (
    SELECT group_hash FROM window WHERE rule_id = ? ORDER BY due, group_hash LIMIT ?)
"""
_COUNT_SEEN = "SELECT rule_id, COUNT(*) FROM seen GROUP BY rule_id HAVING COUNT(*) > ?"
_DELETE_SEEN = """
DELETE FROM seen WHERE rule_id = ? AND (group_hash, value_hash) IN (
    SELECT group_hash, value_hash FROM seen WHERE rule_id = ?
    ORDER BY last, group_hash, value_hash LIMIT ?)
"""

_FINDING = msgspec.json.Decoder(Finding)
_INCIDENT = msgspec.json.Decoder(Incident)
_WINDOW = msgspec.json.Decoder(Window)
_told = partial(told, "the findings")


class SqliteFindings:
    """See ports.sigma.findings; one connection, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _told("opened"):
            self._connection = open_database(path, _SCHEMA, _LATER)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def find(self, finding_id: str) -> Finding | None:
        row = self._one("SELECT body FROM finding WHERE id = ?", finding_id)
        return None if row is None else _FINDING.decode(row[0])

    def page(self, query: FindingQuery) -> tuple[Finding, ...]:
        where, values = _asked(query, "made")
        if query.incident_id:
            where, values = f"{where} AND incident_id = ?", [*values, query.incident_id]
        if query.rule_id:
            where, values = f"{where} AND rule_id = ?", [*values, query.rule_id]
        if not query.with_muted:
            where += " AND NOT muted"
        with _told("read"):
            rows = self._connection.execute(
                f"SELECT body FROM finding WHERE {where} ORDER BY made DESC, id DESC LIMIT ?",  # noqa: S608 - built here
                (*values, query.limit),
            ).fetchall()
        return tuple(_FINDING.decode(body) for (body,) in rows)

    def incident(self, incident_id: str) -> Incident | None:
        row = self._one("SELECT body FROM incident WHERE id = ?", incident_id)
        return None if row is None else _INCIDENT.decode(row[0])

    def incidents(self, query: IncidentQuery) -> tuple[Incident, ...]:
        where, values = _asked(query, "last")
        if query.actor:
            where, values = f"{where} AND actor = ?", [*values, query.actor]
        with _told("read"):
            rows = self._connection.execute(
                f"SELECT body FROM incident WHERE {where} ORDER BY last DESC, id DESC LIMIT ?",  # noqa: S608 - built here
                (*values, query.limit),
            ).fetchall()
        return tuple(_INCIDENT.decode(body) for (body,) in rows)

    def last_incident(self, whose: Whose, before: int, but: Collection[str]) -> Incident | None:
        row = self._one(
            "SELECT body FROM incident WHERE account_id = ? AND actor = ? AND first <= ? "
            "AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY first DESC, id DESC LIMIT 1",
            *whose,
            before,
            msgspec.json.encode(list(but)).decode(),
        )
        return None if row is None else _INCIDENT.decode(row[0])

    def window(self, key: WindowKey) -> Window | None:
        row = self._one("SELECT body FROM window WHERE rule_id = ? AND group_hash = ?", *key)
        return None if row is None else _WINDOW.decode(row[0])

    def seen(self, key: SeenKey) -> Seen | None:
        row = self._one(
            "SELECT first, last, had FROM seen "
            "WHERE rule_id = ? AND group_hash = ? AND value_hash = ?",
            *key,
        )
        return None if row is None else Seen(*row)

    def place(self) -> int | None:
        row = self._one("SELECT value FROM place")
        return None if row is None else int(row[0])

    def commit(self, changes: Changes, *, place: int | None = None) -> None:
        with _told("written"), transaction(self._connection):
            for finding in changes.findings.values():
                self._put_finding(finding)
            for incident in changes.incidents.values():
                self._put_incident(incident)
            for key, kept in changes.windows.items():
                self._put_window(key, kept)
            self._connection.executemany(
                "INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "first = min(first, excluded.first), last = max(last, excluded.last), "
                "had = max(had, excluded.had)",
                [(*key, one.first, one.last, one.values) for key, one in changes.seen.items()],
            )
            if place is not None:
                self._connection.execute("INSERT OR REPLACE INTO place VALUES (0, ?)", (place,))

    def due(self, now: int, limit: int) -> tuple[WindowKey, ...]:
        with _told("read"):
            rows = self._connection.execute(
                "SELECT rule_id, group_hash FROM window WHERE due <= ? "
                "ORDER BY due, rule_id, group_hash LIMIT ?",
                (now, limit),
            ).fetchall()
        return tuple(WindowKey(*row) for row in rows)

    def expire(self, limits: Limits) -> int:
        connection = self._connection
        with _told("written"), transaction(connection):
            gone = connection.execute(
                "DELETE FROM finding WHERE made < ?", (limits.findings_before,)
            ).rowcount
            gone += connection.execute(
                "DELETE FROM incident WHERE made < ?", (limits.findings_before,)
            ).rowcount
            gone += connection.execute(
                "DELETE FROM seen WHERE last < ?", (limits.seen_before,)
            ).rowcount
            for count, delete, most in (
                (_COUNT_WINDOWS, _DELETE_WINDOWS, limits.most_windows),
                (_COUNT_SEEN, _DELETE_SEEN, limits.most_seen),
            ):
                for rule_id, there in connection.execute(count, (most,)).fetchall():
                    gone += connection.execute(delete, (rule_id, rule_id, there - most)).rowcount
        return gone

    def _put_finding(self, finding: Finding) -> None:
        known = self.find(finding.id)
        if known is not None:
            finding = msgspec.structs.replace(
                finding, made=known.made, muted=known.muted, incident_id=known.incident_id
            )
        self._connection.execute(
            "INSERT OR REPLACE INTO finding "
            "(id, made, rule_id, account_id, rank, muted, incident_id, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                finding.id,
                finding.made,
                finding.rule_id,
                finding.account_id,
                Level(finding.level).rank,
                bool(finding.muted),
                finding.incident_id,
                msgspec.json.encode(finding),
            ),
        )

    def _put_incident(self, one: Incident) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.id,
                one.account_id,
                one.actor,
                one.first_time,
                one.last_time,
                one.made,
                Level(one.level).rank,
                msgspec.json.encode(one),
            ),
        )

    def _put_window(self, key: WindowKey, kept: Kept | None) -> None:
        if kept is None:
            self._connection.execute("DELETE FROM window WHERE rule_id = ? AND group_hash = ?", key)
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO window VALUES (?, ?, ?, ?)",
            (*key, kept.due, msgspec.json.encode(kept.window)),
        )

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        with _told("read"):
            row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return row


def _asked(query: FindingQuery | IncidentQuery, time: str) -> tuple[str, list[Any]]:
    """The condition that all queries have, and its values.

    Args:
        time: The column that `since` is about.
    """
    asked: list[Any] = [query.since, query.at_least.rank]
    where = f"{time} >= ? AND rank >= ?"
    if query.account_id:
        return f"{where} AND account_id = ?", [*asked, query.account_id]
    return where, asked
