"""What an alarm's actions are told: the message of a topic, a function's event, the bus's event.

Source: messages of AWS (vectors alarms/notifications), CloudWatch User Guide, "Alarm events and
EventBridge" and "Invoke a Lambda function from an alarm".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from opentrail.alarms.alarm import (
    Alarm,
    AlarmState,
    CompositeAlarm,
    MetricAlarm,
    MetricQuery,
    MetricStat,
)
from opentrail.alarms.statistics import PLAIN
from opentrail.alarms.telling.reasons import timestamp
from opentrail.aws.models import partitions

Json = dict[str, Any]
MAX_SUBJECT = 100
"""Characters of a topic's subject."""


def topic_message(alarm: Alarm, before: AlarmState, after: AlarmState) -> Json:
    """The message that a topic gets."""
    told: Json = {"AlarmName": alarm.name, "AlarmDescription": alarm.description}
    told["AWSAccountId"] = alarm.account_id
    if isinstance(alarm, MetricAlarm):
        told["AlarmConfigurationUpdatedTimestamp"] = timestamp(alarm.updated)
    told |= {
        "NewStateValue": after.value,
        "NewStateReason": after.reason,
        "StateChangeTime": timestamp(after.updated),
        "Region": region_name(alarm.region),
        "AlarmArn": alarm.arn,
        "OldStateValue": before.value,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    match alarm:
        case MetricAlarm():
            told["Trigger"] = _trigger(alarm)
        case CompositeAlarm():
            told["AlarmRule"] = alarm.rule
            told["TriggeringChildren"] = [
                {
                    "Arn": one.arn,
                    "State": {"Value": one.state.value, "Timestamp": one.state.time},
                }
                for one in _triggering(after)
            ]
    return told


def subject(alarm: Alarm, after: AlarmState) -> str:
    """The subject of a topic's message: `ALARM: "name" in US East (N. Virginia)`."""
    text = f'{after.value}: "{alarm.name}" in {region_name(alarm.region)}'
    return text if len(text) <= MAX_SUBJECT else f"{text[: MAX_SUBJECT - 3]}..."


def function_event(alarm: Alarm, before: AlarmState, after: AlarmState) -> Json:
    """The event that a function gets."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn,
        "accountId": alarm.account_id,
        "time": timestamp(after.updated),
        "region": alarm.region,
        "alarmData": {"alarmName": alarm.name} | _change(alarm, before, after),
    }


def bus_event(alarm: Alarm, before: AlarmState, after: AlarmState) -> Json:
    """The event that the account's default bus gets."""
    detail = {"alarmName": alarm.name} | _change(alarm, before, after)
    return _event(alarm, "CloudWatch Alarm State Change", after.updated, detail)


def configuration_event(
    alarm: Alarm, state: AlarmState, operation: str, previous: Alarm | None, when: float
) -> Json:
    """The bus's event of an alarm that is made, changed or removed.

    Args:
        operation: `create`, `update` or `delete`.
        previous: The alarm before an update.
        when: Epoch seconds.
    """
    detail: Json = {"alarmName": alarm.name, "operation": operation, "state": _state(state)}
    detail["configuration"] = _whole_configuration(alarm)
    if previous is not None:
        detail["previousConfiguration"] = _whole_configuration(previous)
    return _event(alarm, "CloudWatch Alarm Configuration Change", when, detail)


def _event(alarm: Alarm, kind: str, when: float, detail: Json) -> Json:
    told = json.dumps([alarm.arn, kind, when, detail], sort_keys=True)
    return {
        "version": "0",
        "id": str(uuid5(NAMESPACE_URL, told)),
        "detail-type": kind,
        "source": "aws.cloudwatch",
        "account": alarm.account_id,
        "time": f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": alarm.region,
        "resources": [alarm.arn],
        "detail": detail,
    }


def _change(alarm: Alarm, before: AlarmState, after: AlarmState) -> Json:
    return {
        "state": _state(after),
        "previousState": _state(before),
        "configuration": _configuration(alarm),
    }


def _state(state: AlarmState) -> Json:
    told: Json = {}
    if state.suppressed is not None:
        told["actionsSuppressedBy"] = state.suppressed.by
        told["actionsSuppressedReason"] = f"Actions suppressed by {state.suppressed.by}"
    told |= {"value": state.value, "reason": state.reason}
    if state.reason_data:
        told["reasonData"] = state.reason_data
    return told | {"timestamp": timestamp(state.updated)}


def _configuration(alarm: Alarm) -> Json:
    told: Json = {} if alarm.description is None else {"description": alarm.description}
    match alarm:
        case MetricAlarm():
            told["metrics"] = [_query(query) for query in metric_queries(alarm)]
        case CompositeAlarm():
            told["alarmRule"] = alarm.rule
            if alarm.suppressor is not None:
                told["actionsSuppressor"] = alarm.suppressor
                told["actionsSuppressorWaitPeriod"] = alarm.wait
                told["actionsSuppressorExtensionPeriod"] = alarm.extension
    return told


def _whole_configuration(alarm: Alarm) -> Json:
    told = _configuration(alarm)
    if isinstance(alarm, MetricAlarm):
        told["evaluationPeriods"] = alarm.periods
        if alarm.datapoints is not None:
            told["datapointsToAlarm"] = alarm.datapoints
        if alarm.threshold is not None:
            told["threshold"] = alarm.threshold
        told["comparisonOperator"] = alarm.comparison
        if alarm.treatment is not None:
            told["treatMissingData"] = alarm.treatment
    return told | {
        "alarmName": alarm.name,
        "actionsEnabled": alarm.actions_enabled,
        "timestamp": timestamp(alarm.updated),
        "okActions": alarm.ok_actions,
        "alarmActions": alarm.alarm_actions,
        "insufficientDataActions": alarm.insufficient_data_actions,
    }


def metric_queries(alarm: MetricAlarm) -> tuple[MetricQuery, ...]:
    """What an alarm watches, as queries: an alarm on one metric has one."""
    if alarm.metric is None:
        return alarm.queries
    own = str(uuid5(NAMESPACE_URL, alarm.arn))
    return (MetricQuery(id=own, stat=alarm.metric, return_data=True),)


def _query(query: MetricQuery) -> Json:
    told: Json = {"id": query.id}
    if query.expression is not None:
        told["expression"] = query.expression
    if query.label is not None:
        told["label"] = query.label
    if query.stat is not None:
        metric = {
            "namespace": query.stat.namespace,
            "name": query.stat.name,
            "dimensions": dict(query.stat.dimensions),
        }
        told["metricStat"] = {
            "metric": metric, "period": query.stat.period, "stat": query.stat.stat,
        }  # fmt: skip
        if query.stat.unit is not None:
            told["metricStat"]["unit"] = query.stat.unit
    return told | {"returnData": query.return_data is not False}


_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}


