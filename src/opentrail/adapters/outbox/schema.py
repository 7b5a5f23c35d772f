"""The tables and statements of the outbox's file."""

from __future__ import annotations

from opentrail.adapters.sqlite_file import Column

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
  target TEXT NOT NULL, cause TEXT NOT NULL, state TEXT NOT NULL, lane TEXT NOT NULL,
  due INTEGER, expires INTEGER, attempts INTEGER NOT NULL, since INTEGER NOT NULL,
  changed INTEGER NOT NULL, finished INTEGER NOT NULL, reason TEXT NOT NULL, person TEXT NOT NULL,
  chain TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (lane, due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_since ON delivery (since) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_state ON delivery (state, number);
CREATE INDEX IF NOT EXISTS delivery_expires ON delivery (expires, number)
WHERE expires IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_finished ON delivery (changed) WHERE finished;
CREATE INDEX IF NOT EXISTS delivery_finished_of ON delivery (account, changed, number)
WHERE finished;
CREATE TABLE IF NOT EXISTS forgotten (
  account TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
  delivery INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (delivery, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS response (
  number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,
  delivery INTEGER NOT NULL, raw BLOB
);
CREATE INDEX IF NOT EXISTS response_unrecorded ON response (number) WHERE raw IS NOT NULL;
CREATE INDEX IF NOT EXISTS response_delivery ON response (delivery);
CREATE TABLE IF NOT EXISTS actor (
  access_key_id TEXT NOT NULL PRIMARY KEY, delivery INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS actor_delivery ON actor (delivery);
CREATE TABLE IF NOT EXISTS follower (
  name TEXT NOT NULL PRIMARY KEY, place INTEGER NOT NULL
) WITHOUT ROWID;
"""
"""A response's `raw` is NULL once it is in the journal; its eventID still tells what follows."""

LATER = (Column("delivery", "expires", "INTEGER"),)

KEPT = "number, state, attempts, since, due, changed, reason, person, chain, body"

INSERT = (
    "INSERT OR IGNORE INTO delivery (id, account, target, cause, state, lane, due, expires, "
    "attempts, since, changed, finished, reason, person, chain, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, '', ?, ?)"
)

UPDATE = (
    "UPDATE delivery SET state = ?, lane = ?, due = ?, expires = ?, attempts = ?, since = ?, "
    "changed = ?, finished = ?, reason = ?, person = ? WHERE number = ?"
)

PARENTS = (
    f"SELECT {KEPT} FROM delivery WHERE id = ? OR number IN ("  # noqa: S608 - of constants
    "SELECT delivery FROM response WHERE event_id IN (SELECT value FROM json_each(?))) ORDER BY id"
)

ACTOR = (
    f"SELECT {KEPT} FROM delivery WHERE number = ("  # noqa: S608 - of constants
    "SELECT delivery FROM actor WHERE access_key_id = ?)"
)

# From lane to lane along the index, however many deliveries wait in each.
LANES = """
WITH RECURSIVE lanes (lane) AS (
  SELECT (SELECT min(lane) FROM delivery WHERE due IS NOT NULL)
  UNION ALL
  SELECT (SELECT min(lane) FROM delivery WHERE due IS NOT NULL AND lane > lanes.lane)
  FROM lanes WHERE lane IS NOT NULL
), firsts (lane, first) AS (
  SELECT lane, (SELECT min(due) FROM delivery WHERE due IS NOT NULL AND lane = lanes.lane)
  FROM lanes WHERE lane IS NOT NULL
) SELECT lane FROM firsts WHERE first <= ? ORDER BY first, lane
"""

OF_LANE = (
    f"SELECT {KEPT} FROM delivery WHERE lane = ? AND due <= ? "  # noqa: S608 - of constants
    "ORDER BY due, number LIMIT ?"
)

TOO_OLD = (
    f"SELECT {KEPT} FROM delivery WHERE expires < ? "  # noqa: S608 - of constants
    "ORDER BY expires, number LIMIT ?"
)

_RECORDED = """NOT EXISTS (
  SELECT 1 FROM response WHERE response.delivery = delivery.number AND raw IS NOT NULL
)"""

AGED = f"SELECT number FROM delivery WHERE finished AND changed < ? AND {_RECORDED} LIMIT ?"  # noqa: S608 - of constants

CROWDED = """
SELECT account, count(*) - ?1 FROM delivery WHERE finished GROUP BY account HAVING count(*) > ?1
"""
"""Accounts with more finished ones than are kept, and how many more."""

OLDEST = f"""
SELECT number FROM (
  SELECT number FROM delivery WHERE finished AND account = ? ORDER BY changed, number LIMIT ?
) AS delivery WHERE {_RECORDED} LIMIT ?
"""  # noqa: S608 - of constants

FORGET = (
    "DELETE FROM attempt WHERE delivery = ?",
    "DELETE FROM response WHERE delivery = ?",
    "DELETE FROM actor WHERE delivery = ?",
    "DELETE FROM delivery WHERE number = ?",
)

COUNT_EARLY = (
    "INSERT INTO forgotten VALUES (?, ?) "
    "ON CONFLICT (account) DO UPDATE SET count = count + excluded.count"
)
