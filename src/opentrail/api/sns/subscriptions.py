"""Subscribe, ConfirmSubscription, Unsubscribe, and what is listed. Source: SNS API reference."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.backends import Parameters, SnsBackends, invalid, not_found
from opentrail.api.sns.endpoints import check_endpoint, checked_attributes, read_protocol
from opentrail.api.sns.find import (
    FoundSubscription,
    find_subscription,
    find_topic,
    found_subscription,
    subscriptions_of,
)
from opentrail.api.sns.pages import page
from opentrail.ports.state import Change, StateStore
from opentrail.targets.topic import (
    ASKED,
    SUBSCRIPTION_KIND,
    TOPIC_KIND,
    Subscription,
    Topic,
    TopicUnknown,
    subscription_key,
    topic_key,
)

PENDING = "pending confirmation"
PENDING_LISTED = "PendingConfirmation"
AUTHENTICATED = "AuthenticateOnUnsubscribe"
"""Kept among the attributes of a subscription that may only be ended by a signed call."""


def subscribe(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """A subscriber; who is asked first is pending until it says yes."""
    topic = find_topic(parameters["TopicArn"], "Subscribe", caller, backends).topic
    protocol = read_protocol(parameters["Protocol"])
    endpoint = parameters.get("Endpoint", "")
    check_endpoint(protocol, endpoint, caller)
    asked = protocol in ASKED
    made = Subscription(
        id=backends.ids.request_id(),
        topic_arn=topic.arn,
        protocol=protocol,
        endpoint=endpoint,
        account_id=caller.account_id,
        confirmed=not asked,
        token=backends.ids.unique16() * 2 + backends.ids.unique16() if asked else "",
        created=int(caller.now.timestamp()),
    )
    given = parameters.get("Attributes", {})
    made = msgspec.structs.replace(made, attributes=checked_attributes(made, given))
    full = parameters.get("ReturnSubscriptionArn", False)
    for known in subscriptions_of(topic, backends):
        one = known.subscription
        if (one.protocol, one.endpoint) == (protocol, endpoint):
            if made.attributes and made.attributes != one.attributes:
                raise invalid(
                    "Attributes Reason: Subscription already exists with different attributes"
                )
            question = _question(topic, one, caller, backends)
            return Reply({"SubscriptionArn": _told_arn(one, full=full)}, behind=question)
    question = _question(topic, made, caller, backends)
    change = Change(SUBSCRIPTION_KIND, made.key, msgspec.json.encode(made), expected=0)
    return Reply({"SubscriptionArn": _told_arn(made, full=full)}, (change,), behind=question)


def _question(
    topic: Topic, subscription: Subscription, caller: Caller, backends: SnsBackends
) -> Callable[[], None] | None:
    """What asks the subscriber; None if it is none of those that are asked, or said yes.

    To be called when the subscription is kept: a token that nobody knows confirms nothing.

    Raises:
        ApiError: the endpoint was asked too often of late.
    """
    if subscription.confirmed:
        return None
    backends.asking.take(caller.account_id, subscription.endpoint, caller.now)
    return partial(backends.publisher.ask, topic, subscription, caller.now)


def confirm_subscription(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:  # noqa: ARG001 - a handler's
    """The subscriber's yes: whoever has the token is it."""
    authenticated = parameters.get(AUTHENTICATED, "").lower() == "true"
    return confirmed(
        backends.state,
        parameters["TopicArn"],
        parameters["Token"],
        authenticated=authenticated,
    )


def confirmed(state: StateStore, topic_arn: str, token: str, *, authenticated: bool) -> Reply:
    """The subscription of that token, confirmed; again and again the same answer.

    Args:
        authenticated: Only a signed call may end it.

    Raises:
        ApiError: there is no such topic or token.
    """
    try:
        key = topic_key(topic_arn)
    except TopicUnknown as problem:
        raise invalid("TopicArn") from problem
    if state.get(TOPIC_KIND, key) is None:
        raise not_found("Topic")
    for document in state.list(SUBSCRIPTION_KIND, f"{key}/"):
        found = found_subscription(document)
        one = found.subscription
        if one.token and hmac.compare_digest(one.token.encode(), token.encode()):
            output = {"SubscriptionArn": one.arn}
            if one.confirmed:
                return Reply(output)
            extra = {AUTHENTICATED: "true"} if authenticated else {}
            changed = msgspec.structs.replace(
                one, confirmed=True, attributes=one.attributes | extra
            )
            return Reply(output, (found.changed(changed),))
    raise invalid("Token")


