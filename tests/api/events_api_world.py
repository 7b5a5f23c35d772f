"""EventBridge's API in this process."""

from pathlib import Path
from typing import Any

from api_world import ACCOUNT, ApiWorld

from opentrail.adapters.ids import CountingIds
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.api.events import EventsBackends, events_service
from opentrail.clock import SystemClock
from opentrail.ports.targets.outbox import DeliveryQuery, Kept
from opentrail.trail.quotas import Quotas
from opentrail.workers.rules import FOLLOWER, Publisher


class EventsWorld:
    """The service, the outbox behind it, and clients."""

    def __init__(self, tmp_path: Path, **quotas: int) -> None:
        self.world = ApiWorld(tmp_path)
        self.outbox = MemoryOutbox()
        publisher = Publisher(state=self.world.state, outbox=self.outbox, clock=SystemClock())
        backends = EventsBackends(
            state=self.world.state,
            journal=self.world.journal,
            place=lambda: self.outbox.place(FOLLOWER),
            publish=publisher.publish,
            ids=CountingIds(),
            quotas=Quotas(**quotas),
        )
        self.world.others = (events_service(backends),)
        self.world.serve()

    def client(self, account: str = ACCOUNT, region: str = "us-east-1", **options: Any) -> Any:
        return self.world.client(region, account, service="events", **options)

    def deliveries(self) -> list[Kept]:
        """What is in the outbox, the oldest first."""
        return list(reversed(self.outbox.list(DeliveryQuery(limit=1000))))
