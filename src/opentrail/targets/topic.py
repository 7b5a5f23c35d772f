"""SNS topics and subscriptions, as documents of the state store.

Source: SNS API reference, CreateTopic, Subscribe and the attributes of both.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TypeVar

import msgspec

from opentrail.arn import Arn, partition_of
from opentrail.errors import InvalidArn, InvalidInput

_Document = TypeVar("_Document")

TOPIC_KIND = "sns_topic"
SUBSCRIPTION_KIND = "sns_subscription"


class TopicUnknown(InvalidInput):
    """There is no such topic."""


class Protocol(StrEnum):
    """How a subscriber is reached; those of SNS that are served here."""

    HTTP = "http"
    HTTPS = "https"
    EMAIL = "email"
    EMAIL_JSON = "email-json"
    SQS = "sqs"
    LAMBDA = "lambda"


DEFAULT_ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
"""What the default policy lets a topic's account do; other policies may speak of no more."""

ASKED = frozenset({Protocol.HTTP, Protocol.HTTPS, Protocol.EMAIL, Protocol.EMAIL_JSON})
"""Protocols whose subscribers have to say that they want it."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic.

    Attributes:
        attributes: What its owner set, by SNS's names.
        own_policy: Its access policy, "" for the default one.
        tags: (key, value), ordered by key.
        created: Epoch seconds.
    """

    account_id: str
    region: str
    name: str
    attributes: dict[str, str] = {}
    own_policy: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    created: int = 0

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{partition_of(self.region)}:sns:{self.region}:{self.account_id}:{self.name}"

    @property
    def key(self) -> str:
        """Of its state document."""
        return f"{self.account_id}/{self.region}/{self.name}"

    @property
    def policy(self) -> str:
        """Its access policy; the default one lets its account do everything."""
        return self.own_policy or _default_policy(self)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription.

    Attributes:
        id: The last part of its ARN.
        account_id: Whose it is.
        attributes: What its owner set, by SNS's names.
        confirmed: Whether it gets messages; pending ones get the question alone.
        token: What confirms it, "" for one that needs no asking.
        created: Epoch seconds.
    """

    id: str
    topic_arn: str
    protocol: Protocol
    endpoint: str
    account_id: str
    attributes: dict[str, str] = {}
    confirmed: bool = True
    token: str = ""
    created: int = 0

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.topic_arn}:{self.id}"

    @property
    def key(self) -> str:
        """Of its state document: all of a topic follow one another."""
        return f"{topic_key(self.topic_arn)}/{self.id}"

    @property
    def raw(self) -> bool:
        """Whether the subscriber gets the message alone."""
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


class _Redrive(msgspec.Struct):
    target: str = msgspec.field(name="deadLetterTargetArn", default="")


class _Retry(msgspec.Struct):
    retries: int | None = msgspec.field(name="numRetries", default=None)


class _Delivery(msgspec.Struct):
    retry: _Retry | None = msgspec.field(name="healthyRetryPolicy", default=None)


class _TopicHttp(msgspec.Struct):
    retry: _Retry | None = msgspec.field(name="defaultHealthyRetryPolicy", default=None)


class _TopicDelivery(msgspec.Struct):
    http: _TopicHttp | None = None


def topic_key(arn: str) -> str:
    """The key of a topic's document.

    Raises:
        TopicUnknown: the text is no topic's ARN.
    """
    try:
        parsed = Arn.parse(arn)
    except InvalidArn as cause:
        raise TopicUnknown(str(cause)) from cause
    if parsed.service != "sns" or ":" in parsed.resource or "/" in parsed.resource:
        raise TopicUnknown(f"{arn[:200]!r} is not the ARN of a topic")
    return f"{parsed.account}/{parsed.region}/{parsed.resource}"


def subscription_key(arn: str) -> str:
    """The key of a subscription's document.

    Raises:
        TopicUnknown: the text is no subscription's ARN.
    """
    topic, _, last = arn.rpartition(":")
    if not last or "/" in last:
        raise TopicUnknown(f"{arn[:200]!r} is not the ARN of a subscription")
    return f"{topic_key(topic)}/{last}"


def redrive_queue(subscription: Subscription) -> str:
    """The ARN of its dead-letter queue, "" if it has none.

    Raises:
        InvalidInput: its RedrivePolicy is none.
    """
    return _read(subscription.attributes.get("RedrivePolicy", ""), _Redrive).target


def retries(topic: Topic, subscription: Subscription, default: int) -> int:
    """How often an HTTP subscriber is tried again: the subscription's word, else the topic's."""
    own = _read(subscription.attributes.get("DeliveryPolicy", ""), _Delivery).retry
    if own is not None and own.retries is not None:
        return own.retries
    http = _read(topic.attributes.get("DeliveryPolicy", ""), _TopicDelivery).http
    if http is not None and http.retry is not None and http.retry.retries is not None:
        return http.retry.retries
    return default


def _default_policy(topic: Topic) -> str:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{name}" for name in DEFAULT_ACTIONS],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.account_id}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(policy, separators=(",", ":"))


def _read(text: str, kind: type[_Document]) -> _Document:
    try:
        return msgspec.json.decode(text or "{}", type=kind)
    except msgspec.DecodeError as cause:
        raise InvalidInput(f"policy {text[:100]!r}: {cause}") from cause
