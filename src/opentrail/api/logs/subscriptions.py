"""Subscription filters. Source: CloudWatch Logs API reference, PutSubscriptionFilter.

Destinations are the targets that OpenTrail delivers to: Lambda functions, queues, topics and
webhooks.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opentrail.alarms.filter_pattern import FilterPattern
from opentrail.alarms.metric_filter import filters_prefix
from opentrail.api.errors import ApiError
from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import find_group, invalid, key_of, too_many
from opentrail.api.logs.metric_filters import refuse_transformed, without_filter
from opentrail.api.logs.pages import answer, page
from opentrail.api.outcome import Caller, Reply
from opentrail.arn import Arn
from opentrail.errors import InvalidArn
from opentrail.logs.subscription import (
    MOST_SUBSCRIPTIONS,
    SUBSCRIPTION_KIND,
    SubscriptionFilter,
)
from opentrail.ports.state import Change
from opentrail.targets.webhook import is_webhook

_DELIVERED = ("lambda", "sqs", "sns")
_NEEDS_ROLE = ("kinesis", "firehose")


def put_subscription_filter(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """A new or changed subscription; it gets what comes in from now on."""
    _check_destination(parameters, caller)
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    FilterPattern(parameters["filterPattern"])
    refuse_transformed(parameters)
    if parameters.get("emitSystemFields"):
        raise invalid("emitSystemFields is not supported by OpenTrail.")
    filters = {one.name: one for one in _filters(filters_prefix(*key), backends)}
    before = filters.pop(parameters["filterName"], None)
    if len(filters) >= MOST_SUBSCRIPTIONS:
        raise too_many()
    made = SubscriptionFilter(
        account_id=key.account_id,
        region=key.region,
        group=key.name,
        name=parameters["filterName"],
        pattern=parameters["filterPattern"],
        destination_arn=parameters["destinationArn"],
        role_arn=parameters.get("roleArn", ""),
        distribution=parameters.get("distribution", "ByLogStream"),
        created=milliseconds(caller) if before is None else before.created,
        not_before=backends.journal.end(),
        since=milliseconds(caller),
        replaced=None if before is None else msgspec.structs.replace(before, replaced=None),
    )
    return Reply({}, (Change(SUBSCRIPTION_KIND, made.state_key, msgspec.json.encode(made)),))


def _check_destination(parameters: Parameters, caller: Caller) -> None:
    destination = parameters["destinationArn"]
    if is_webhook(destination):
        return
    try:
        arn = Arn.parse(destination)
    except InvalidArn:
        raise invalid(f"destinationArn {destination[:200]!r} is not an ARN") from None
    if arn.service == "lambda" and arn.account != caller.account_id:
        raise ApiError(
            "AccessDeniedException",
            "Cross-account lambda invocation passing is not allowed. You must use "
            "DestinationPolicies to create cross account lambda triggers.",
        )
    if arn.service in _NEEDS_ROLE and not parameters.get("roleArn"):
        raise invalid(f"destinationArn for vendor {arn.service} cannot be used without roleArn")
    if arn.service not in _DELIVERED:
        raise invalid(
            f"destinationArn for vendor {arn.service} is not supported by OpenTrail; expected one "
            f"for {', '.join(_DELIVERED)}, or the URL of a webhook"
        )


def describe_subscription_filters(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """The subscriptions of a group."""
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    prefix = filters_prefix(*key) + parameters.get("filterNamePrefix", "")
    shown, token = page(_filters(prefix, backends), lambda one: (one.name,), parameters)
    return Reply(answer("subscriptionFilters", [_told(one) for one in shown], token))


def delete_subscription_filter(
    parameters: Parameters, caller: Caller, backends: LogsBackends
) -> Reply:
    """The subscription is gone."""
    what = "subscription filter"
    return without_filter(SUBSCRIPTION_KIND, what, parameters, caller, backends)


def _filters(prefix: str, backends: LogsBackends) -> list[SubscriptionFilter]:
    documents = backends.state.list(SUBSCRIPTION_KIND, prefix)
    return [msgspec.json.decode(one.body, type=SubscriptionFilter) for one in documents]


def _told(one: SubscriptionFilter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "filterName": one.name,
        "logGroupName": one.group,
        "filterPattern": one.pattern,
        "destinationArn": one.destination_arn,
        "distribution": one.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": one.created,
    }
    return told | ({"roleArn": one.role_arn} if one.role_arn else {})
