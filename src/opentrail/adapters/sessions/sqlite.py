"""The index in one SQLite file; the person behind every anchor is worked out when facts come in.

WAL with synchronous=FULL: observed means synced. A record that issues a key changes the person of
that key and of every key issued with it, whichever came in first: those are followed downwards and
worked out anew, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from opentrail.adapters.sessions.answers import (
    Row,
    SessionAnswers,
    is_lasting_key,
    is_temporary_key,
)
from opentrail.adapters.sessions.schema import (
    ANCESTORS,
    BELOW,
    READ_SEEN,
    SCHEMA,
    SWEEPS,
    WRITE_SEEN,
)
from opentrail.adapters.sqlite_file import open_database, told, transaction
from opentrail.ports.sessions import Passes, SessionQuery
from opentrail.sessions import (
    Anchor,
    AnchorKind,
    Caller,
    Gatherer,
    Issued,
    Person,
    Seen,
    Span,
    follow,
)
from opentrail.sessions.caller import references, session_reference
from opentrail.sessions.chain import chain_behind

FILE_NAME = "sessions.sqlite"
_ROWS_AT_ONCE = 1000

_CALLER = msgspec.json.Decoder(Caller)
_ISSUED = msgspec.json.Decoder(Issued)
_PERSON = msgspec.json.Decoder(Person)
_ANCHOR = msgspec.json.Decoder(tuple[AnchorKind, str, str])
_told = partial(told, "the index of sessions")


class SqliteSessionIndex(SessionAnswers):
    """See ports.sessions; one connection, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gatherer = Gatherer()
        with _told("opened"):
            self._connection = open_database(path, SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def place(self) -> int:
        row = self._one("SELECT value FROM place")
        return 0 if row is None else int(row[0])

    def observe(self, raws: Iterable[bytes], *, place: int | None = None) -> None:
        gathered = self._gatherer.gather(raws)
        if place is None and not gathered.seen and not gathered.issued:
            return
        with self._changing():
            if place is not None:
                self._connection.execute("INSERT OR REPLACE INTO place VALUES (0, ?)", (place,))
            changed = self._write_seen(gathered.seen)
            new = [one for one in gathered.issued if self._write_issued(one)]
            self._work_out(changed | self._below(new))

    def person_at(self, anchor: Anchor, caller: Caller) -> Person:
        found = self._one(
            "SELECT person.body FROM anchor JOIN person ON person.id = anchor.person "
            "WHERE anchor.anchor = ?",
            _spelled(anchor),
        )
        return follow(caller, self.lookup).person if found is None else _PERSON.decode(found[0])

    def keys_of_person(self, passes: Passes) -> frozenset[Anchor]:
        rows = self._all(
            "SELECT anchor FROM anchor WHERE person IN (SELECT value FROM json_each(?))",
            self._people(passes),
        )
        return frozenset(_anchor(one) for (one,) in rows)

    def shared_keys(self, anchors: Iterable[Anchor]) -> frozenset[Anchor]:
        keys = [one.first for one in anchors if one.kind is AnchorKind.KEY]
        rows = self._all(
            "SELECT DISTINCT reference FROM refers "
            "WHERE reference IN (SELECT value FROM json_each(?)) "
            "AND substr(anchor, 1, 7) <> '[\"key\",'",
            msgspec.json.encode(keys).decode(),
        )
        return frozenset(Anchor(AnchorKind.KEY, key) for (key,) in rows)

    def expire(self, before: str) -> int:
        with self._changing():
            gone = self._connection.execute(
                "DELETE FROM seen WHERE last <> '' AND last < ?", (before,)
            ).rowcount
            changed = {
                _anchor(one)
                for (one,) in self._connection.execute(
                    "DELETE FROM caller WHERE NOT EXISTS (SELECT 1 FROM seen "
                    "WHERE seen.anchor = caller.anchor AND seen.caller = caller.digest) "
                    "RETURNING anchor"
                )
            }
            self._connection.execute(ANCESTORS, (before,))
            # A cursor's rowcount does not tell it of a DELETE that begins with WITH.
            gone += int(self._connection.execute("SELECT changes()").fetchone()[0])
            for sweep in SWEEPS[:-1]:
                self._connection.execute(sweep)
            self._work_out({one for one in changed if self.callers(one)})
            self._connection.execute(SWEEPS[-1])
        return gone

    def lookup(self, reference: str) -> tuple[Issued, ...]:
        rows = self._all(
            "SELECT body FROM issued JOIN issued_as ON issued_as.id = issued.id "
            "WHERE issued_as.reference = ?",
            reference,
        )
        return tuple(_ISSUED.decode(body) for (body,) in rows)

    def callers(self, anchor: Anchor) -> tuple[Caller, ...]:
        rows = self._all("SELECT body FROM caller WHERE anchor = ?", _spelled(anchor))
        return tuple(_CALLER.decode(body) for (body,) in rows)

    def rows_of(self, session: str) -> tuple[Row, ...]:
        return self._rows("WHERE session = ?", session)

    def joining_rows(self, principal: str, created: str) -> tuple[Row, ...]:
        return self._rows(
            "WHERE principal = ? AND kind IN ('delegated', 'keyless') "
            "AND substr(created, 1, ?) = ?",
            principal,
            len(created),
            created,
        )

    def newest_rows(self, query: SessionQuery) -> Iterator[Row]:
        people = None if query.person is None else self._people(query.person)
        where = "WHERE last >= ? AND (? = '' OR first < ?) AND (? = '' OR account = ?)"
        values: list[Any] = [query.start, query.end, query.end, query.account, query.account]
        if people is not None:
            where += (
                " AND seen.anchor IN (SELECT anchor FROM anchor "
                "WHERE person IN (SELECT value FROM json_each(?)))"
            )
            values.append(people)
        offset = 0
        while rows := self._rows(
            f"{where} ORDER BY last DESC, session LIMIT {_ROWS_AT_ONCE} OFFSET {offset}", *values
        ):
            yield from rows
            offset += len(rows)

    def all_sessions(self) -> Iterator[tuple[Anchor, str]]:
        for anchor, day in self._all("SELECT DISTINCT anchor, day FROM seen"):
            yield _anchor(anchor), day

    def has_console(self, principal: str, created: str) -> bool:
        anchor = Anchor(AnchorKind.CONSOLE, principal, created)
        return self._one("SELECT 1 FROM anchor WHERE anchor = ?", _spelled(anchor)) is not None

    def temporary_keys(self, principal: str, created: str) -> tuple[str, ...]:
        rows = self._all(
            "SELECT DISTINCT session FROM seen WHERE principal = ? AND kind = 'temporary' "
            "AND created = ? ORDER BY session LIMIT 2",
            principal,
            created,
        )
        return tuple(session for (session,) in rows)

    def lasting_sessions(self, principal: str, day: str) -> tuple[str, ...]:
        rows = self._all(
            "SELECT DISTINCT session FROM seen WHERE principal = ? AND kind = 'lasting' "
            "AND day = ? ORDER BY session LIMIT 2",
            principal,
            day,
        )
        return tuple(session for (session,) in rows)

    def _write_seen(self, seen: dict[Seen, Span]) -> set[Anchor]:
        """The anchors with callers not known before."""
        changed = set()
        for one, span in seen.items():
            anchor, caller = _spelled(one.anchor), one.caller
            body = msgspec.json.encode(caller)
            digest = _digest(body)
            self._connection.execute(
                WRITE_SEEN,
                (
                    *(one.session, anchor, one.account, digest, one.day, *span),
                    *(_kind(one), caller.principal, caller.created),
                ),
            )
            if self._new("INSERT OR IGNORE INTO caller VALUES (?, ?, ?)", anchor, digest, body):
                changed.add(one.anchor)
                self._connection.executemany(
                    "INSERT OR IGNORE INTO refers VALUES (?, ?)",
                    [(reference, anchor) for reference in references(caller)],
                )
        return changed

    def _write_issued(self, issued: Issued) -> bool:
        """Whether it was not known before."""
        issuer, body = issued.issuer, msgspec.json.encode(issued)
        session = session_reference(issuer.principal, issuer.created)
        made = self._connection.execute(
            "INSERT OR IGNORE INTO issued (digest, body, time, issuer_key, issuer_session) "
            "VALUES (?, ?, ?, ?, ?)",
            (_digest(body), body, issued.time, issuer.key, session),
        )
        if made.rowcount < 1:
            return False
        self._connection.executemany(
            "INSERT OR IGNORE INTO issued_as VALUES (?, ?)",
            [(reference, made.lastrowid) for reference in issued.references],
        )
        return True

    def _below(self, issued: list[Issued]) -> set[Anchor]:
        """The anchors whose chains lead through what was issued."""
        level = {one for new in issued if not new.long_term for one in new.references}
        met: set[str] = set()
        anchors: set[Anchor] = set()
        while level:
            met |= level
            listed = msgspec.json.encode(list(level)).decode()
            refers = self._all(
                "SELECT DISTINCT anchor FROM refers "
                "WHERE reference IN (SELECT value FROM json_each(?))",
                listed,
            )
            anchors |= {_anchor(one) for (one,) in refers}
            level = {one for (one,) in self._all(BELOW, listed)} - met
        return anchors

    def _work_out(self, anchors: set[Anchor]) -> None:
        lookup = cache(self.lookup)
        for anchor in anchors:
            person = chain_behind(self.callers(anchor), lookup).person
            self._connection.execute(
                "INSERT OR REPLACE INTO anchor VALUES (?, ?)",
                (_spelled(anchor), self._number(person)),
            )

    def _number(self, person: Person) -> int:
        body = msgspec.json.encode(person)
        row = self._one("SELECT id FROM person WHERE body = ?", body)
        if row is not None:
            return int(row[0])
        made = self._connection.execute("INSERT INTO person (body) VALUES (?)", (body,))
        return int(made.lastrowid or 0)

    def _people(self, passes: Passes) -> str:
        """The numbers of those of whom one text passes, as a JSON array."""
        rows = self._all("SELECT id, body FROM person")
        found = [number for number, body in rows if any(map(passes, _PERSON.decode(body).texts))]
        return msgspec.json.encode(found).decode()

    def _rows(self, where: str, *values: Any) -> tuple[Row, ...]:
        rows = self._all(f"{READ_SEEN} {where}", *values)
        return tuple(
            (Seen(_anchor(anchor), session, account, _CALLER.decode(caller), day), Span(*span))
            for anchor, session, account, caller, day, *span in rows
        )

    def _new(self, statement: str, *values: Any) -> bool:
        return self._connection.execute(statement, values).rowcount > 0

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        with _told("read"):
            row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return row

    def _all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with _told("read"):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with _told("written"), transaction(self._connection):
            yield


def _kind(seen: Seen) -> str:
    if is_temporary_key(seen):
        return "temporary"
    return "lasting" if is_lasting_key(seen) else str(seen.anchor.kind)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def _spelled(anchor: Anchor) -> str:
    return msgspec.json.encode(anchor).decode()


def _anchor(spelled: str) -> Anchor:
    return Anchor(*_ANCHOR.decode(spelled))
