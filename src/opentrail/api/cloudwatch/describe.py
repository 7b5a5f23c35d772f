"""DescribeAlarms, DescribeAlarmsForMetric and DescribeAlarmHistory.

Source: CloudWatch API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from opentrail.alarms.alarm import (
    CHANGE_KIND,
    Alarm,
    AlarmState,
    CompositeAlarm,
    MetricAlarm,
    State,
)
from opentrail.alarms.composite import children, parse_rule
from opentrail.alarms.statistics import PLAIN
from opentrail.alarms.telling.changes import HistoryItem, ItemKind, read_change
from opentrail.api.cloudwatch.alarms import name_of
from opentrail.api.cloudwatch.backends import (
    CloudWatchBackends,
    Parameters,
    invalid,
    no_token,
    read_token,
    token_of,
)
from opentrail.api.cloudwatch.documents import all_alarms, find_alarm
from opentrail.api.cloudwatch.metric_input import dimensions_of, told_dimensions, told_query
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.metrics.alarm_history import HistoryQuery

_PAGE = 50
_HISTORY_PAGE = 100
_METRIC, _COMPOSITE, _LOG = "MetricAlarm", "CompositeAlarm", "LogAlarm"
_TYPES = frozenset({_METRIC, _COMPOSITE, _LOG})
_FAMILY = ("ChildrenOfAlarmName", "ParentsOfAlarmName")
_FILTERS = ("AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix")

Pair = tuple[Alarm, AlarmState]


def describe_alarms(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Alarms by name; metric alarms only, unless types are named."""
    _check(parameters)
    if any(name in parameters for name in _FAMILY):
        return _family(parameters, caller, backends)
    types = _types(parameters) or {_METRIC}
    found = (
        (alarm, state)
        for alarm, state in _named(parameters, caller, backends)
        if _type(alarm) in types
        and parameters.get("StateValue", state.value) == state.value
        and _acts(alarm, parameters.get("ActionPrefix"))
    )
    size = parameters.get("MaxRecords", _PAGE)
    shown = list(islice(found, size + 1))
    answer = _answer(shown[:size])
    if len(shown) > size:
        answer["NextToken"] = token_of(shown[size - 1][0].name)
    return Reply(answer)


def _check(parameters: Parameters) -> None:
    if "AlarmNames" in parameters and "AlarmNamePrefix" in parameters:
        raise invalid("AlarmNames and AlarmNamePrefix cannot be specified together.")
    family = [name for name in _FAMILY if name in parameters]
    others = [name for name in _FILTERS if name in parameters]
    if family and (len(family) > 1 or others):
        raise invalid(f"{family[0]} cannot be specified with {(family[1:] + others)[0]}.")


def _types(parameters: Parameters) -> set[str]:
    found = set(parameters.get("AlarmTypes", ()))
    unknown = sorted(found - _TYPES)
    if unknown:
        raise invalid(f"The value {unknown[0]} for parameter AlarmTypes is not supported.")
    return found


def _type(alarm: Alarm) -> str:
    return _COMPOSITE if isinstance(alarm, CompositeAlarm) else _METRIC


