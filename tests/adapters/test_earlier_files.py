"""Files of earlier releases are gone on with: columns that came later are added to them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from opentrail.adapters.findings import SqliteFindings
from opentrail.adapters.findings import sqlite as findings_sqlite
from opentrail.adapters.outbox import SqliteOutbox, schema
from opentrail.adapters.sqlite_file import Column, open_database
from opentrail.ports.sigma.findings import FindingQuery
from opentrail.ports.targets.outbox import Delivery
from opentrail.sigma.finding import Finding
from opentrail.sigma.remembering import Changes, Seen, SeenKey

FINDING = Finding(
    id="f1", rule_id="r", rule_title="T", level="high", account_id="1", region="us-east-1",
    first_time=1, last_time=1, event_ids=("e1",), count=1, values=(), summary="S.", made=1,
)  # fmt: skip
SEEN = SeenKey("r", "g", "")
DELIVERY = Delivery(
    id="d1", account_id="123456789012", region="us-east-1", target="https://a.example.com/",
    cause="arn:aws:events:us-east-1:123456789012:rule/r", event_ids=("e1",), payload=b"{}",
    created=1,
)  # fmt: skip


def made_earlier(path: Path, columns: Iterable[Column]) -> None:
    """The file as it was before these columns, and the indexes on them, were there."""
    connection = sqlite3.connect(path)
    for table, name, _ in columns:
        indexes = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql LIKE ?",
            (table, f"%{name}%"),
        ).fetchall()
        for (index,) in indexes:
            connection.execute(f"DROP INDEX {index}")
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    connection.commit()
    connection.close()


def test_a_column_is_added_once_with_its_default(tmp_path: Path) -> None:
    path = tmp_path / "file"
    open_database(path, "CREATE TABLE IF NOT EXISTS a (x)").execute("INSERT INTO a VALUES (1)")
    later = (Column("a", "y", "INTEGER NOT NULL DEFAULT 7"), Column("none", "z", "TEXT"))
    now = "CREATE TABLE IF NOT EXISTS a (x, y INTEGER NOT NULL); CREATE INDEX IF NOT EXISTS b ON a (y)"

    for _ in range(2):
        connection = open_database(path, now, later)
        assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 7)]
    assert open_database(tmp_path / "new", now, later).execute("SELECT * FROM a").fetchall() == []


def test_findings_are_there_and_new_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "findings.sqlite"
    store = SqliteFindings(path)
    store.commit(Changes(findings={"f1": FINDING}, seen={SEEN: Seen(1, 2)}), place=5)
    store.close()
    made_earlier(path, findings_sqlite._LATER)

    store = SqliteFindings(path)
    assert (store.find("f1"), store.seen(SEEN), store.place()) == (FINDING, Seen(1, 2, 0), 5)
    new = msgspec.structs.replace(FINDING, id="f2", incident_id="i1")
    store.commit(Changes(findings={"f2": new}, seen={SEEN: Seen(1, 3, 4)}))
    assert store.page(FindingQuery(incident_id="i1")) == (new,)
    assert len(store.page(FindingQuery())) == 2
    assert store.seen(SEEN) == Seen(1, 3, 4)
    store.close()


def test_deliveries_that_wait_are_still_due(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = SqliteOutbox(path)
    outbox.put([DELIVERY])
    outbox.close()
    made_earlier(path, schema.LATER)

    outbox = SqliteOutbox(path)
    outbox.put([replace(DELIVERY, id="d2")])
    due = [
        kept.delivery.id
        for lane in outbox.due_lanes(10**9)
        for kept in outbox.due(lane, 10**9, limit=9)
    ]
    assert due == ["d1", "d2"]
    outbox.close()