def _trigger(alarm: MetricAlarm) -> Json:
    told: Json = {}
    if alarm.metric is not None:
        told |= _watched(alarm.metric)
    told |= {"Period": alarm.period, "EvaluationPeriods": alarm.periods}
    if alarm.datapoints is not None:
        told["DatapointsToAlarm"] = alarm.datapoints
    told["ComparisonOperator"] = alarm.comparison
    if alarm.threshold is not None:
        told["Threshold"] = alarm.threshold
    if alarm.threshold_id is not None:
        told["ThresholdMetricId"] = alarm.threshold_id
    told["TreatMissingData"] = alarm.treatment or ""
    told["EvaluateLowSampleCountPercentile"] = alarm.low_samples or ""
    if alarm.metric is None:
        told["Metrics"] = [_trigger_query(query) for query in alarm.queries]
    return told


def _watched(metric: MetricStat) -> Json:
    plain = metric.stat in PLAIN
    told: Json = {"MetricName": metric.name, "Namespace": metric.namespace}
    told["StatisticType"] = "Statistic" if plain else "ExtendedStatistic"
    if plain:
        told["Statistic"] = _STATISTICS.get(metric.stat, metric.stat.upper())
    else:
        told["ExtendedStatistic"] = metric.stat
    return told | {"Unit": metric.unit, "Dimensions": _dimensions(metric)}


def _dimensions(metric: MetricStat) -> list[Mapping[str, str]]:
    return [{"value": value, "name": name} for name, value in metric.dimensions]


def _trigger_query(query: MetricQuery) -> Json:
    told: Json = {"Id": query.id}
    if query.expression is not None:
        told["Expression"] = query.expression
    if query.stat is not None:
        told["MetricStat"] = {
            "Metric": {
                "Dimensions": _dimensions(query.stat),
                "MetricName": query.stat.name,
                "Namespace": query.stat.namespace,
            },
            "Period": query.stat.period,
            "Stat": query.stat.stat,
        }
    if query.label is not None:
        told["Label"] = query.label
    return told | {"ReturnData": query.return_data is not False}


class _ChildState(msgspec.Struct):
    value: str
    time: str = msgspec.field(name="timestamp")


class _Child(msgspec.Struct):
    arn: str
    state: _ChildState


class _Children(msgspec.Struct):
    triggering: tuple[_Child, ...] = msgspec.field(name="triggeringAlarms", default=())


def _triggering(state: AlarmState) -> tuple[_Child, ...]:
    # SetAlarmState lets anybody write whatever they like there.
    try:
        return msgspec.json.decode(state.reason_data or "{}", type=_Children).triggering
    except msgspec.DecodeError:
        return ()


@lru_cache(maxsize=256)
def region_name(region: str) -> str:
    """`US East (N. Virginia)` of `us-east-1`; a region of one's own has its own name."""
    for partition in partitions():
        known = partition["regions"].get(region)
        if known is not None:
            return str(known["description"])
    return region
