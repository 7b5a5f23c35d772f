"""What follows from a change of an alarm: lines of its history, and what is to be told to whom.

It is stored with the change, and brought to the history and the outbox afterwards; each part has
one id for good, so that nothing is lost or doubled in between.
Source: CloudWatch API reference, AlarmHistoryItem; histories of AWS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from opentrail.alarms.alarm import (
    Alarm,
    AlarmState,
    CompositeAlarm,
    MetricAlarm,
    MetricStat,
    bus_arn,
)
from opentrail.alarms.statistics import PLAIN
from opentrail.alarms.telling.notification import (
    bus_event,
    configuration_event,
    function_event,
    subject,
    topic_message,
)
from opentrail.alarms.telling.reasons import timestamp

DRY_RUN_TAG = "opentrail:dry-run"
APPROVAL_TAG = "opentrail:approval"
"""Tags of an alarm, as of event rules: `true`, and `required`."""


class ItemKind(StrEnum):
    """What a line of history tells."""

    CONFIGURATION = "ConfigurationUpdate"
    STATE = "StateUpdate"
    ACTION = "Action"


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line of history.

    Attributes:
        id: The same for the same happening.
        alarm_type: `MetricAlarm` or `CompositeAlarm`.
        time: Epoch seconds.
        data: JSON.
    """

    id: str
    account_id: str
    region: str
    name: str
    alarm_type: str
    time: float
    kind: ItemKind
    summary: str
    data: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told to one target.

    Attributes:
        id: Its idempotency key.
        target: An ARN, or the URL of a webhook.
        subject: Of a topic's message, else "".
    """

    id: str
    target: str
    payload: str
    subject: str = ""


class AlarmChange(msgspec.Struct, frozen=True, kw_only=True):
    """All that follows from one change of one alarm.

    Attributes:
        cause: The alarm's ARN.
        time: Epoch seconds.
        dry_run: Targets are told as if, and never are.
        needs_approval: A person has to allow each message.
    """

    cause: str
    account_id: str
    region: str
    time: float
    dry_run: bool = False
    needs_approval: bool = False
    history: tuple[HistoryItem, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def key(self) -> str:
        """Of its document: in the order of time, the same for the same change."""
        parts = [item.id for item in self.history] + [notice.id for notice in self.notices]
        name = json.dumps([self.cause, *parts])
        return f"{round(self.time * 1000):014d}/{uuid5(NAMESPACE_URL, name)}"


_CHANGE: msgspec.json.Decoder[AlarmChange] = msgspec.json.Decoder(AlarmChange)


def read_change(body: bytes) -> AlarmChange:
    """A change from its document."""
    return _CHANGE.decode(body)


def state_change(alarm: Alarm, before: AlarmState, after: AlarmState) -> AlarmChange:
    """What follows when an alarm comes into another state; held back actions are left out."""
    data = {"version": "1.0", "oldState": _told_state(before), "newState": _told_state(after)}
    summary = f"Alarm updated from {before.value} to {after.value}"
    item = _item(alarm, after.updated, ItemKind.STATE, summary, data)
    bus = Notice(
        id=_id(alarm, after, "bus"),
        target=bus_arn(alarm.account_id, alarm.region),
        payload=_json(bus_event(alarm, before, after)),
    )
    told = _actions(alarm, before, after) if after.suppressed is None else ()
    return _change(alarm, after.updated, (item, *(line for line, _ in told)),
                   (bus, *(notice for _, notice in told)))  # fmt: skip


def tags_change(alarm: Alarm, when: float) -> AlarmChange:
    """What follows when only an alarm's tags change: nothing but that the worker sees it."""
    return _change(alarm, when, (), ())


def held_back(alarm: Alarm, before: AlarmState, after: AlarmState, now: float) -> AlarmChange:
    """What follows when actions that were held back may run.

    Args:
        before: The state that was told of last.
        after: The state now.
        now: Epoch seconds.
    """
    told = _actions(alarm, before, after, now)
    return _change(alarm, now, tuple(line for line, _ in told), tuple(one for _, one in told))


def configuration_change(
    alarm: Alarm, state: AlarmState, *, operation: str, previous: Alarm | None, when: float
) -> AlarmChange:
    """What follows when an alarm is made, changed or removed.

    Args:
        operation: `create`, `update` or `delete`.
        previous: The alarm before an update.
        when: Epoch seconds.
    """
    kind, done = _OPERATIONS[operation]
    data = {"version": "1.0", "type": kind, f"{done}Alarm": _told_alarm(alarm, state)}
    item = _item(alarm, when, ItemKind.CONFIGURATION, f'Alarm "{alarm.name}" {done}', data)
    event = configuration_event(
        alarm, state, operation, previous if operation == "update" else None, when
    )
    bus = Notice(
        id=event["id"],
        target=bus_arn(alarm.account_id, alarm.region),
        payload=_json(event),
    )
    return _change(alarm, when, (item,), (bus,))


_OPERATIONS = {
    "create": ("Create", "created"),
    "update": ("Update", "updated"),
    "delete": ("Delete", "deleted"),
}


