"""PutMetricAlarm's and PutCompositeAlarm's members as alarms, checked.

Source: CloudWatch API reference, PutMetricAlarm; messages as AWS was seen to give them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from opentrail.alarms.alarm import (
    Comparison,
    CompositeAlarm,
    MetricAlarm,
    MetricQuery,
    MetricStat,
    Treatment,
)
from opentrail.alarms.composite import InvalidRule, parse_rule
from opentrail.alarms.metric_math import (
    EmptyArray,
    Environment,
    InvalidExpression,
    Line,
    evaluated,
    parse_expression,
    references,
)
from opentrail.alarms.statistics import percentile_of
from opentrail.api.cloudwatch.backends import invalid
from opentrail.api.cloudwatch.metric_input import check_statistic, dimensions_of, queries_of
from opentrail.api.outcome import Caller
from opentrail.arn import Arn
from opentrail.errors import InvalidArn
from opentrail.targets.mail import is_mail
from opentrail.targets.webhook import InvalidUrl, is_webhook, parse_url

MOST_METRICS = 10
"""Metrics that the expressions of one alarm may use."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DAY, _WEEK = 86_400, 604_800
_SINGLE = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "Dimensions",
)
_NOT_DONE = (
    "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval",
    "ActionConfiguration",
)  # fmt: skip
_ACTIONS = {"sns", "lambda", "sqs", "logs"}
"""Services whose ARNs may be told; URLs are webhooks, `mailto:` is e-mail."""


def metric_alarm_of(parameters: Mapping[str, Any], caller: Caller) -> MetricAlarm:
    """The alarm that is asked for, as if it were new.

    Raises:
        ApiError: ValidationException.
    """
    _refuse_not_done(parameters)
    queries = parameters.get("Metrics")
    alarm = MetricAlarm(
        **_common(parameters, caller),
        metric=_metric(parameters) if queries is None else None,
        queries=() if queries is None else _queries(parameters, queries, caller),
        periods=_given(parameters, "EvaluationPeriods"),
        datapoints=parameters.get("DatapointsToAlarm"),
        threshold=parameters.get("Threshold"),
        threshold_id=parameters.get("ThresholdMetricId"),
        comparison=Comparison(_given(parameters, "ComparisonOperator")),
        treatment=_treatment(parameters),
        low_samples=parameters.get("EvaluateLowSampleCountPercentile"),
    )
    _check_periods(alarm)
    _check_threshold(alarm)
    _check_low_samples(alarm)
    if alarm.queries:
        _check_queries(alarm)
    return alarm


def composite_alarm_of(parameters: Mapping[str, Any], caller: Caller) -> CompositeAlarm:
    """The alarm that is asked for, as if it were new; whether others exist is not checked.

    Raises:
        ApiError: ValidationException.
    """
    _refuse_not_done(parameters)
    try:
        parse_rule(parameters["AlarmRule"])
    except InvalidRule as problem:
        raise invalid(str(problem)) from None
    suppressor = parameters.get("ActionsSuppressor")
    wait = parameters.get("ActionsSuppressorWaitPeriod")
    extension = parameters.get("ActionsSuppressorExtensionPeriod")
    if len({one is None for one in (suppressor, wait, extension)}) != 1:
        raise invalid(
            "ActionsSuppressor, ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod "
            "must be given together."
        )
    if any(one is not None and one < 0 for one in (wait, extension)):
        raise invalid("The periods of an ActionsSuppressor must not be below 0.")
    return CompositeAlarm(
        **_common(parameters, caller),
        rule=parameters["AlarmRule"],
        suppressor=suppressor,
        wait=wait,
        extension=extension,
    )


