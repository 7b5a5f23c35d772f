"""PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter and TestMetricFilter.

Source: CloudWatch Logs API reference; quotas of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.alarms.metric_filter import (
    METRIC_FILTER_KIND,
    CompiledMetricFilter,
    MetricFilter,
    filters_prefix,
)
from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import find_group, invalid, key_of, not_found, too_many
from opentrail.api.logs.pages import answer, page
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.state import Change

MOST_FILTERS = 100
MOST_WITH_REGEX = 5
"""Of a log group."""


def put_metric_filter(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A new or changed filter; it counts what comes in from now on."""
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    (transformation,) = parameters["metricTransformations"]
    refuse_transformed(parameters)
    filters = {one.name: one for one in filters_of(filters_prefix(*key), backends)}
    before = filters.pop(parameters["filterName"], None)
    made = MetricFilter(
        account_id=key.account_id,
        region=key.region,
        group=key.name,
        name=parameters["filterName"],
        pattern=parameters["filterPattern"],
        metric_namespace=transformation["metricNamespace"],
        metric_name=transformation["metricName"],
        value=transformation["metricValue"],
        default=_default(transformation),
        unit=transformation.get("unit", ""),
        dimensions=tuple(sorted(transformation.get("dimensions", {}).items())),
        system_fields=tuple(parameters.get("emitSystemFieldDimensions", ())),
        created=milliseconds(caller) if before is None else before.created,
        not_before=backends.journal.end(),
        since=milliseconds(caller),
        replaced=None if before is None else msgspec.structs.replace(before, replaced=None),
    )
    compiled = CompiledMetricFilter(made)
    with_regex = sum(FilterPattern(one.pattern).has_regex for one in filters.values())
    if len(filters) >= MOST_FILTERS or (
        compiled.pattern.has_regex and with_regex >= MOST_WITH_REGEX
    ):
        raise too_many()
    return Reply({}, (Change(METRIC_FILTER_KIND, made.state_key, msgspec.json.encode(made)),))


def _default(transformation: Mapping[str, Any]) -> float | None:
    value = transformation.get("defaultValue")
    try:
        return None if value is None else float(value)
    except OverflowError:
        raise invalid("defaultValue is not within 2^360 of 0") from None


def refuse_transformed(parameters: Parameters) -> None:
    """Nothing, unless a filter asks for what groups here do not have.

    Raises:
        ApiError: InvalidParameterException.
    """
    if parameters.get("applyOnTransformedLogs"):
        raise invalid("applyOnTransformedLogs: log groups have no transformers in OpenTrail.")
    if parameters.get("fieldSelectionCriteria"):
        raise invalid("fieldSelectionCriteria is not supported by OpenTrail.")


def describe_metric_filters(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """Filters of a group, or of a metric, or all."""
    name, namespace = parameters.get("metricName"), parameters.get("metricNamespace")
    if (name is None) != (namespace is None):
        raise invalid("metricName and metricNamespace must be given together.")
    group = parameters.get("logGroupName")
    prefix = f"{caller.account_id}/{caller.region}/"
    if group is not None:
        key = key_of(group, caller)
        find_group(key, backends)
        prefix = filters_prefix(*key)
    start = parameters.get("filterNamePrefix", "")
    found = [
        one
        for one in filters_of(prefix, backends)
        if one.name.startswith(start)
        and (name is None or (one.metric_name, one.metric_namespace) == (name, namespace))
    ]
    shown, token = page(found, lambda one: (one.name, one.group), parameters)
    return Reply(answer("metricFilters", [_told(one) for one in shown], token))


def filters_of(prefix: str, backends: LogsBackends) -> list[MetricFilter]:
    """The filters whose keys begin so."""
    documents = backends.state.list(METRIC_FILTER_KIND, prefix)
    return [msgspec.json.decode(one.body, type=MetricFilter) for one in documents]


def _told(one: MetricFilter) -> dict[str, Any]:
    transformation: dict[str, Any] = {
        "metricName": one.metric_name,
        "metricNamespace": one.metric_namespace,
        "metricValue": one.value,
    }
    if one.default is not None:
        transformation["defaultValue"] = one.default
    if one.dimensions:
        transformation["dimensions"] = dict(one.dimensions)
    if one.unit:
        transformation["unit"] = one.unit
    told: dict[str, Any] = {
        "filterName": one.name,
        "filterPattern": one.pattern,
        "metricTransformations": [transformation],
        "creationTime": one.created,
        "logGroupName": one.group,
        "applyOnTransformedLogs": False,
    }
    if one.system_fields:
        told["emitSystemFieldDimensions"] = list(one.system_fields)
    return told


def delete_metric_filter(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The filter is gone; its datapoints stay."""
    return without_filter(METRIC_FILTER_KIND, "metric filter", parameters, caller, backends)


def without_filter(
    kind: str, what: str, parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """A group's filter of that kind, which errors call `what`, is gone.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    state_key = filters_prefix(*key) + parameters["filterName"]
    document = backends.state.get(kind, state_key)
    if document is None:
        raise not_found(what)
    return Reply({}, (Change(kind, state_key, None, expected=document.version),))


def test_metric_filter(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:  # noqa: ARG001 - a handler's
    """Which of some messages a pattern matches, and what it reads in them."""
    pattern = FilterPattern(parameters["filterPattern"])
    matches = []
    for number, text in enumerate(parameters["logEventMessages"], 1):
        message = LogMessage(text)
        if pattern.matches(message):
            extracted = pattern.extracted(message)
            matches.append(
                {"eventNumber": number, "eventMessage": text, "extractedValues": extracted}
            )
    return Reply({"matches": matches})
