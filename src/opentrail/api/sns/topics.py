"""CreateTopic, DeleteTopic, ListTopics and a topic's attributes. Source: SNS API reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.access.policy import parse_policy
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.backends import Parameters, SnsBackends, invalid
from opentrail.api.sns.find import find_own_topic, find_topic, subscriptions_of
from opentrail.api.sns.pages import page
from opentrail.api.sns.tags import parse_tags
from opentrail.errors import InvalidInput
from opentrail.ports.state import Change
from opentrail.targets.topic import TOPIC_KIND, Protocol, Subscription, Topic, retries

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FEEDBACK = re.compile(
    r"(HTTP|SQS|Lambda|Firehose|Application)"
    r"(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)"
)
_KEPT = frozenset({"DisplayName", "DeliveryPolicy", "KmsMasterKeyId", "TracingConfig"})
"""Attributes that are kept and shown. A key encrypts nothing here: messages wait in the outbox as
they are; see docs/how-to/respond-to-events.md."""

_UNSET = {"FifoTopic": "false", "ContentBasedDeduplication": "false"}
"""Attributes of FIFO topics, which there are none of, with the value that asks for nothing."""

_LONGEST_NAME = 100
MOST_RETRIES = 100

DEFAULT_RETRIES = 50


def create_topic(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """A topic; one of that name stays as it is, if it is the same."""
    name = parameters["Name"]
    if not _NAME.fullmatch(name):
        raise invalid("Topic Name")
    attributes, policy = _read(parameters.get("Attributes", {}))
    topic = Topic(
        account_id=caller.account_id,
        region=caller.region,
        name=name,
        attributes=attributes,
        own_policy=policy,
        tags=parse_tags(parameters.get("Tags", ())),
        created=int(caller.now.timestamp()),
    )
    document = backends.state.get(TOPIC_KIND, topic.key)
    if document is None:
        change = Change(TOPIC_KIND, topic.key, msgspec.json.encode(topic), expected=0)
        return Reply({"TopicArn": topic.arn}, (change,))
    known = msgspec.json.decode(document.body, type=Topic)
    given = {**attributes, **({"Policy": policy} if policy else {})}
    if any({**known.attributes, "Policy": known.policy}.get(k) != v for k, v in given.items()):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    if topic.tags and topic.tags != known.tags:
        raise invalid("Tags Reason: Topic already exists with different tags")
    return Reply({"TopicArn": topic.arn})


def delete_topic(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """The topic and its subscriptions gone; nothing, if it is gone already."""
    try:
        found = find_own_topic(parameters["TopicArn"], "DeleteTopic", caller, backends)
    except ApiError as problem:
        if problem.code == "NotFoundException":
            return Reply({})
        raise
    changes = [one.removed() for one in subscriptions_of(found.topic, backends)]
    removed = Change(TOPIC_KIND, found.topic.key, None, expected=found.version)
    return Reply({}, (*changes, removed))


def list_topics(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """The account's topics in the region."""
    prefix = f"{caller.account_id}/{caller.region}/"
    topics = [
        msgspec.json.decode(document.body, type=Topic)
        for document in backends.state.list(TOPIC_KIND, prefix)
    ]
    return Reply(page("Topics", [(one.key, {"TopicArn": one.arn}) for one in topics], parameters))


def get_topic_attributes(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """What was set, what follows from it, and how many subscribe."""
    topic = find_topic(parameters["TopicArn"], "GetTopicAttributes", caller, backends).topic
    confirmed = [one.subscription.confirmed for one in subscriptions_of(topic, backends)]
    shown = {
        "TopicArn": topic.arn,
        "Owner": topic.account_id,
        "DisplayName": "",
        "Policy": topic.policy,
        "SubscriptionsConfirmed": str(sum(confirmed)),
        "SubscriptionsPending": str(len(confirmed) - sum(confirmed)),
        "SubscriptionsDeleted": "0",
        "EffectiveDeliveryPolicy": _effective(topic),
    }
    return Reply({"Attributes": shown | topic.attributes})


def set_topic_attributes(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """One attribute changed; an empty value unsets it."""
    found = find_own_topic(parameters["TopicArn"], "SetTopicAttributes", caller, backends)
    name, value = parameters["AttributeName"], parameters.get("AttributeValue", "")
    attributes, policy = _read({name: value})
    topic = found.topic
    if name == "Policy":
        changed = msgspec.structs.replace(topic, own_policy=policy)
    else:
        left = {key: one for key, one in topic.attributes.items() if key != name}
        changed = msgspec.structs.replace(topic, attributes=left | attributes)
    return Reply({}, (found.changed(changed),))


def _read(given: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The attributes to keep, and the policy."""
    kept: dict[str, str] = {}
    policy = ""
    for name, value in given.items():
        if name == "Policy":
            policy = _checked_policy(value)
        elif name in _UNSET:
            if value.lower() not in {"", _UNSET[name]}:
                raise invalid(f"Attributes Reason: {name}: OpenTrail has no FIFO topics")
        elif value:
            _check(name, value)
            kept[name] = value
        elif name not in _KEPT and name != "SignatureVersion" and not _FEEDBACK.fullmatch(name):
            raise invalid(f"AttributeName: {name[:100]}")
    return kept, policy


def _check(name: str, value: str) -> None:
    if name == "SignatureVersion":
        if value not in {"1", "2"}:
            raise invalid("SignatureVersion")
    elif name == "DisplayName":
        if len(value) > _LONGEST_NAME or not value.isprintable():
            raise invalid("DisplayName")
    elif name == "DeliveryPolicy":
        check_retries(Topic(account_id="", region="", name="", attributes={name: value}))
    elif name not in _KEPT and not _FEEDBACK.fullmatch(name):
        raise invalid(f"AttributeName: {name[:100]}")


def check_retries(topic: Topic, attributes: Mapping[str, str] | None = None) -> None:
    """Nothing, if the delivery policies of a topic or subscription can be read.

    Raises:
        ApiError: they can't, or ask for too many attempts.
    """
    subscription = Subscription(
        id="",
        topic_arn="",
        protocol=Protocol.HTTP,
        endpoint="",
        account_id="",
        attributes=dict(attributes or {}),
    )
    try:
        found = retries(topic, subscription, DEFAULT_RETRIES)
    except InvalidInput as problem:
        raise invalid(f"DeliveryPolicy: {problem}") from problem
    if not 0 <= found <= MOST_RETRIES:
        raise invalid(f"DeliveryPolicy: numRetries must be between 0 and {MOST_RETRIES}")


def _checked_policy(text: str) -> str:
    if not text:
        return ""
    try:
        parse_policy(text)
    except InvalidInput as problem:
        raise invalid(f"Policy Error: {problem}") from problem
    return text


def _effective(topic: Topic) -> str:
    """The delivery policy that holds: how often HTTP subscribers are tried again."""
    subscription: dict[str, Any] = {
        "http": {
            "defaultHealthyRetryPolicy": {
                "minDelayTarget": 1,
                "maxDelayTarget": 600,
                "numRetries": DEFAULT_RETRIES,
                "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0,
                "numMinDelayRetries": 0,
                "backoffFunction": "exponential",
            },
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    }
    return topic.attributes.get("DeliveryPolicy") or json.dumps(subscription, separators=(",", ":"))
