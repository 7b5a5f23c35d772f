"""What a subscriber may be, and what may be set of a subscription. Source: SNS API, Subscribe."""

from __future__ import annotations

import json
from collections.abc import Mapping

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.api.sns.backends import invalid
from opentrail.api.sns.topics import check_retries
from opentrail.arn import Arn
from opentrail.errors import InvalidArn, InvalidInput
from opentrail.rules.pattern import parse_pattern
from opentrail.targets.mail import MAILTO, is_mail
from opentrail.targets.topic import Protocol, Subscription, Topic, redrive_queue
from opentrail.targets.webhook import parse_url

_SERVICES = {Protocol.SQS: "sqs", Protocol.LAMBDA: "lambda"}
_RAW = frozenset({Protocol.SQS, Protocol.HTTP, Protocol.HTTPS})
_HTTP = frozenset({Protocol.HTTP, Protocol.HTTPS})
_SCOPES = ("MessageAttributes", "MessageBody")
MOST_FILTER_BYTES = 150 * 1024


def read_protocol(text: str) -> Protocol:
    """The protocol.

    Raises:
        ApiError: it is none, or one that is not served here.
    """
    try:
        return Protocol(text)
    except ValueError:
        raise invalid(f"Does not support this protocol string: {text[:100]}") from None


def check_endpoint(protocol: Protocol, endpoint: str, caller: Caller) -> None:
    """Nothing, if the endpoint fits the protocol.

    Raises:
        ApiError: it does not.
    """
    if protocol in _HTTP:
        _check_url(protocol, endpoint)
    elif protocol in _SERVICES:
        _check_arn(protocol, endpoint, caller)
    elif not is_mail(MAILTO + endpoint):
        raise invalid("Email address")


def _check_url(protocol: Protocol, endpoint: str) -> None:
    if not endpoint.startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    try:
        parse_url(endpoint)
    except InvalidInput as problem:
        raise invalid(f"Endpoint Reason: {problem}") from problem


def _check_arn(protocol: Protocol, endpoint: str, caller: Caller) -> None:
    try:
        arn = Arn.parse(endpoint)
    except InvalidArn:
        arn = None
    if arn is None or arn.service != _SERVICES[protocol]:
        raise invalid(f"{'SQS' if protocol is Protocol.SQS else 'Lambda'} endpoint ARN")
    if arn.account != caller.account_id:
        raise invalid(f"Endpoint Reason: {endpoint[:200]} is not of account {caller.account_id}")


def checked_attributes(subscription: Subscription, given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of `given` that are to be kept; an empty value unsets one.

    Raises:
        ApiError: one is unknown, or its value does not fit.
    """
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            raise invalid(f"AttributeName: {name[:100]}")
        if value:
            check(subscription, value)
    return {name: value for name, value in given.items() if value}


def _check_raw(subscription: Subscription, value: str) -> None:
    if value.lower() not in {"true", "false"}:
        raise invalid("RawMessageDelivery")
    if value.lower() == "true" and subscription.protocol not in _RAW:
        raise invalid(
            "Attributes Reason: RawMessageDelivery: Delivery protocol "
            f"[{subscription.protocol}] does not support raw message delivery."
        )


def _check_filter(subscription: Subscription, value: str) -> None:  # noqa: ARG001 - as all of them
    if len(value.encode()) > MOST_FILTER_BYTES:
        raise ApiError(
            "FilterPolicyLimitExceededException",
            f"Filter policy is larger than {MOST_FILTER_BYTES} bytes",
            403,
        )
    try:
        if value.strip() != "{}":
            parse_pattern(value)
    except InvalidInput as problem:
        raise invalid(f"FilterPolicy: {problem}") from problem


def _check_scope(subscription: Subscription, value: str) -> None:  # noqa: ARG001 - as all of them
    if value not in _SCOPES:
        raise invalid(f"FilterPolicyScope: expected {' or '.join(_SCOPES)}")


def _check_redrive(subscription: Subscription, value: str) -> None:
    with_policy = Subscription(
        id="",
        topic_arn="",
        protocol=subscription.protocol,
        endpoint="",
        account_id=subscription.account_id,
        attributes={"RedrivePolicy": value},
    )
    try:
        queue = Arn.parse(redrive_queue(with_policy))
    except InvalidInput as problem:
        raise invalid(f"RedrivePolicy: {problem}") from problem
    if queue.service != "sqs" or queue.account != subscription.account_id:
        raise invalid("RedrivePolicy: deadLetterTargetArn must be a queue of the same account")


def _check_delivery(subscription: Subscription, value: str) -> None:
    if subscription.protocol not in _HTTP:
        raise invalid("DeliveryPolicy: Only http and https subscriptions have one")
    topic = Topic(account_id="", region="", name="")
    check_retries(topic, {"DeliveryPolicy": value})
    if not isinstance(json.loads(value), dict):
        raise invalid("DeliveryPolicy: it is no JSON object")


_CHECKS = {
    "DeliveryPolicy": _check_delivery,
    "FilterPolicy": _check_filter,
    "FilterPolicyScope": _check_scope,
    "RawMessageDelivery": _check_raw,
    "RedrivePolicy": _check_redrive,
}