def _change(
    alarm: Alarm, when: float, history: tuple[HistoryItem, ...], notices: tuple[Notice, ...]
) -> AlarmChange:
    return AlarmChange(
        cause=alarm.arn,
        account_id=alarm.account_id,
        region=alarm.region,
        time=when,
        dry_run=alarm.tag(DRY_RUN_TAG) == "true",
        needs_approval=alarm.tag(APPROVAL_TAG) == "required",
        history=history,
        notices=notices,
    )


def _actions(
    alarm: Alarm, before: AlarmState, after: AlarmState, now: float | None = None
) -> tuple[tuple[HistoryItem, Notice], ...]:
    if not alarm.actions_enabled:
        return ()
    targets = dict.fromkeys(alarm.actions(after.value))
    return tuple(_action(alarm, before, after, target, now) for target in targets)


def _action(
    alarm: Alarm, before: AlarmState, after: AlarmState, target: str, now: float | None
) -> tuple[HistoryItem, Notice]:
    to_function = target.startswith("arn:") and ":lambda:" in target
    told = (function_event if to_function else topic_message)(alarm, before, after)
    notice = Notice(
        id=_id(alarm, after, target),
        target=target,
        payload=_json(told),
        subject="" if to_function else subject(alarm, after),
    )
    data = {
        "actionState": "Succeeded",
        "stateUpdateTimestamp": int(after.updated * 1000),
        "notificationResource": target,
        "publishedMessage": notice.payload,
    }
    summary = f"Successfully executed action {target}"
    when = after.updated if now is None else now
    return _item(alarm, when, ItemKind.ACTION, summary, data), notice


def _id(alarm: Alarm, after: AlarmState, target: str) -> str:
    return str(uuid5(NAMESPACE_URL, json.dumps([alarm.arn, alarm.created, after.number, target])))


def _item(
    alarm: Alarm, when: float, kind: ItemKind, summary: str, data: Mapping[str, Any]
) -> HistoryItem:
    text = _json(data)
    return HistoryItem(
        id=str(uuid5(NAMESPACE_URL, json.dumps([alarm.arn, when, kind, text]))),
        account_id=alarm.account_id,
        region=alarm.region,
        name=alarm.name,
        alarm_type="CompositeAlarm" if isinstance(alarm, CompositeAlarm) else "MetricAlarm",
        time=when,
        kind=kind,
        summary=summary,
        data=text,
    )


def _told_state(state: AlarmState) -> dict[str, Any]:
    told: dict[str, Any] = {"stateValue": state.value, "stateReason": state.reason}
    if state.reason_data:
        told["stateReasonData"] = msgspec.Raw(state.reason_data.encode())
    return told


def _told_alarm(alarm: Alarm, state: AlarmState) -> dict[str, Any]:
    told: dict[str, Any] = {"alarmName": alarm.name}
    if alarm.description is not None:
        told["alarmDescription"] = alarm.description
    told["alarmArn"] = alarm.arn
    told["alarmConfigurationUpdatedTimestamp"] = timestamp(alarm.updated)
    match alarm:
        case MetricAlarm():
            told |= _told_metric_alarm(alarm)
        case CompositeAlarm():
            told["alarmRule"] = alarm.rule
            if alarm.suppressor is not None:
                told["actionsSuppressor"] = alarm.suppressor
                told["actionsSuppressorWaitPeriod"] = alarm.wait
                told["actionsSuppressorExtensionPeriod"] = alarm.extension
    return told | {
        "stateValue": state.value,
        "stateUpdatedTimestamp": timestamp(state.updated),
        "actionsEnabled": alarm.actions_enabled,
        "okactions": alarm.ok_actions,
        "alarmActions": alarm.alarm_actions,
        "insufficientDataActions": alarm.insufficient_data_actions,
    }


def _told_metric_alarm(alarm: MetricAlarm) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if alarm.metric is not None:
        told |= _told_metric(alarm.metric)
    else:
        told["metrics"] = [msgspec.to_builtins(query) for query in alarm.queries]
    if alarm.threshold is not None:
        told["threshold"] = alarm.threshold
    if alarm.threshold_id is not None:
        told["thresholdMetricId"] = alarm.threshold_id
    told |= {"comparisonOperator": alarm.comparison, "evaluationPeriods": alarm.periods}
    if alarm.datapoints is not None:
        told["datapointsToAlarm"] = alarm.datapoints
    if alarm.treatment is not None:
        told["treatMissingData"] = alarm.treatment
    if alarm.low_samples is not None:
        told["evaluateLowSampleCountPercentile"] = alarm.low_samples
    return told


def _told_metric(metric: MetricStat) -> dict[str, Any]:
    told: dict[str, Any] = {"namespace": metric.namespace, "metricName": metric.name}
    told["statistic" if metric.stat in PLAIN else "extendedStatistic"] = metric.stat
    told["period"] = metric.period
    told["dimensions"] = [{"name": name, "value": value} for name, value in metric.dimensions]
    return told if metric.unit is None else told | {"unit": metric.unit}


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
