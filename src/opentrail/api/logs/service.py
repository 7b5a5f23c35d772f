"""CloudWatch Logs as a service answered here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.logs import (
    events,
    groups,
    metric_filters,
    streams,
    subscriptions,
    tags,
)
from opentrail.api.logs.backends import Handler, LogsBackends, Parameters
from opentrail.api.outcome import Caller, Reply
from opentrail.api.services import Service, bound
from opentrail.api.validate import Problem
from opentrail.errors import InvalidInput
from opentrail.logs.names import LONGEST_NAME, GroupKey

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

_ARN_MEMBERS = ("logGroupIdentifier", "resourceArn", "resourceIdentifier")
_NAMES = ("logGroupName", "logStreamName")


def logs_service(backends: LogsBackends, others: Mapping[str, Any] | None = None) -> Service:
    """CloudWatch Logs.

    Args:
        others: Answers of further operations, by name.
    """
    answers = bound({name: _told(handler) for name, handler in HANDLERS.items()}, backends)
    return Service(
        name="logs",
        model="logs",
        answers=answers | dict(others or {}),
        code_of=_code_of,
        resources=_resources,
        passes=_passed_role,
        max_body_bytes=MAX_BODY_BYTES,
    )


def _told(handler: Handler) -> Handler:
    """The handler, with what is wrong in its input told as CloudWatch Logs tells it."""

    def told(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
        try:
            return handler(parameters, caller, backends)
        except InvalidInput as problem:
            raise ApiError("InvalidParameterException", str(problem)) from None

    return told


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


def _resources(operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:
    name = parameters.get("logGroupName")
    if isinstance(name, str) and name:
        key = GroupKey(caller.account_id, caller.region, name)
        stream = parameters.get("logStreamName")
        return (key.stream_arn(str(stream)) if stream else f"{key.arn}:*",)
    for member in _ARN_MEMBERS:
        named = parameters.get(member)
        if isinstance(named, str) and named:
            is_arn = named.startswith("arn:")
            arn = named if is_arn else GroupKey(caller.account_id, caller.region, named).arn
            return (arn,)
    for member in ("logGroupNames", "logGroupIdentifiers"):
        listed = parameters.get(member)
        if operation == "StartQuery" and isinstance(listed, list) and listed:
            return [_arn_of(str(one), caller) for one in listed]
    if operation in ("DescribeLogGroups", "ListLogGroups", "DescribeMetricFilters"):
        return (f"{GroupKey(caller.account_id, caller.region, '*').arn}:*",)
    return ("*",)


def _arn_of(named: str, caller: Caller) -> str:
    if named.startswith("arn:"):
        return named
    return f"{GroupKey(caller.account_id, caller.region, named).arn}:*"