def _common(parameters: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    now = round(caller.now.timestamp(), 3)
    if _CONTROL.search(parameters["AlarmName"]):
        raise invalid("AlarmName must not contain control characters.")
    return {
        "account_id": caller.account_id,
        "region": caller.region,
        "name": parameters["AlarmName"],
        "description": parameters.get("AlarmDescription"),
        "actions_enabled": parameters.get("ActionsEnabled", True),
        "ok_actions": _actions(parameters, "OKActions", caller),
        "alarm_actions": _actions(parameters, "AlarmActions", caller),
        "insufficient_data_actions": _actions(parameters, "InsufficientDataActions", caller),
        "tags": tags_of(parameters.get("Tags", ())),
        "updated": now,
        "created": now,
    }


def _refuse_not_done(parameters: Mapping[str, Any]) -> None:
    for name in _NOT_DONE:
        if name in parameters:
            raise invalid(f"{name} is not done by OpenTrail.")


def _given(parameters: Mapping[str, Any], name: str) -> Any:
    if name not in parameters:
        raise invalid(f"The parameter {name} must be specified.")
    return parameters[name]


def _actions(parameters: Mapping[str, Any], name: str, caller: Caller) -> tuple[str, ...]:
    found = tuple(parameters.get(name, ()))
    for target in found:
        _check_action(target, caller)
    return found


def _check_action(target: str, caller: Caller) -> None:
    if is_mail(target):
        return
    if is_webhook(target):
        _check_url(target)
        return
    try:
        arn = Arn.parse(target)
    except InvalidArn:
        raise invalid(f"Invalid arn syntax: {target[:200]}") from None
    if arn.service not in _ACTIONS:
        raise invalid(f"Unsupported AWS vendor {arn.service}")
    if arn.region != caller.region:
        raise invalid(f"Invalid region {arn.region} specified. Only {caller.region} is supported.")


def _check_url(target: str) -> None:
    try:
        parse_url(target)
    except InvalidUrl as problem:
        raise invalid(str(problem)) from None


def tags_of(given: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """Tags, each key once.

    Raises:
        ApiError: more than 50, one that is AWS's own, or a key twice.
    """
    keys = [one["Key"] for one in given]
    if len(keys) > 50 or len(set(keys)) != len(keys):
        raise invalid("At most 50 tags are allowed, each key once.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Keys of tags must not begin with aws:")
    return tuple(sorted((one["Key"], one["Value"]) for one in given))


def _metric(parameters: Mapping[str, Any]) -> MetricStat:
    stats = [parameters[name] for name in ("Statistic", "ExtendedStatistic") if name in parameters]
    if len(stats) != 1:
        raise invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")
    if "ExtendedStatistic" in parameters:
        check_statistic(stats[0], "ExtendedStatistic")
    period = _given(parameters, "Period")
    _check_period(period)
    return MetricStat(
        namespace=_given(parameters, "Namespace"),
        name=_given(parameters, "MetricName"),
        dimensions=dimensions_of(parameters.get("Dimensions", ())),
        period=period,
        stat=stats[0],
        unit=parameters.get("Unit"),
    )


def _check_period(period: int) -> None:
    if period not in (10, 20, 30) and period % 60:
        raise invalid("Period must be 10, 20, 30 or a multiple of 60")


def _treatment(parameters: Mapping[str, Any]) -> Treatment | None:
    given = parameters.get("TreatMissingData")
    if given is None:
        return None
    if given not in set(Treatment):
        raise invalid(f"The value {given} for parameter TreatMissingData is not supported.")
    return Treatment(given)


def _check_periods(alarm: MetricAlarm) -> None:
    if alarm.datapoints is not None and alarm.datapoints > alarm.periods:
        raise invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    whole = alarm.period * alarm.periods
    if alarm.period < 3600 and whole > _DAY:
        raise invalid(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be "
            f"<= {_DAY}) for alarms using period < 3600"
        )
    if whole > _WEEK:
        raise invalid(
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be "
            f"<= {_WEEK})"
        )


def _check_threshold(alarm: MetricAlarm) -> None:
    if not alarm.comparison.has_band:
        if alarm.threshold is None or not isfinite(alarm.threshold):
            raise invalid("The parameter Threshold must be a number.")
        if alarm.threshold_id is not None:
            raise invalid(f"ThresholdMetricId cannot be used with {alarm.comparison}.")
        return
    if alarm.threshold is not None or alarm.threshold_id is None:
        raise invalid(f"{alarm.comparison} takes a ThresholdMetricId and no Threshold.")
    matching = [one for one in alarm.queries if one.id == alarm.threshold_id]
    if not matching or matching[0].return_data is False or matching[0].expression is None:
        raise invalid(
            "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter"
        )


def _check_low_samples(alarm: MetricAlarm) -> None:
    if alarm.low_samples is None:
        return
    if alarm.low_samples not in ("evaluate", "ignore"):
        raise invalid(
            f"The value {alarm.low_samples} for parameter EvaluateLowSampleCountPercentile is not "
            "supported."
        )
    stat = alarm.metric.stat if alarm.metric is not None else ""
    if percentile_of(stat) is None:
        raise invalid(
            "Option evaluateLowSampleCountPercentile can not be applied with statistic "
            f"{stat or 'of a metrics list'}."
        )


def _queries(
    parameters: Mapping[str, Any], given: Sequence[Mapping[str, Any]], caller: Caller
) -> tuple[MetricQuery, ...]:
    for name in _SINGLE:
        if name in parameters:
            raise invalid(f"The parameters Metrics and {name} are mutually exclusive.")
    if not given:
        raise invalid("The parameter Metrics must not be empty.")
    found = queries_of(given, caller.account_id)
    stats = [query.stat for query in found if query.stat is not None]
    if not stats or len(stats) > MOST_METRICS:
        raise invalid(f"Metrics has {len(stats)} metrics; 1 to {MOST_METRICS} are allowed.")
    if len(found) > 2 * MOST_METRICS:
        raise invalid(f"Metrics has {len(found)} queries; {2 * MOST_METRICS} are allowed.")
    for stat in stats:
        _check_period(stat.period)
    if len({stat.period for stat in stats}) > 1:
        raise invalid("The metrics of an alarm must have the same period.")
    return found


def _check_queries(alarm: MetricAlarm) -> None:
    shown = [
        query for query in alarm.queries
        if query.return_data is not False and query.id != alarm.threshold_id
    ]  # fmt: skip
    if len(shown) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")
    period = alarm.period
    nothing = {query.id: Line({}, period) for query in alarm.queries if query.stat is not None}
    expressions = {one.id: one.expression for one in alarm.queries if one.expression is not None}
    environment = Environment(
        nothing, expressions, range(0, period, period), lambda *_: (Line({}, period),) * 2
    )
    for name, expression in expressions.items():
        _check_expression(environment, name, expression, bands=name == alarm.threshold_id)
    if alarm.threshold_id is not None and not _is_band(expressions[alarm.threshold_id]):
        raise invalid("The metric of ThresholdMetricId must be an ANOMALY_DETECTION_BAND.")


def _is_band(expression: str) -> bool:
    return expression.lstrip().upper().startswith("ANOMALY_DETECTION_BAND")


def _check_expression(environment: Environment, name: str, expression: str, *, bands: bool) -> None:
    if expression.lstrip().upper().startswith("SEARCH"):
        raise invalid("SEARCH is not supported on Metric Alarms")
    try:
        known = set(references(parse_expression(expression)))
        found = evaluated(environment, name)
    except EmptyArray:
        # FIRST(REMOVE_EMPTY(METRICS())) is right, though there are no datapoints here.
        return
    except InvalidExpression as problem:
        raise invalid(f"Error in expression '{name}': {problem}") from None
    if not bands and len(found) > 1:
        raise invalid(
            f"The expression '{name}' over {', '.join(sorted(known)) or 'metrics'} comes to "
            f"{len(found)} time series; an alarm takes one."
        )