def _named(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Iterator[Pair]:
    after = _last_name(parameters)
    if "AlarmNames" not in parameters:
        prefix = parameters.get("AlarmNamePrefix", "")
        yield from all_alarms(caller, backends, prefix, after=after)
        return
    for name in sorted({one for one in parameters["AlarmNames"] if one.encode() > after.encode()}):
        known = find_alarm(name, caller, backends)
        if known is not None:
            yield known.alarm, known.state


def _acts(alarm: Alarm, prefix: str | None) -> bool:
    return prefix is None or any(
        target.startswith(prefix) for state in State for target in alarm.actions(state)
    )


def _last_name(parameters: Parameters) -> str:
    """The last name of the page before, "" for the first page."""
    place = read_token(parameters.get("NextToken"))
    if place is None:
        return ""
    if len(place) != 1 or not isinstance(place[0], str):
        raise no_token()
    return place[0]


def _answer(shown: Sequence[Pair]) -> dict[str, Any]:
    return {
        "MetricAlarms": [_told_metric(*one) for one in shown if isinstance(one[0], MetricAlarm)],
        "CompositeAlarms": [
            _told_composite(*one) for one in shown if isinstance(one[0], CompositeAlarm)
        ],
    }


def _family(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """The alarms in a composite alarm's rule, or those whose rules name an alarm."""
    if "ParentsOfAlarmName" in parameters:
        wanted = parameters["ParentsOfAlarmName"]
        parents = [
            one for one in all_alarms(caller, backends)
            if isinstance(one[0], CompositeAlarm) and wanted in _names(one[0])
        ]  # fmt: skip
        told = [{"AlarmName": alarm.name, "AlarmArn": alarm.arn} for alarm, _ in parents]
        return Reply({"CompositeAlarms": told, "MetricAlarms": []})
    known = find_alarm(parameters["ChildrenOfAlarmName"], caller, backends)
    names = _names(known.alarm) if known and isinstance(known.alarm, CompositeAlarm) else []
    found = [find_alarm(name, caller, backends) for name in sorted(names)]
    pairs = [(one.alarm, one.state) for one in found if one is not None]
    return Reply({
        "CompositeAlarms": [_briefly(*one) for one in pairs if isinstance(one[0], CompositeAlarm)],
        "MetricAlarms": [_briefly(*one) for one in pairs if isinstance(one[0], MetricAlarm)],
    })  # fmt: skip


def _names(alarm: CompositeAlarm) -> list[str]:
    return [name_of(one, alarm) for one in children(parse_rule(alarm.rule))]


def _briefly(alarm: Alarm, state: AlarmState) -> Mapping[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "StateValue": state.value,
        "StateUpdatedTimestamp": state.updated,
    }


def _told(alarm: Alarm, state: AlarmState) -> dict[str, Any]:
    told: dict[str, Any] = {"AlarmName": alarm.name, "AlarmArn": alarm.arn}
    if alarm.description is not None:
        told["AlarmDescription"] = alarm.description
    told |= {
        "AlarmConfigurationUpdatedTimestamp": alarm.updated,
        "ActionsEnabled": alarm.actions_enabled,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "StateValue": state.value,
        "StateReason": state.reason,
        "StateUpdatedTimestamp": state.updated,
        "StateTransitionedTimestamp": state.transitioned,
    }
    return told | ({"StateReasonData": state.reason_data} if state.reason_data else {})


def _told_metric(alarm: Alarm, state: AlarmState) -> Mapping[str, Any]:
    assert isinstance(alarm, MetricAlarm)
    told = _told(alarm, state)
    metric = alarm.metric
    if metric is None:
        told["Metrics"] = [told_query(query) for query in alarm.queries]
    else:
        told |= {
            "MetricName": metric.name,
            "Namespace": metric.namespace,
            "Statistic" if metric.stat in PLAIN else "ExtendedStatistic": metric.stat,
            "Dimensions": told_dimensions(metric.dimensions),
            "Period": metric.period,
        }
    optional = {
        "Unit": metric.unit if metric is not None else None,
        "DatapointsToAlarm": alarm.datapoints,
        "Threshold": alarm.threshold,
        "ThresholdMetricId": alarm.threshold_id,
        "TreatMissingData": alarm.treatment,
        "EvaluateLowSampleCountPercentile": alarm.low_samples,
    }
    told |= {name: value for name, value in optional.items() if value is not None}
    return told | {
        "EvaluationPeriods": alarm.periods,
        "ComparisonOperator": alarm.comparison,
    }


def _told_composite(alarm: Alarm, state: AlarmState) -> Mapping[str, Any]:
    assert isinstance(alarm, CompositeAlarm)
    told = _told(alarm, state) | {"AlarmRule": alarm.rule}
    if alarm.suppressor is not None:
        told["ActionsSuppressor"] = alarm.suppressor
        told["ActionsSuppressorWaitPeriod"] = alarm.wait
        told["ActionsSuppressorExtensionPeriod"] = alarm.extension
    if state.suppressed is not None:
        told["ActionsSuppressedBy"] = state.suppressed.by
        told["ActionsSuppressedReason"] = f"Actions suppressed by {state.suppressed.by}"
    return told


def describe_alarms_for_metric(
    parameters: Parameters, caller: Caller, backends: CloudWatchBackends
) -> Reply:
    """Alarms on exactly this metric; expressions over it are not looked into."""
    wanted = {
        "namespace": parameters["Namespace"],
        "name": parameters["MetricName"],
        "dimensions": dimensions_of(parameters.get("Dimensions", ())),
        "stat": parameters.get("Statistic") or parameters.get("ExtendedStatistic"),
        "period": parameters.get("Period"),
        "unit": parameters.get("Unit"),
    }
    found = [
        _told_metric(alarm, state)
        for alarm, state in all_alarms(caller, backends)
        if isinstance(alarm, MetricAlarm)
        and alarm.metric is not None
        and all(value in (None, getattr(alarm.metric, name)) for name, value in wanted.items())
    ]
    return Reply({"MetricAlarms": found})


def describe_alarm_history(
    parameters: Parameters, caller: Caller, backends: CloudWatchBackends
) -> Reply:
    """What became of alarms, also of deleted ones; two weeks of AWS's are 30 days here."""
    if "AlarmContributorId" in parameters:
        raise invalid("AlarmContributorId is not done by OpenTrail.")
    size = parameters.get("MaxRecords", _HISTORY_PAGE)
    query = HistoryQuery(
        account_id=caller.account_id,
        region=caller.region,
        name=parameters.get("AlarmName"),
        kind=_kind(parameters.get("HistoryItemType")),
        alarm_types=tuple(sorted(_types(parameters))),
        start=parameters.get("StartDate"),
        end=parameters.get("EndDate"),
        newest_first=parameters.get("ScanBy") != "TimestampAscending",
        after=_after(parameters.get("NextToken")),
        limit=size + 1,
    )
    found = _history(query, backends)
    answer: dict[str, Any] = {"AlarmHistoryItems": [_told_item(one) for one in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = token_of(found[size - 1].time, found[size - 1].id)
    return Reply(answer)


def _kind(given: str | None) -> ItemKind | None:
    if given is None:
        return None
    try:
        return ItemKind(given)
    except ValueError:
        raise ApiError("ValidationException", f"{given} is not done by OpenTrail.") from None


def _after(token: str | None) -> tuple[float, str] | None:
    place = read_token(token)
    if place is None:
        return None
    if len(place) != 2 or not isinstance(place[0], float) or not isinstance(place[1], str):
        raise no_token()
    return place[0], place[1]


def _history(query: HistoryQuery, backends: CloudWatchBackends) -> list[HistoryItem]:
    """With what the worker has not brought to the history yet."""
    # In this order: what is brought there meanwhile is in both.
    waiting = [read_change(one.body) for one in backends.state.list(CHANGE_KIND)]
    found = {item.id: item for item in backends.history.find(query)}
    for change in waiting:
        for item in change.history:
            if query.takes(item) and query.follows(item):
                found[item.id] = item
    ordered = sorted(found.values(), key=lambda item: (item.time, item.id))
    return (ordered[::-1] if query.newest_first else ordered)[: query.limit]


def _told_item(item: HistoryItem) -> Mapping[str, Any]:
    return {
        "AlarmName": item.name,
        "AlarmType": item.alarm_type,
        "Timestamp": item.time,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }
