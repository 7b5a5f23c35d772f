"""A topic or a subscription by its ARN, if the caller may do with it what it asks for.

In its own account a caller may unless the topic's policy denies it; from another account only if
that policy allows it. Source: SNS developer guide, "Amazon SNS access policies".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from opentrail.access.evaluate import Asking, Verdict, evaluate
from opentrail.access.policy import parse_policy
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.api.sns.backends import SnsBackends, invalid, not_found
from opentrail.arn import Arn, partition_of
from opentrail.ports.state import Change, Document
from opentrail.targets.topic import (
    SUBSCRIPTION_KIND,
    TOPIC_KIND,
    Subscription,
    Topic,
    TopicUnknown,
    subscription_key,
    topic_key,
)


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic, and the version of its document."""

    topic: Topic
    version: int

    def changed(self, topic: Topic) -> Change:
        """The topic as it shall be."""
        return Change(TOPIC_KIND, topic.key, msgspec.json.encode(topic), expected=self.version)


@dataclass(frozen=True, slots=True)
class FoundSubscription:
    """A subscription, and the version of its document."""

    subscription: Subscription
    version: int

    def changed(self, subscription: Subscription) -> Change:
        """The subscription as it shall be."""
        body = msgspec.json.encode(subscription)
        return Change(SUBSCRIPTION_KIND, subscription.key, body, expected=self.version)

    def removed(self) -> Change:
        """The subscription gone."""
        return Change(SUBSCRIPTION_KIND, self.subscription.key, None, expected=self.version)


def find_topic(arn: str, action: str, caller: Caller, backends: SnsBackends) -> FoundTopic:
    """The topic of that ARN.

    Args:
        action: What the caller wants, as `Publish`.

    Raises:
        ApiError: there is no such topic, or the caller may not.
    """
    try:
        key = topic_key(arn)
    except TopicUnknown as problem:
        raise invalid(f"TopicArn Reason: {problem}") from problem
    if Arn.parse(arn).region != caller.region:
        raise invalid(f"TopicArn Reason: it is not of region {caller.region}")
    document = backends.state.get(TOPIC_KIND, key)
    own = Arn.parse(arn).account == caller.account_id
    if document is None:
        # Nobody learns whether another account has a topic.
        raise not_found("Topic") if own else _denied(arn, action, caller)
    topic = msgspec.json.decode(document.body, type=Topic)
    verdict = _verdict(topic, action, caller)
    if verdict is Verdict.DENIED or (verdict is Verdict.NOT_ALLOWED and not own):
        raise _denied(arn, action, caller)
    return FoundTopic(topic, document.version)


def find_own_topic(arn: str, action: str, caller: Caller, backends: SnsBackends) -> FoundTopic:
    """As `find_topic`, for what only the topic's account may do, whatever its policy says."""
    found = find_topic(arn, action, caller, backends)
    if found.topic.account_id != caller.account_id:
        raise _denied(arn, action, caller)
    return found


def find_subscription(
    arn: str, action: str, caller: Caller, backends: SnsBackends
) -> FoundSubscription:
    """The subscription of that ARN, if it or its topic is the caller's.

    Raises:
        ApiError: there is no such subscription, or the caller may not.
    """
    try:
        key = subscription_key(arn)
    except TopicUnknown as problem:
        raise invalid(f"SubscriptionArn Reason: {problem}") from problem
    document = backends.state.get(SUBSCRIPTION_KIND, key)
    topic_owner = key.partition("/")[0]
    if document is None:
        raise not_found("Subscription")
    subscription = msgspec.json.decode(document.body, type=Subscription)
    if caller.account_id not in {subscription.account_id, topic_owner}:
        raise _denied(arn, action, caller)
    return FoundSubscription(subscription, document.version)


def subscriptions_of(topic: Topic, backends: SnsBackends) -> Iterator[FoundSubscription]:
    """All of a topic."""
    for document in backends.state.list(SUBSCRIPTION_KIND, f"{topic.key}/"):
        yield found_subscription(document)


def found_subscription(document: Document) -> FoundSubscription:
    """The subscription in a document."""
    subscription = msgspec.json.decode(document.body, type=Subscription)
    return FoundSubscription(subscription, document.version)


def _verdict(topic: Topic, action: str, caller: Caller) -> Verdict:
    principal = caller.credential.principal
    root = f"arn:{partition_of(topic.region)}:iam::{caller.account_id}:root"
    names = {principal.arn, caller.account_id, root} - {""}
    asking = Asking(
        action=f"sns:{action}",
        resource=topic.arn,
        principals=tuple(("AWS", name) for name in sorted(names)),
        context={
            "aws:sourceowner": caller.account_id,
            "aws:sourceaccount": caller.account_id,
            "aws:principalaccount": caller.account_id,
            "aws:principalarn": principal.arn,
        },
    )
    return evaluate([parse_policy(topic.policy)], asking)


def _denied(arn: str, action: str, caller: Caller) -> ApiError:
    principal = caller.credential.principal
    who = principal.arn or principal.invoked_by or caller.account_id
    return ApiError(
        "AuthorizationErrorException",
        f"User: {who} is not authorized to perform: SNS:{action} on resource: {arn} because no "
        f"resource-based policy allows the SNS:{action} action",
        403,
    )
