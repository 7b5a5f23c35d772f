"""OpenTrail's own log groups, unless an upstream is named for CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from opentrail.adapters.destinations import OwnLogGroups
from opentrail.adapters.log_events import FILE_NAME as LOG_EVENTS_FILE
from opentrail.adapters.log_events import SqliteLogEventStore
from opentrail.adapters.metrics import FILE_NAME as METRICS_FILE
from opentrail.adapters.metrics import SqliteMetricStore
from opentrail.api.logs import LogsBackends, logs_service
from opentrail.api.services import Service
from opentrail.app.settings import Settings
from opentrail.app.watching.log_queries import QueryParts
from opentrail.clock import Clock
from opentrail.ports.destinations import Destinations, LogViews
from opentrail.ports.events import EventReader
from opentrail.ports.journal import JournalReader
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Outbox
from opentrail.workers.logs.expiring import LogEventsKeeper
from opentrail.workers.logs.feeds import FeedKeeper
from opentrail.workers.logs.worker import FOLLOWER, LogFilterWorker, Stores

Place = Callable[[], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupParts:
    """Makes the parts; any process of the installation may.

    Attributes:
        is_own: Whether OpenTrail answers for CloudWatch Logs itself.
    """

    is_own: bool
    state: StateStore
    journal: JournalReader
    clock: Clock
    log_events: SqliteLogEventStore
    metrics: SqliteMetricStore
    outbox: Outbox
    queries: QueryParts

    def destinations(self, others: Destinations) -> Destinations:
        """Where trails deliver to: OpenTrail's own groups, if it has any."""
        return replace(others, log_groups=self._groups()) if self.is_own else others

    def views(self) -> LogViews | None:
        """Where log groups show the store of events; None if they are elsewhere."""
        return self._groups() if self.is_own else None

    def service(self, events: EventReader) -> Service:
        """CloudWatch Logs as a service answered here."""
        backends = LogsBackends(
            state=self.state, events=events, log_events=self.log_events, journal=self.journal
        )
        return logs_service(self.queries.backends(backends))

    def feeds(self, sequence_end: Callable[[], int]) -> FeedKeeper | None:
        """Notes what groups show of the store; None if they are elsewhere."""
        return FeedKeeper(self.journal, self.state, sequence_end) if self.is_own else None

    def filter_worker(self) -> LogFilterWorker:
        """Asks filters of records and of what PutLogEvents brings."""
        stores = Stores(
            journal=self.journal,
            state=self.state,
            log_events=self.log_events,
            metrics=self.metrics,
            outbox=self.outbox,
        )
        return LogFilterWorker(stores, self.clock)

    def keeper(self) -> LogEventsKeeper:
        """Forgets what is too old."""
        return LogEventsKeeper(self.state, self.log_events, self.clock)

    def places(self) -> tuple[Place, ...]:
        """How far the journal is dealt with here, before the first time None."""
        if not self.is_own:
            return ()
        return (lambda: self.metrics.place(FOLLOWER), lambda: self.outbox.place(FOLLOWER))

    def needed_from(self, store_place: Place) -> Callable[[], int] | None:
        """The lowest offset at which it is still asked here what a trail was like."""
        if not self.is_own:
            return None
        places = (store_place, *self.places())
        return lambda: min(place() or 0 for place in places)

    def _groups(self) -> OwnLogGroups:
        return OwnLogGroups(self.state, self.log_events, self.clock)


def open_log_groups(
    settings: Settings, state: StateStore, journal: JournalReader, clock: Clock, outbox: Outbox
) -> LogGroupParts:
    """The parts under `settings.data`."""
    return LogGroupParts(
        is_own=not any(one.partition("=")[0] == "logs" for one in settings.upstreams),
        state=state,
        journal=journal,
        clock=clock,
        log_events=SqliteLogEventStore(settings.data / LOG_EVENTS_FILE),
        metrics=SqliteMetricStore(settings.data / METRICS_FILE),
        outbox=outbox,
        queries=QueryParts(settings.data, clock),
    )
