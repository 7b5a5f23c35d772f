"""CloudWatch as a service answered here: who answers what, with which errors and rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentrail.alarms.alarm import alarm_arn
from opentrail.api.cloudwatch.alarms import (
    Switch,
    delete_alarms,
    put_composite_alarm,
    put_metric_alarm,
    set_alarm_state,
)
from opentrail.api.cloudwatch.backends import CloudWatchBackends, Handler, Parameters
from opentrail.api.cloudwatch.dashboards import (
    dashboard_arn,
    delete_dashboards,
    get_dashboard,
    list_dashboards,
    list_tags,
    put_dashboard,
    tag_resource,
    untag_resource,
)
from opentrail.api.cloudwatch.describe import (
    describe_alarm_history,
    describe_alarms,
    describe_alarms_for_metric,
)
from opentrail.api.cloudwatch.get_metrics import get_metric_data, get_metric_statistics
from opentrail.api.cloudwatch.put_metrics import list_metrics, put_metric_data
from opentrail.api.outcome import Caller
from opentrail.api.services import Service, bound, plain_code
from opentrail.api.validate import Problem

HANDLERS: Mapping[str, Handler] = {
    "DeleteAlarms": delete_alarms,
    "DeleteDashboards": delete_dashboards,
    "DescribeAlarmHistory": describe_alarm_history,
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
    "DisableAlarmActions": Switch(on=False),
    "EnableAlarmActions": Switch(on=True),
    "GetDashboard": get_dashboard,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListDashboards": list_dashboards,
    "ListMetrics": list_metrics,
    "ListTagsForResource": list_tags,
    "PutCompositeAlarm": put_composite_alarm,
    "PutDashboard": put_dashboard,
    "PutMetricAlarm": put_metric_alarm,
    "PutMetricData": put_metric_data,
    "SetAlarmState": set_alarm_state,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}

_WITH_PARAMETER_ERRORS = frozenset({
    "DeleteDashboards", "GetDashboard", "GetMetricStatistics", "ListDashboards", "ListMetrics",
    "ListTagsForResource", "PutDashboard", "PutMetricData", "TagResource", "UntagResource",
})  # fmt: skip
"""Operations whose models have InvalidParameterValueException; others have ValidationException."""
_WITH_MISSING_ERROR = frozenset({"GetMetricStatistics", "PutMetricData"})


def _code(operation: str, problem: Problem) -> str:
    if problem.is_type or operation not in _WITH_PARAMETER_ERRORS:
        return plain_code(operation, problem)
    missing = problem.message.endswith("Member must not be null")
    if missing and operation in _WITH_MISSING_ERROR:
        return "MissingRequiredParameterException"
    return "InvalidParameterValueException"


def _resources(operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:
    """The ARNs that rights are asked for; metrics have none.

    Source: service authorization reference, "Actions defined by Amazon CloudWatch".
    """
    account, region = caller.account_id, caller.region
    if operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        return (str(parameters.get("ResourceARN", "*")),)
    if "Dashboard" in operation and operation != "ListDashboards":
        names = _named(parameters, "Dashboard") or ("*",)
        return tuple(dashboard_arn(account, region, one) for one in names)
    if "Alarm" in operation and operation != "DescribeAlarmsForMetric":
        names = _named(parameters, "Alarm") or ("*",)
        return tuple(alarm_arn(account, region, one) for one in names)
    return ("*",)


def _named(parameters: Parameters, kind: str) -> tuple[str, ...]:
    one, many = parameters.get(f"{kind}Name"), parameters.get(f"{kind}Names")
    if one is not None:
        return (str(one),)
    return tuple(str(name) for name in many) if isinstance(many, list) else ()


def cloudwatch_service(backends: CloudWatchBackends) -> Service:
    """CloudWatch's operations."""
    return Service(
        name="monitoring",
        model="cloudwatch",
        answers=bound(HANDLERS, backends),
        code_of=_code,
        resources=_resources,
    )
