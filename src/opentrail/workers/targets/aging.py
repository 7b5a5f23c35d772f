"""What got too old before its turn came is given up without a try: a lane may stand for days."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress

import structlog

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.ports.targets.outbox import DeliveryState, DeliveryUnknown, Kept, Outbox, Step
from opentrail.ports.targets.target import Targets
from opentrail.workers.targets.deciding import dry_run, too_old

AT_ONCE = 100
"""More than can be under way: those stand among the oldest, and are left alone."""

_log = structlog.get_logger()


class Aging:
    """See above."""

    def __init__(self, outbox: Outbox, targets: Targets, clock: Clock) -> None:
        self._outbox = outbox
        self._targets = targets
        self._clock = clock

    def step(self, under_way: Container[str]) -> int:
        """Give up some of what is too old; how much that was.

        Args:
            under_way: Ids of deliveries that are being tried; what becomes of them tells the try.
        """
        now = epoch_milliseconds(self._clock.now())
        given_up = 0
        for kept in self._outbox.too_old(now, limit=AT_ONCE):
            if kept.delivery.id in under_way:
                continue
            try:
                given_up += self._give_up(kept, now)
            except Exception:  # noqa: BLE001 - one must not stop the others, nor all tries
                _log.exception("delivery_not_given_up", delivery=kept.delivery.id)
        return given_up

    def _give_up(self, kept: Kept, now: int) -> int:
        step = self._step(kept, now)
        with suppress(DeliveryUnknown):  # a person refused it meanwhile
            self._outbox.decide(kept.delivery.id, {DeliveryState.WAITING}, step)
            _log.info("delivery_too_old", delivery=kept.delivery.id, cause=kept.delivery.cause)
            return 1
        return 0

    def _step(self, kept: Kept, now: int) -> Step:
        """A dry run is told as one at any age: its dead-letter queue gets nothing."""
        delivery = kept.delivery
        try:
            target = self._targets.of(delivery.target)
            if target is not None:
                terms = target.terms(delivery)
                if delivery.dry_run or terms.dry_run:
                    return dry_run(kept, terms, target.event_name, now, self._clock)
        except Exception:  # noqa: BLE001 - as in a try: a kind's mistake stops nothing
            _log.exception("delivery_terms_unknown", delivery=delivery.id)
        return too_old(kept, now, self._clock)
