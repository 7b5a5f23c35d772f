"""Custom events, put on buses by PutEvents: their deliveries are durable before the answer."""

from __future__ import annotations

from collections.abc import Sequence

from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom, of_custom
from opentrail.workers.rules.firing import deliveries
from opentrail.workers.rules.reading import RuleReader

MOST_BYTES = 64 * 1024 * 1024
"""Of the payloads that one call's events make: they are put in one step."""


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
            InvalidInput: they make more than MOST_BYTES; nothing is kept.
            Unavailable: nothing is kept.
        """
        rules, now = self._rules.book().now(), self._clock.now()
        made: list[Delivery] = []
        size = 0
        for bus, custom in events:
            event = of_custom(custom)
            for taker in rules.takers(bus, event, may_have_dots=True):
                for delivery in deliveries(taker, event, now=now, access_key_id=access_key_id):
                    size += len(delivery.payload)
                    if size > MOST_BYTES:
                        raise InvalidInput(
                            f"What rules make of the {len(events)} events for their targets is "
                            f"more than {MOST_BYTES} bytes; put fewer at once."
                        )
                    made.append(delivery)
        if made:
            self._outbox.put(made)
