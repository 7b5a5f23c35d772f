"""CloudWatch Logs as a service answered here."""

from __future__ import annotations

from collections.abc import Iterable

from opentrail.api.errors import ApiError
from opentrail.api.logs import (
    events,
    groups,
    insights,
    metric_filters,
    streams,
    subscriptions,
    tags,
)
from opentrail.api.logs.backends import Handler, Parameters
from opentrail.api.logs.queries import QueriesBackends
from opentrail.api.logs.rights import Rights
from opentrail.api.services import Service, bound
from opentrail.api.validate import Problem
from opentrail.logs.names import LONGEST_NAME

HANDLERS: dict[str, Handler] = {
    "AssociateKmsKey": groups.associate_kms_key,
    "CreateLogGroup": groups.create_log_group,
    "CreateLogStream": streams.create_log_stream,
    "DeleteLogGroup": groups.delete_log_group,
    "DeleteLogStream": streams.delete_log_stream,
    "DeleteMetricFilter": metric_filters.delete_metric_filter,
    "DeleteResourcePolicy": groups.delete_resource_policy,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "DeleteSubscriptionFilter": subscriptions.delete_subscription_filter,
    "DescribeLogGroups": groups.describe_log_groups,
    "DescribeLogStreams": streams.describe_log_streams,
    "DescribeMetricFilters": metric_filters.describe_metric_filters,
    "DescribeResourcePolicies": groups.describe_resource_policies,
    "DescribeSubscriptionFilters": subscriptions.describe_subscription_filters,
    "DisassociateKmsKey": groups.disassociate_kms_key,
    "FilterLogEvents": events.filter_log_events,
    "GetLogEvents": events.get_log_events,
    "ListLogGroups": groups.list_log_groups,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTagsLogGroup": tags.list_tags_log_group,
    "PutLogEvents": events.put_log_events,
    "PutLogGroupDeletionProtection": groups.put_deletion_protection,
    "PutMetricFilter": metric_filters.put_metric_filter,
    "PutResourcePolicy": groups.put_resource_policy,
    "PutRetentionPolicy": groups.put_retention_policy,
    "PutSubscriptionFilter": subscriptions.put_subscription_filter,
    "TagLogGroup": tags.tag_log_group,
    "TagResource": tags.tag_resource,
    "TestMetricFilter": metric_filters.test_metric_filter,
    "UntagLogGroup": tags.untag_log_group,
    "UntagResource": tags.untag_resource,
}

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A megabyte of messages in JSON: quotation marks take two bytes, control characters six."""

_NAMES = ("logGroupName", "logStreamName")


def logs_service(backends: QueriesBackends) -> Service:
    """CloudWatch Logs, with Logs Insights."""
    invalid = "InvalidParameterException"
    return Service(
        name="logs",
        model="logs",
        answers=bound(HANDLERS, backends.logs, invalid=invalid)
        | bound(insights.HANDLERS, backends, invalid=invalid),
        code_of=_code_of,
        resources=Rights(backends).resources,
        passes=_passed_role,
        max_body_bytes=MAX_BODY_BYTES,
    )


def _code_of(operation: str, problem: Problem) -> str:  # noqa: ARG001 - as Service.code_of
    if problem.is_type:
        return "SerializationException"
    too_long = f"less than or equal to {LONGEST_NAME}"
    if problem.member in _NAMES and problem.message.endswith(too_long):
        raise ApiError(
            "InvalidParameterException",
            "Invalid LogGroup or LogStream, both must have length less than or equal to "
            f"{LONGEST_NAME}.",
        )
    return "InvalidParameterException"


def _passed_role(operation: str, parameters: Parameters) -> Iterable[str]:
    role = parameters.get("roleArn")
    return (role,) if operation == "PutSubscriptionFilter" and isinstance(role, str) else ()
