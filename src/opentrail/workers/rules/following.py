"""Records to the targets of rules: each record meets the rules as they were when it was recorded.

The walk: (1) see how far the journal goes, (2) read the rules, so that every rule that was put
before a record is known, (3) read records up to the next place at which a rule changes, (4) put
their deliveries and the place behind the last record in one step. A crash before (4) repeats from
the place; the same record makes the same deliveries with the same ids, so nothing is put twice.

What one record makes may be much, so it is put in parts, the place with the last.

No rule answers itself for ever: a delivery tells the record it comes from and the key that signed
the record's call, so the outbox knows what followed from what it did, and stops what comes round.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from opentrail.clock import Clock
from opentrail.errors import StateConflict
from opentrail.ports.journal import Entry, JournalReader
from opentrail.ports.state import Change, StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.predicate.reading import access_key_of, decoded
from opentrail.rules.book import ActiveRules
from opentrail.rules.envelope import of_record
from opentrail.rules.rule import DEFAULT_BUS, RULE_KIND
from opentrail.rules.ruleset import may_have_dotted_names
from opentrail.workers.following import read_until
from opentrail.workers.rules.firing import deliveries
from opentrail.workers.rules.reading import RuleReader

FOLLOWER = "rules"
"""Whose place the outbox keeps."""

READ_BYTES = 1024 * 1024
MOST_AT_ONCE = 1000
MOST_BYTES = 8 * 1024 * 1024
"""Deliveries, and their payloads, that are put in one step."""

KEEP_EVERY = timedelta(seconds=5)
"""A place behind records that made no deliveries is kept so often: they can be read again."""

_log = structlog.get_logger()


class RulesWorker:
    """Follows the journal at its own pace."""

    def __init__(
        self, *, journal: JournalReader, state: StateStore, outbox: Outbox, clock: Clock
    ) -> None:
        self._journal = journal
        self._state = state
        self._outbox = outbox
        self._clock = clock
        self._rules = RuleReader(state)
        place = outbox.place(FOLLOWER)
        self._cursor = journal.first() if place is None else place
        self._kept = place
        self._kept_at: datetime | None = None

    def step(self) -> int:
        """Deal with what is new, up to some size; the number of records read."""
        end = self._journal.end()  # (1)
        book = self._rules.book()  # (2)
        handled = 0
        while self._cursor < end and not handled:
            turn = book.next_turn(self._cursor)
            stop = end if turn is None else min(end, turn)
            handled = self._read(book.at(self._cursor), stop)
        self._keep_place()
        return handled

    def _read(self, rules: ActiveRules, stop: int) -> int:
        """Deal with some records before `stop` (3, 4); how many that were."""
        if not rules.by_bus:
            self._cursor = stop
            return 0
        entries, damage = read_until(self._journal, self._cursor, stop, READ_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._cursor = min(damage.resume_offset, stop)
            return 1
        if not entries:
            self._cursor = stop
            return 0
        made: list[Delivery] = []
        size, now, is_full = 0, self._clock.now(), False
        for number, entry in enumerate(entries, 1):
            for delivery in self._made_of(entry, rules, now):
                made.append(delivery)
                size += len(delivery.payload)
                if len(made) >= MOST_AT_ONCE or size >= MOST_BYTES:
                    self._outbox.put(made)  # again after a crash, and then they are known
                    made, size, is_full = [], 0, True
            if is_full or number == len(entries):
                self._put(made, entry.next_offset)
                return number
        return 0

    def _put(self, made: list[Delivery], place: int) -> None:
        if made:
            self._outbox.put(made, follower=FOLLOWER, place=place)
            self._kept, self._kept_at = place, self._clock.now()
        self._cursor = place

    def _made_of(self, entry: Entry, rules: ActiveRules, now: datetime) -> Iterator[Delivery]:
        record = decoded(entry.raw)
        if record is None:
            _log.error("record_unreadable", offset=entry.offset)
            return
        event = of_record(record, entry.raw)
        bus = (str(event.values["account"]), str(event.values["region"]), DEFAULT_BUS)
        takers = rules.takers(bus, event, may_have_dots=may_have_dotted_names(entry.raw))
        event_id = record.get("eventID")
        for taker in takers:
            yield from deliveries(
                taker,
                event,
                now=now,
                event_ids=(event_id,) if isinstance(event_id, str) else (),
                access_key_id=access_key_of(record),
            )

    def _keep_place(self) -> None:
        now = self._clock.now()
        if self._kept == self._cursor or (
            self._kept_at is not None and now - self._kept_at < KEEP_EVERY
        ):
            return
        self._outbox.put((), follower=FOLLOWER, place=self._cursor)
        self._kept, self._kept_at = self._cursor, now
        self._forget_deleted()

    def _forget_deleted(self) -> None:
        """Forget rules that were deleted before every record that is still to be read."""
        for key, version in self._rules.book().ended(self._cursor):
            # Somebody may be putting a rule of that name just now: it can wait.
            with suppress(StateConflict):
                self._state.apply([Change(RULE_KIND, key, None, expected=version)])
            self._rules.forget()
