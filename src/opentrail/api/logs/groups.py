"""Log groups: making, showing and removing them, retention, keys, protection and resource policies.

Source: CloudWatch Logs API reference; botocore's model is the authority on shapes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opentrail.alarms.metric_filter import METRIC_FILTER_KIND, filters_prefix
from opentrail.api.errors import ApiError
from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import (
    exists_already,
    find_group,
    invalid,
    key_in,
    key_of,
    key_of_identifier,
    saved,
    too_many,
)
from opentrail.api.logs.pages import answer, page
from opentrail.api.outcome import Caller, Reply
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup, check_retention
from opentrail.logs.names import GroupKey
from opentrail.logs.subscription import SUBSCRIPTION_KIND
from opentrail.ports.log_events import log_groups
from opentrail.ports.state import Change
from opentrail.trail.feeds import FEED_KIND, feed_prefix

POLICY_KIND = "log_resource_policy"
"""The state documents of resource policies, keyed by `account/region/name`."""

MOST_POLICIES = 10


def create_log_group(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A new group."""
    key = key_of(parameters["logGroupName"], caller)
    if backends.state.get(LOG_GROUP_KIND, key.state_key) is not None:
        raise exists_already("log group")
    # Of another group of that name, which was deleted.
    backends.log_events.delete_group(key)
    made = LogGroup(
        account_id=key.account_id,
        region=key.region,
        name=key.name,
        created=milliseconds(caller),
        kms_key_arn=parameters.get("kmsKeyId", ""),
        log_group_class=parameters.get("logGroupClass", "STANDARD"),
        tags=tuple(sorted(parameters.get("tags", {}).items())),
        is_protected=parameters.get("deletionProtectionEnabled", False),
    )
    return Reply({}, (saved(made, 0),))


