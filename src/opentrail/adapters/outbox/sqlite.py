"""The outbox in one SQLite file that several processes share.

WAL with synchronous=FULL: put means synced. What is due is found lane by lane along an index, so a
target with a million deliveries waiting costs no more than one with a single delivery.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from opentrail.adapters.outbox import schema
from opentrail.adapters.sqlite_file import ConnectionPerThread, told
from opentrail.ports.targets.outbox import (
    FINISHED,
    FIRST_ATTEMPTS_KEPT,
    LAST_ATTEMPTS_KEPT,
    Attempt,
    Delivery,
    DeliveryQuery,
    DeliveryState,
    Forgotten,
    Kept,
    OutboxFigures,
    Step,
    acts_at,
    chain_after,
    expires,
    first_state,
    known_in,
    lane_of,
    stepped,
    storable,
)

FILE_NAME = "outbox.sqlite"
FORGOTTEN_AT_ONCE = 1000
"""Deliveries forgotten in one transaction: others wait for it."""

_DELIVERY = msgspec.msgpack.Decoder(Delivery)
_ATTEMPT = msgspec.msgpack.Decoder(Attempt)
_told = partial(told, "the outbox")


class SqliteOutbox:
    """See ports.targets.outbox; one connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connections = ConnectionPerThread(path, schema.SCHEMA, schema.LATER)
        with _told("opened"):
            self._connections.get()

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()

    def put(
        self, deliveries: Sequence[Delivery], *, follower: str = "", place: int | None = None
    ) -> int:
        with _told("written"), self._connections.changing() as connection:
            new = sum(_add(connection, storable(one)) for one in deliveries)
            if follower and place is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO follower VALUES (?, ?)", (follower, place)
                )
        return new

    def place(self, follower: str) -> int | None:
        row = self._one("SELECT place FROM follower WHERE name = ?", follower)
        return None if row is None else int(row[0])

    def due_lanes(self, now: int) -> tuple[str, ...]:
        return tuple(name for (name,) in self._all(schema.LANES, now))

    def due(self, lane: str, now: int, *, limit: int) -> tuple[Kept, ...]:
        return tuple(map(_kept, self._all(schema.OF_LANE, lane, now, limit)))

    def too_old(self, now: int, *, limit: int) -> tuple[Kept, ...]:
        return tuple(map(_kept, self._all(schema.TOO_OLD, now, limit)))

    def advance(self, delivery_id: str, step: Step) -> None:
        self.decide(delivery_id, frozenset(DeliveryState), step)

    def decide(self, delivery_id: str, expected: Collection[DeliveryState], step: Step) -> Kept:
        with _told("written"), self._connections.changing() as connection:
            kept = known_in(_find(connection, delivery_id), delivery_id, expected)
            after = stepped(kept, step)
            _update(connection, after)
            if step.attempt is not None:
                _add_attempt(connection, after.number, step.attempt)
            if step.response_id:
                connection.execute(
                    "INSERT OR IGNORE INTO response (event_id, delivery, raw) VALUES (?, ?, ?)",
                    (step.response_id, after.number, step.response),
                )
        return after

    def acts_with(self, delivery_id: str, access_key_id: str) -> None:
        with _told("written"), self._connections.changing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO actor SELECT ?, number FROM delivery WHERE id = ?",
                (access_key_id, delivery_id),
            )

    def find(self, delivery_id: str) -> Kept | None:
        with _told("read"):
            return _find(self._connections.get(), delivery_id)

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        rows = self._all(
            "SELECT attempt.body FROM attempt JOIN delivery ON delivery.number = attempt.delivery "
            "WHERE delivery.id = ? ORDER BY attempt.number",
            delivery_id,
        )
        return tuple(_ATTEMPT.decode(body) for (body,) in rows)

    def list(self, query: DeliveryQuery) -> tuple[Kept, ...]:
        where = ["number < ?"]
        values: list[Any] = [2**62 if query.before is None else query.before]
        if query.account_id:
            where.append("account = ?")
            values.append(query.account_id)
        if query.states:
            where.append("state IN (SELECT value FROM json_each(?))")
            values.append(_listed(query.states))
        if query.text:
            where.append("(instr(target, ?) OR instr(cause, ?))")
            values += [query.text, query.text]
        rows = self._all(
            f"SELECT {schema.KEPT} FROM delivery WHERE {' AND '.join(where)} "  # noqa: S608 - of constants
            "ORDER BY number DESC LIMIT ?",
            *values,
            query.limit,
        )
        return tuple(map(_kept, rows))

    def figures(self) -> OutboxFigures:
        by_state = dict(self._all("SELECT state, count(*) FROM delivery GROUP BY state"))
        oldest = self._one("SELECT min(since) FROM delivery WHERE due IS NOT NULL")
        waiting = self._one("SELECT count(*) FROM response WHERE raw IS NOT NULL")
        forgotten = self._one("SELECT coalesce(sum(count), 0) FROM forgotten")
        return OutboxFigures(
            by_state,
            None if oldest is None else oldest[0],
            0 if waiting is None else int(waiting[0]),
            0 if forgotten is None else int(forgotten[0]),
        )

    def responses(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        return tuple(
            self._all(
                "SELECT number, raw FROM response WHERE raw IS NOT NULL ORDER BY number LIMIT ?",
                limit,
            )
        )

    def recorded(self, number: int) -> None:
        with _told("written"), self._connections.changing() as connection:
            connection.execute(
                "UPDATE response SET raw = NULL WHERE raw IS NOT NULL AND number <= ?", (number,)
            )

    def forget(self, before: int, *, most: int) -> Forgotten:
        with _told("written"), self._connections.changing() as connection:
            aged = connection.execute(schema.AGED, (before, FORGOTTEN_AT_ONCE)).fetchall()
            _forget(connection, aged)
        if aged:  # the count of what is kept too many begins when no old ones are left
            return Forgotten(aged=len(aged))
        # Counted outside the transaction: finished ones only grow in number meanwhile.
        return Forgotten(
            early={
                account: count
                for account, beyond in self._all(schema.CROWDED, most)
                if (count := self._forget_early(account, beyond))
            }
        )

    def _forget_early(self, account: str, beyond: int) -> int:
        with _told("written"), self._connections.changing() as connection:
            values = (account, beyond, FORGOTTEN_AT_ONCE)
            gone = connection.execute(schema.OLDEST, values).fetchall()
            _forget(connection, gone)
            connection.execute(schema.COUNT_EARLY, (account, len(gone)))
        return len(gone)

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        with _told("read"):
            row: tuple[Any, ...] | None = (
                self._connections.get().execute(statement, values).fetchone()
            )
        return row

    def _all(self, statement: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with _told("read"):
            rows: Sequence[tuple[Any, ...]] = (
                self._connections.get().execute(statement, values).fetchall()
            )
        return rows


def _add(connection: sqlite3.Connection, delivery: Delivery) -> bool:
    """Whether it is new."""
    known = connection.execute("SELECT 1 FROM delivery WHERE id = ?", (delivery.id,)).fetchone()
    if known is not None:
        return False
    chain = chain_after(_parents(connection, delivery))
    state, reason = first_state(delivery, chain)
    at = delivery.created * 1000
    due = at if state is DeliveryState.WAITING else None
    connection.execute(
        schema.INSERT,
        (
            *(delivery.id, delivery.account_id, delivery.target, delivery.cause, state),
            *(lane_of(delivery, state), due, expires(delivery, state, at), at, at),
            *(state in FINISHED, reason, _listed(chain), msgspec.msgpack.encode(delivery)),
        ),
    )
    return True


def _parents(connection: sqlite3.Connection, delivery: Delivery) -> list[Kept]:
    """What it follows from."""
    found: list[Kept] = []
    if delivery.after or delivery.event_ids:
        values = (delivery.after, _listed(delivery.event_ids))
        found += map(_kept, connection.execute(schema.PARENTS, values))
    if delivery.access_key_id:
        actors = map(_kept, connection.execute(schema.ACTOR, (delivery.access_key_id,)))
        found += (one for one in actors if acts_at(one, delivery.created * 1000))
    return found


def _update(connection: sqlite3.Connection, kept: Kept) -> None:
    connection.execute(
        schema.UPDATE,
        (
            *(kept.state, lane_of(kept.delivery, kept.state), kept.due),
            *(expires(kept.delivery, kept.state, kept.since), kept.attempts, kept.since),
            *(kept.changed, kept.state in FINISHED, kept.reason, kept.by, kept.number),
        ),
    )


def _add_attempt(connection: sqlite3.Connection, delivery: int, attempt: Attempt) -> None:
    row = connection.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE delivery = ?", (delivery,)
    ).fetchone()
    connection.execute(
        "INSERT INTO attempt VALUES (?, ?, ?)", (delivery, row[0], msgspec.msgpack.encode(attempt))
    )
    connection.execute(
        "DELETE FROM attempt WHERE delivery = ? AND number > ? AND number <= ?",
        (delivery, FIRST_ATTEMPTS_KEPT, row[0] - LAST_ATTEMPTS_KEPT),
    )


def _forget(connection: sqlite3.Connection, numbers: Sequence[tuple[int]]) -> None:
    for statement in schema.FORGET:
        connection.executemany(statement, numbers)


def _find(connection: sqlite3.Connection, delivery_id: str) -> Kept | None:
    row = connection.execute(
        f"SELECT {schema.KEPT} FROM delivery WHERE id = ?",  # noqa: S608 - of constants
        (delivery_id,),
    ).fetchone()
    return None if row is None else _kept(row)


def _kept(row: tuple[Any, ...]) -> Kept:
    number, state, attempts, since, due, changed, reason, person, chain, body = row
    return Kept(
        delivery=_DELIVERY.decode(body),
        number=number,
        state=DeliveryState(state),
        attempts=attempts,
        since=since,
        due=due,
        changed=changed,
        reason=reason,
        by=person,
        chain=tuple(msgspec.json.decode(chain)),
    )


def _listed(texts: Collection[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()
