"""One event by what a person has of it: its id, the start of it, its position, or `latest`."""

from __future__ import annotations

import re

from opentrail.app.searching.asking import parse_position
from opentrail.ports.events import EventReader, Search, StoredEvent
from opentrail.predicate.expression import Any, Operator, Test

MOST_CANDIDATES = 10

LATEST = "latest"
_POSITION = re.compile(r"-?[0-9]+:[0-9]+", re.ASCII)
_FIELDS = (("eventID",), ("eventId",))
"""Aggregated events spell it with a small d."""


def find_events(
    events: EventReader, named: str, accounts: frozenset[str] | None
) -> tuple[StoredEvent, ...]:
    """The events meant, newest first, at most MOST_CANDIDATES + 1.

    A whole id may be that of several events: such that came in with different content.

    Raises:
        InvalidInput: nothing is named, or a position that is none.
    """
    limit = MOST_CANDIDATES + 1
    if named == LATEST:
        return events.search(Search(accounts=accounts, limit=1))
    if _POSITION.fullmatch(named):
        return _at(events, named, accounts)
    whole = Test(_FIELDS[0], Operator.EQUALS, named)
    begun = Any(tuple(Test(field, Operator.PREFIX, named) for field in _FIELDS))
    # The first is a look into an index, the second reads every record.
    found = events.search(Search(where=whole, accounts=accounts, limit=limit))
    return found or events.search(Search(where=begun, accounts=accounts, limit=limit))


def _at(
    events: EventReader, named: str, accounts: frozenset[str] | None
) -> tuple[StoredEvent, ...]:
    position = parse_position(named)
    return events.search(
        Search(
            accounts=accounts,
            start=position.event_time,
            end=position.event_time + 1,
            sequence_from=position.sequence,
            sequence_before=position.sequence + 1,
        )
    )
