"""What a person decides about a delivery, each with a record of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.ports.targets.outbox import (
    DeliveryState,
    DeliveryUnknown,
    Kept,
    Outbox,
    Step,
)
from opentrail.recording.responses import (
    APPROVED,
    REFUSED,
    RETRIED,
    response_record,
)
from opentrail.workers.targets.deciding import facts_of

AGAIN = frozenset({DeliveryState.GIVEN_UP, DeliveryState.REFUSED, DeliveryState.WAITING})
"""States from which a person may have it tried again."""


def approve(outbox: Outbox, delivery_id: str, person: str, clock: Clock) -> Kept:
    """Let a delivery be sent.

    Raises:
        DeliveryUnknown: there is none of that id that needs approval.
    """
    return _decide(outbox, delivery_id, {DeliveryState.HELD}, APPROVED, (person, clock.now()))


def refuse(outbox: Outbox, delivery_id: str, person: str, clock: Clock) -> Kept:
    """Let a delivery never be sent.

    Raises:
        DeliveryUnknown: there is none of that id that needs approval or waits.
    """
    states = {DeliveryState.HELD, DeliveryState.WAITING}
    return _decide(outbox, delivery_id, states, REFUSED, (person, clock.now()))


def retry(outbox: Outbox, delivery_id: str, person: str, clock: Clock) -> Kept:
    """Have a delivery tried now, with attempts and age beginning anew if it was given up.

    Raises:
        DeliveryUnknown: there is none of that id, or it was delivered.
    """
    return _decide(outbox, delivery_id, AGAIN, RETRIED, (person, clock.now()))


def _decide(
    outbox: Outbox,
    delivery_id: str,
    expected: Collection[DeliveryState],
    name: str,
    who_and_when: tuple[str, datetime],
) -> Kept:
    person, now = who_and_when
    kept = outbox.find(delivery_id)
    if kept is None:
        raise DeliveryUnknown(f"there is no delivery {delivery_id[:100]}")
    at = epoch_milliseconds(now)
    facts = replace(facts_of(kept.delivery, name, place=f"{at}/{name}"), person=person)
    event_id, raw = response_record(facts, now)
    goes_on = name != REFUSED
    step = Step(
        state=DeliveryState.WAITING if goes_on else DeliveryState.REFUSED,
        at=at,
        due=at if goes_on else None,
        reason="" if goes_on else f"{person} refused it",
        by=person,
        response_id=event_id,
        response=raw,
    )
    return outbox.decide(delivery_id, expected, step)
