"""Metrics, alarms and dashboards of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opentrail.adapters.alarm_history import FILE_NAME as HISTORY_FILE
from opentrail.adapters.alarm_history import SqliteAlarmHistory
from opentrail.adapters.metrics import FILE_NAME as METRICS_FILE
from opentrail.adapters.metrics import SqliteMetricStore
from opentrail.api.cloudwatch import CloudWatchBackends, cloudwatch_service
from opentrail.api.services import Service
from opentrail.clock import Clock
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Outbox
from opentrail.workers.alarms import AlarmsWorker, MetricsKeeper
from opentrail.workers.rules import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmParts:
    """Makes the parts; any process of the installation may.

    Attributes:
        data: The data directory.
    """

    data: Path
    state: StateStore
    outbox: Outbox
    clock: Clock

    def metrics(self) -> SqliteMetricStore:
        """Datapoints of metrics."""
        return SqliteMetricStore(self.data / METRICS_FILE)

    def history(self) -> SqliteAlarmHistory:
        """What became of alarms."""
        return SqliteAlarmHistory(self.data / HISTORY_FILE)

    def service(self) -> Service:
        """CloudWatch as a service answered here."""
        return cloudwatch_service(
            CloudWatchBackends(state=self.state, metrics=self.metrics(), history=self.history())
        )

    def worker(self) -> AlarmsWorker:
        """Evaluates alarms."""
        publisher = Publisher(state=self.state, outbox=self.outbox, clock=self.clock)
        return AlarmsWorker(
            state=self.state,
            metrics=self.metrics(),
            history=self.history(),
            outbox=self.outbox,
            publish=publisher.publish,
            clock=self.clock,
        )

    def keeper(self) -> MetricsKeeper:
        """Joins and forgets old datapoints and histories."""
        return MetricsKeeper(self.metrics(), self.history(), self.clock)