def unsubscribe(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """The subscription gone; nothing, if it is gone already."""
    try:
        found = find_subscription(parameters["SubscriptionArn"], "Unsubscribe", caller, backends)
    except ApiError as problem:
        if problem.code == "NotFoundException":
            return Reply({})
        raise
    return Reply({}, (found.removed(),))


def unsubscribed(state: StateStore, arn: str) -> Reply:
    """The subscription gone, for somebody who knows its ARN: the link in its messages.

    Raises:
        ApiError: only a signed call may end it.
    """
    try:
        document = state.get(SUBSCRIPTION_KIND, subscription_key(arn))
    except TopicUnknown as problem:
        raise invalid("SubscriptionArn") from problem
    if document is None:
        return Reply({})
    found = found_subscription(document)
    if found.subscription.attributes.get(AUTHENTICATED) == "true":
        raise ApiError("AuthorizationErrorException", "Unsubscribing must be authenticated", 403)
    return Reply({}, (found.removed(),))


def list_subscriptions(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """Those to the account's topics in the region."""
    prefix = f"{caller.account_id}/{caller.region}/"
    found = map(found_subscription, backends.state.list(SUBSCRIPTION_KIND, prefix))
    return _listed(found, parameters)


def list_subscriptions_by_topic(
    parameters: Parameters, caller: Caller, backends: SnsBackends
) -> Reply:
    """Those to one topic."""
    action = "ListSubscriptionsByTopic"
    topic = find_topic(parameters["TopicArn"], action, caller, backends).topic
    return _listed(subscriptions_of(topic, backends), parameters)


def get_subscription_attributes(
    parameters: Parameters, caller: Caller, backends: SnsBackends
) -> Reply:
    """What was set, and what follows from it."""
    action = "GetSubscriptionAttributes"
    one = find_subscription(parameters["SubscriptionArn"], action, caller, backends).subscription
    shown = {
        "SubscriptionArn": one.arn,
        "TopicArn": one.topic_arn,
        "Protocol": str(one.protocol),
        "Endpoint": one.endpoint,
        "Owner": one.account_id,
        "PendingConfirmation": "false" if one.confirmed else "true",
        "ConfirmationWasAuthenticated": _word(not one.token or AUTHENTICATED in one.attributes),
        "RawMessageDelivery": "false",
    }
    if "FilterPolicy" in one.attributes:
        shown["FilterPolicyScope"] = "MessageAttributes"
    given = {name: value for name, value in one.attributes.items() if name != AUTHENTICATED}
    return Reply({"Attributes": shown | given})


def set_subscription_attributes(
    parameters: Parameters, caller: Caller, backends: SnsBackends
) -> Reply:
    """One attribute changed; an empty value unsets it."""
    action = "SetSubscriptionAttributes"
    found = find_subscription(parameters["SubscriptionArn"], action, caller, backends)
    name, value = parameters["AttributeName"], parameters.get("AttributeValue", "")
    one = found.subscription
    new = checked_attributes(one, {name: value})
    left = {key: text for key, text in one.attributes.items() if key != name}
    return Reply({}, (found.changed(msgspec.structs.replace(one, attributes=left | new)),))


def _listed(found: Iterable[FoundSubscription], parameters: Parameters) -> Reply:
    shown: list[tuple[str, dict[str, Any]]] = [
        (
            one.subscription.key,
            {
                "SubscriptionArn": _listed_arn(one.subscription),
                "Owner": one.subscription.account_id,
                "Protocol": str(one.subscription.protocol),
                "Endpoint": one.subscription.endpoint,
                "TopicArn": one.subscription.topic_arn,
            },
        )
        for one in found
    ]
    return Reply(page("Subscriptions", shown, parameters))


def _told_arn(one: Subscription, *, full: bool) -> str:
    return one.arn if one.confirmed or full else PENDING


def _listed_arn(one: Subscription) -> str:
    return one.arn if one.confirmed else PENDING_LISTED


def _word(claim: bool) -> str:  # noqa: FBT001 - a claim to spell
    return "true" if claim else "false"
