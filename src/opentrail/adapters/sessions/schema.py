"""The tables of the index, and what is forgotten."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
  session TEXT NOT NULL, anchor TEXT NOT NULL, account TEXT NOT NULL, caller BLOB NOT NULL,
  day TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, kind TEXT NOT NULL,
  principal TEXT NOT NULL, created TEXT NOT NULL,
  PRIMARY KEY (session, anchor, account, day, caller)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_last ON seen (last);
CREATE INDEX IF NOT EXISTS seen_anchor ON seen (anchor);
CREATE INDEX IF NOT EXISTS seen_principal ON seen (principal, kind, created);
CREATE TABLE IF NOT EXISTS caller (
  anchor TEXT NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY (anchor, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refers (
  reference TEXT NOT NULL, anchor TEXT NOT NULL, PRIMARY KEY (reference, anchor)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issued (
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL, time TEXT NOT NULL,
  issuer_key TEXT NOT NULL, issuer_session TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS issued_key ON issued (issuer_key);
CREATE INDEX IF NOT EXISTS issued_session ON issued (issuer_session);
CREATE TABLE IF NOT EXISTS issued_as (
  reference TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (reference, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS issued_as_id ON issued_as (id);
CREATE TABLE IF NOT EXISTS person (id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS anchor (anchor TEXT PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS anchor_person ON anchor (person);
"""
"""`digest`: of a body; seen.caller is one.

`refers`: what callers' credentials were issued as; `issued_as`: what they are referred to by.
"""

WRITE_SEEN = """
INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  first = CASE WHEN first = '' THEN excluded.first
               WHEN excluded.first = '' THEN first ELSE min(first, excluded.first) END,
  last = max(last, excluded.last)
WHERE excluded.last > last
   OR (excluded.first <> '' AND (first = '' OR excluded.first < first))
"""

READ_SEEN = """
SELECT seen.anchor, session, account, body, day, first, last
FROM seen JOIN caller ON caller.anchor = seen.anchor AND caller.digest = seen.caller
"""

BELOW = """
SELECT reference FROM issued_as JOIN issued ON issued.id = issued_as.id
WHERE issuer_key IN (SELECT value FROM json_each(?1))
UNION
SELECT reference FROM issued_as JOIN issued ON issued.id = issued_as.id
WHERE issuer_session IN (SELECT value FROM json_each(?1))
"""
"""What was issued at the request of credentials."""

_LIVE = """
WITH RECURSIVE live (reference) AS (
  SELECT reference FROM refers WHERE anchor IN (SELECT anchor FROM seen)
  UNION
  SELECT one.value FROM live
  JOIN issued_as ON issued_as.reference = live.reference
  JOIN issued ON issued.id = issued_as.id
  JOIN json_each(json_array(issued.issuer_key, issued.issuer_session)) AS one
  WHERE one.value <> ''
)
"""
ANCESTORS = f"""{_LIVE}
DELETE FROM issued WHERE time < ? AND id NOT IN (
  SELECT id FROM issued_as WHERE reference IN (SELECT reference FROM live)
)
"""  # noqa: S608 - constants
"""Forgets what was issued before a time, unless a caller's chain leads through it."""

SWEEPS = (
    "DELETE FROM issued_as WHERE id NOT IN (SELECT id FROM issued)",
    "DELETE FROM refers WHERE anchor NOT IN (SELECT anchor FROM caller)",
    "DELETE FROM anchor WHERE anchor NOT IN (SELECT anchor FROM caller)",
    "DELETE FROM person WHERE id NOT IN (SELECT person FROM anchor)",
)
"""What nothing leads to any more; people come last, after those of changed anchors are known."""
