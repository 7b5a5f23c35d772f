"""The worker of alarms over stores in memory, with a clock moved by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from alarm_samples import ACCOUNT, REGION, T, metric_alarm
from opentrail.adapters.alarm_history import MemoryAlarmHistory
from opentrail.adapters.metrics import MemoryMetricStore
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.adapters.state import MemoryStateStore
from opentrail.alarms.alarm import (
    ALARM_KIND,
    CHANGE_KIND,
    STATE_KIND,
    Alarm,
    AlarmState,
    State,
    alarm_key,
    first_state,
    read_state,
)
from opentrail.alarms.telling.changes import configuration_change, state_change
from opentrail.clock import ManualClock
from opentrail.ports.metrics import Datapoint
from opentrail.ports.metrics.alarm_history import HistoryQuery
from opentrail.ports.state import Change
from opentrail.ports.targets.outbox import Delivery, DeliveryQuery
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom
from opentrail.workers.alarms import AlarmsWorker

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"


@dataclass
class AlarmsWorld:
    """What the worker stands on; a new worker may take over at any time."""

    clock: ManualClock = field(
        default_factory=lambda: ManualClock(datetime.fromtimestamp(T + 0.25, UTC))
    )
    state: Any = field(default_factory=MemoryStateStore)
    metrics: Any = field(default_factory=MemoryMetricStore)
    history: Any = field(default_factory=MemoryAlarmHistory)
    outbox: Any = field(default_factory=MemoryOutbox)
    events: list[tuple[Bus, Custom]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.worker = AlarmsWorker(
            state=self.state, metrics=self.metrics, history=self.history, outbox=self.outbox,
            publish=self._publish, clock=self.clock,
        )  # fmt: skip

    def _publish(self, events: Sequence[tuple[Bus, Custom]], access_key_id: str) -> None:
        assert access_key_id == ""
        known = {custom.id for _, custom in self.events}
        self.events += [one for one in events if one[1].id not in known]

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def put(self, *alarms: Alarm) -> None:
        """As the API does it."""
        for alarm in alarms:
            known = self.state.get(ALARM_KIND, alarm.key)
            operation = "create" if known is None else "update"
            state = first_state(alarm.created)
            change = configuration_change(
                alarm, state, operation=operation, previous=alarm, when=self.now
            )
            changes = [
                Change(ALARM_KIND, alarm.key, msgspec.json.encode(alarm)),
                Change(CHANGE_KIND, change.key, msgspec.json.encode(change)),
            ]
            if known is None:
                changes.append(Change(STATE_KIND, alarm.key, msgspec.json.encode(state)))
            self.state.apply(changes)

    def set(self, alarm: Alarm, value: str) -> None:
        """SetAlarmState."""
        before = self.state_of(alarm.name)
        after = AlarmState(
            value=State(value), reason="by hand", updated=self.now, transitioned=self.now, number=before.number + 1,
            was_set=True, suppressed=before.suppressed,
        )  # fmt: skip
        change = state_change(alarm, before, after)
        self.state.apply([
            Change(STATE_KIND, alarm.key, msgspec.json.encode(after)),
            Change(CHANGE_KIND, change.key, msgspec.json.encode(change)),
        ])  # fmt: skip

    def delete(self, alarm: Alarm) -> None:
        change = configuration_change(
            alarm, self.state_of(alarm.name), operation="delete", previous=None, when=self.now
        )
        self.state.apply([
            Change(ALARM_KIND, alarm.key, None), Change(STATE_KIND, alarm.key, None),
            Change(CHANGE_KIND, change.key, msgspec.json.encode(change)),
        ])  # fmt: skip

    def point(self, value: float, *, ago: float = 0.0, **changed: Any) -> None:
        """A datapoint of the samples' metric."""
        series = metric_alarm().metric
        assert series is not None
        usual = {
            "account_id": ACCOUNT, "region": REGION, "namespace": series.namespace, "name": series.name,
            "time": int(self.now - ago), "unit": "Count", "count": 1.0, "sum": value, "minimum": value, "maximum": value,
            "values": ((value, 1.0),),
        }  # fmt: skip
        self.metrics.put([Datapoint(**(usual | changed))])

    def step(self, seconds: float = 0.0) -> int:
        self.clock.advance(timedelta(seconds=seconds))
        return self.worker.step()

    def run(self, seconds: float, every: float = 1.0) -> None:
        """Step by step through a stretch of time."""
        passed = 0.0
        while passed < seconds:
            self.step(every)
            passed += every

    def state_of(self, name: str) -> AlarmState:
        document = self.state.get(STATE_KIND, alarm_key(ACCOUNT, REGION, name))
        assert document is not None
        return read_state(document.body)

    def value(self, name: str = "root-use") -> str:
        return str(self.state_of(name).value)

    def told(self, target: str = TOPIC) -> list[Delivery]:
        kept = self.outbox.list(DeliveryQuery(limit=10_000))
        return sorted(
            (one.delivery for one in kept if one.delivery.target == target),
            key=lambda one: one.created,
        )

    def summaries(self, name: str = "root-use") -> list[str]:
        query = HistoryQuery(
            account_id=ACCOUNT, region=REGION, name=name, newest_first=False, limit=10_000
        )
        return [item.summary for item in self.history.find(query)]