def delete_log_group(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The group is gone with its filters, and nobody sees its streams and events any more.

    Those are forgotten later (workers.logs.expiring): were they deleted before the change is kept,
    a crash in between would take them from a group that is still there. The store keeps a trail's
    records.
    """
    key = key_of(parameters["logGroupName"], caller)
    group, version = find_group(key, backends)
    if group.is_protected:
        raise ApiError(
            "ValidationException", f"Deletion protection is enabled for log group {key.name}."
        )
    prefix = filters_prefix(*key)
    gone = [Change(LOG_GROUP_KIND, key.state_key, None, expected=version)]
    for kind, start in (
        (METRIC_FILTER_KIND, prefix),
        (SUBSCRIPTION_KIND, prefix),
        (FEED_KIND, feed_prefix(key.arn)),
    ):
        gone += [Change(kind, one.key, None) for one in backends.state.list(kind, start)]
    return Reply({}, tuple(gone))


def describe_log_groups(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Groups by name."""
    prefix, pattern = parameters.get("logGroupNamePrefix"), parameters.get("logGroupNamePattern")
    if prefix and pattern:
        raise invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    found = groups_of(caller, backends, prefix or "")
    wanted = parameters.get("logGroupIdentifiers")
    if wanted:
        named = {key_of_identifier(one, caller) for one in wanted}
        found = [one for one in found if one.key in named]
    kind = parameters.get("logGroupClass")
    folded = (pattern or "").lower()
    found = [
        one for one in found if folded in one.name.lower() and kind in (None, one.log_group_class)
    ]
    shown, token = page(found, lambda one: (one.name,), parameters)
    sizes = backends.log_events.stored_bytes([one.key for one in shown])
    told = [_group(one, sizes.get(one.key, 0), backends) for one in shown]
    return Reply(answer("logGroups", told, token))


def list_log_groups(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Groups by name, briefly."""
    pattern = parameters.get("logGroupNamePattern", "")
    starts = pattern.startswith("^")
    wanted = pattern.removeprefix("^").lower()
    kind = parameters.get("logGroupClass")
    found = [
        one
        for one in groups_of(caller, backends)
        if (one.name.lower().startswith(wanted) if starts else wanted in one.name.lower())
        and kind in (None, one.log_group_class)
    ]
    shown, token = page(found, lambda one: (one.name,), parameters)
    told = [
        {
            "logGroupName": one.name,
            "logGroupArn": one.key.arn,
            "logGroupClass": one.log_group_class,
        }
        for one in shown
    ]
    return Reply(answer("logGroups", told, token))


def groups_of(caller: Caller, backends: LogsBackends, prefix: str = "") -> list[LogGroup]:
    """The groups of the caller's account and region whose names begin so."""
    start = GroupKey(caller.account_id, caller.region, prefix).state_key
    return log_groups(backends.state, start)


def _group(group: LogGroup, stored_bytes: int, backends: LogsBackends) -> dict[str, Any]:
    prefix = filters_prefix(*group.key)
    told: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": len(backends.state.list(METRIC_FILTER_KIND, prefix)),
        "arn": f"{group.key.arn}:*",
        "storedBytes": stored_bytes,
        "logGroupClass": group.log_group_class,
        "logGroupArn": group.key.arn,
        "deletionProtectionEnabled": group.is_protected,
    }
    if group.retention_days is not None:
        told["retentionInDays"] = group.retention_days
    if group.kms_key_arn:
        told["kmsKeyId"] = group.kms_key_arn
    return told


def put_retention_policy(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Older events are shown no longer, and those of PutLogEvents go."""
    days = parameters["retentionInDays"]
    check_retention(days)
    return _changed(key_of(parameters["logGroupName"], caller), backends, retention_days=days)


def delete_retention_policy(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """Events are kept for ever."""
    return _changed(key_of(parameters["logGroupName"], caller), backends, retention_days=None)


def associate_kms_key(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The key is told of the group; events are not encrypted."""
    key = key_of_resource(parameters, caller)
    return _changed(key, backends, kms_key_arn=parameters["kmsKeyId"])


def disassociate_kms_key(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The group has no key."""
    return _changed(key_of_resource(parameters, caller), backends, kms_key_arn="")


def put_deletion_protection(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """Whether the group can be deleted."""
    enabled = parameters["deletionProtectionEnabled"]
    return _changed(key_in(parameters, caller), backends, is_protected=enabled)


def key_of_resource(parameters: Parameters, caller: Caller) -> GroupKey:
    """The group of `logGroupName` or `resourceIdentifier`.

    Raises:
        ApiError: neither is given, or the second is no group's ARN.
    """
    name, identifier = parameters.get("logGroupName"), parameters.get("resourceIdentifier")
    if bool(name) == bool(identifier):
        raise invalid("Either logGroupName or resourceIdentifier is needed.")
    return key_of(name, caller) if name else key_of_identifier(str(identifier), caller)


def _changed(key: GroupKey, backends: LogsBackends, **values: Any) -> Reply:
    group, version = find_group(key, backends)
    return Reply({}, (saved(msgspec.structs.replace(group, **values), version),))


# Resource policies: who else may write; kept and shown, and asked of nobody.


class ResourcePolicy(msgspec.Struct, frozen=True):
    """A policy document by name; the time in milliseconds."""

    name: str
    document: str
    updated: int


def put_resource_policy(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A new or changed policy."""
    name, document = parameters.get("policyName"), parameters.get("policyDocument")
    if not name or not document:
        raise invalid("policyName and policyDocument are needed.")
    prefix = f"{caller.account_id}/{caller.region}/"
    others = [one for one in backends.state.list(POLICY_KIND, prefix) if one.key != prefix + name]
    if len(others) >= MOST_POLICIES:
        raise too_many()
    made = ResourcePolicy(name, document, milliseconds(caller))
    change = Change(POLICY_KIND, prefix + name, msgspec.json.encode(made))
    return Reply({"resourcePolicy": _policy(made)}, (change,))


def describe_resource_policies(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """All policies."""
    documents = backends.state.list(POLICY_KIND, f"{caller.account_id}/{caller.region}/")
    found = [msgspec.json.decode(one.body, type=ResourcePolicy) for one in documents]
    shown, token = page(found, lambda one: (one.name,), parameters)
    return Reply(answer("resourcePolicies", [_policy(one) for one in shown], token))


def delete_resource_policy(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The policy is gone."""
    name = parameters.get("policyName", "")
    key = f"{caller.account_id}/{caller.region}/{name}"
    document = backends.state.get(POLICY_KIND, key)
    if document is None:
        raise ApiError("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    return Reply({}, (Change(POLICY_KIND, key, None, expected=document.version),))


def _policy(policy: ResourcePolicy) -> dict[str, Any]:
    return {
        "policyName": policy.name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated,
    }
