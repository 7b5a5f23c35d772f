"""Finished deliveries are kept for days, and not too many of an account; no answer is a no."""

from __future__ import annotations

from datetime import timedelta

import structlog

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.ports.targets.outbox import (
    DeliveryQuery,
    DeliveryState,
    DeliveryUnknown,
    Outbox,
    Step,
)

KEPT_FOR = timedelta(days=14)
MOST_KEPT = 100_000
"""Of an account."""

APPROVAL_WITHIN = timedelta(days=7)
_LOOKED_AT = 500

_log = structlog.get_logger()


class OutboxKeeper:
    """See above."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    def step(self) -> int:
        """Forget and refuse what is over; how much that was."""
        now = epoch_milliseconds(self._clock.now())
        forgotten = self._outbox.forget(now - _milliseconds(KEPT_FOR), most=MOST_KEPT)
        for account, count in forgotten.early.items():
            _log.warning("deliveries_forgotten_early", account=account, count=count)
        return forgotten.count + self._refuse_old(now)

    def _refuse_old(self, now: int) -> int:
        query = DeliveryQuery(states=(DeliveryState.HELD,), limit=_LOOKED_AT)
        refused = 0
        while held := self._outbox.list(query):
            for kept in held:
                if kept.changed < now - _milliseconds(APPROVAL_WITHIN):
                    refused += self._refuse(kept.delivery.id, now)
            query = DeliveryQuery(
                states=(DeliveryState.HELD,), limit=_LOOKED_AT, before=held[-1].number
            )
        return refused

    def _refuse(self, delivery_id: str, now: int) -> int:
        reason = f"nobody allowed it within {APPROVAL_WITHIN.days} days"
        step = Step(state=DeliveryState.REFUSED, at=now, reason=reason)
        try:
            self._outbox.decide(delivery_id, {DeliveryState.HELD}, step)
        except DeliveryUnknown:
            return 0  # somebody decided meanwhile
        _log.warning("delivery_not_approved", delivery=delivery_id)
        return 1


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
