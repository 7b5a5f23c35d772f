"""Custom events, put on buses by PutEvents: their deliveries are durable before the answer."""

from __future__ import annotations

from collections.abc import Sequence

from opentrail.clock import Clock
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom, of_custom
from opentrail.workers.rules.firing import deliveries
from opentrail.workers.rules.reading import RuleReader


class Publisher:
    """Matches custom events at once; one call at a time."""

    def __init__(self, *, state: StateStore, outbox: Outbox, clock: Clock) -> None:
        self._rules = RuleReader(state)
        self._outbox = outbox
        self._clock = clock

    def publish(self, events: Sequence[tuple[Bus, Custom]], access_key_id: str) -> None:
        """Durable on return: what the events' rules tell their targets, all or nothing.

        Args:
            access_key_id: The key that signed the call.

        Raises:
            Unavailable: nothing is kept.
        """
        rules, now = self._rules.book().now(), self._clock.now()
        made: list[Delivery] = []
        for bus, custom in events:
            event = of_custom(custom)
            for taker in rules.takers(bus, event, may_have_dots=True):
                made += deliveries(taker, event, now=now, access_key_id=access_key_id)
        if made:
            self._outbox.put(made)
