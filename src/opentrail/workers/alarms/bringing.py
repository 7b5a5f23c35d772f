"""What follows from changes, brought to the history, the outbox and the event bus.

A crash in between brings it once more: each part has one id for good, and is there once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import structlog

from opentrail.alarms.alarm import CHANGE_KIND, bus_arn
from opentrail.alarms.telling.changes import AlarmChange, Notice, read_change
from opentrail.ports.metrics.alarm_history import AlarmHistory
from opentrail.ports.state import Change, StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.predicate.reading import decoded
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom
from opentrail.rules.rule import DEFAULT_BUS

Publish = Callable[[Sequence[tuple[Bus, Custom]], str], None]
"""Gives events to the rules of buses: (events, the key that signed them, "" for none)."""

_log = structlog.get_logger()


class _BusEvent(msgspec.Struct, frozen=True, rename={"detail_type": "detail-type"}):
    id: str
    detail_type: str
    source: str
    time: str
    resources: tuple[str, ...]
    detail: msgspec.Raw


class Bringer:
    """Brings away what the state keeps of changes."""

    def __init__(
        self, *, state: StateStore, history: AlarmHistory, outbox: Outbox, publish: Publish
    ) -> None:
        self._state = state
        self._history = history
        self._outbox = outbox
        self._publish = publish

    def bring(self) -> tuple[str, ...]:
        """Bring all of it; the ARNs of the alarms that changed, in the order of time."""
        documents = self._state.list(CHANGE_KIND)
        if not documents:
            return ()
        changes = [read_change(one.body) for one in documents]
        items = [item for change in changes for item in change.history]
        deliveries = [
            _delivery(change, notice)
            for change in changes
            for notice in change.notices
            if not _is_for_bus(change, notice)
        ]
        events = [
            _event(change, notice)
            for change in changes
            for notice in change.notices
            if _is_for_bus(change, notice)
        ]
        if items:
            self._history.add(items)
        if deliveries:
            self._outbox.put(deliveries)
        if events:
            self._publish(events, "")
        self._state.apply([Change(CHANGE_KIND, one.key, None) for one in documents])
        for change in changes:
            _log.info("alarm_changed", alarm=change.cause, notices=len(change.notices))
        return tuple(change.cause for change in changes)


def _is_for_bus(change: AlarmChange, notice: Notice) -> bool:
    return notice.target == bus_arn(change.account_id, change.region)


def _delivery(change: AlarmChange, notice: Notice) -> Delivery:
    return Delivery(
        id=notice.id,
        account_id=change.account_id,
        region=change.region,
        target=notice.target,
        cause=change.cause,
        payload=notice.payload.encode(),
        attributes=(("subject", notice.subject),) if notice.subject else (),
        created=int(change.time),
        dry_run=change.dry_run,
        needs_approval=change.needs_approval,
    )


def _event(change: AlarmChange, notice: Notice) -> tuple[Bus, Custom]:
    event = msgspec.json.decode(notice.payload, type=_BusEvent)
    detail = bytes(event.detail)
    custom = Custom(
        id=event.id,
        source=event.source,
        detail_type=event.detail_type,
        account_id=change.account_id,
        region=change.region,
        time=event.time,
        resources=event.resources,
        detail=decoded(detail) or {},
        detail_text=detail.decode(),
    )
    return (change.account_id, change.region, DEFAULT_BUS), custom
