"""SNS's messages as subscribers get them: signed JSON, Lambda's event, an e-mail's text, or raw.

Source: SNS developer guide, "HTTP/HTTPS notification JSON format", "Verifying the signatures of
Amazon SNS messages" and "Sample message payloads"; Lambda developer guide, "Using Lambda with SNS".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from opentrail.clock import iso_seconds
from opentrail.errors import InvalidInput
from opentrail.targets.topic import Protocol as Way
from opentrail.targets.topic import Subscription, Topic
from opentrail.targets.webhook import HEADER

ATTRIBUTE = "message-attribute:"
"""What names of a delivery's attributes begin with that become a queue's message attributes."""

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_AGENT = "Amazon Simple Notification Service Agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One message for a topic.

    Attributes:
        message_id: The same one makes the same deliveries.
        message: For every protocol, or JSON with one for each (see `per_protocol`).
        subject: "" for none.
        per_protocol: MessageStructure is `json`.
        attributes: (name, type, value); a Binary's value is base64.
    """

    topic_arn: str
    message_id: str
    message: str
    created: datetime
    subject: str = ""
    per_protocol: bool = False
    attributes: tuple[tuple[str, str, str], ...] = ()


class Signs(Protocol):
    """Signs messages."""

    @property
    def certificate_path(self) -> str:
        """Of its certificate, at the address of the server."""
        ...

    def sign(self, version: str, text: bytes) -> str:
        """RSASSA-PKCS1-v1_5 in base64: with SHA-1 for version 1, SHA-256 for version 2."""
        ...


@dataclass(frozen=True, slots=True)
class Seal:
    """Who signs, and the address under which its certificate and links are found."""

    signs: Signs
    address: str

    def sealed(self, topic: Topic, fields: dict[str, Any], signed: tuple[str, ...]) -> None:
        """Add the signature to a message."""
        version = topic.attributes.get("SignatureVersion", "1")
        fields["SignatureVersion"] = version
        fields["Signature"] = self.signs.sign(version, string_to_sign(fields, signed))
        fields["SigningCertURL"] = self.address + self.signs.certificate_path

    def link(self, **parameters: str) -> str:
        """An address that a subscriber may visit."""
        return f"{self.address}{LINK_PATH}?{urlencode(parameters)}"


LINK_PATH = "/-/sns/"


def string_to_sign(fields: Mapping[str, Any], signed: tuple[str, ...]) -> bytes:
    """Names and values, a line each; a member that is not there has none."""
    return "".join(f"{name}\n{fields[name]}\n" for name in signed if fields.get(name)).encode()


def texts_by_way(message: str) -> dict[str, str]:
    """The texts of a message that has one for each protocol, by protocol and `default`.

    Raises:
        InvalidInput: it is no JSON object, or has no default; SNS's message.
    """
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        raise InvalidInput("Message Structure - JSON message body failed to parse") from None
    if not isinstance(found, dict) or not isinstance(found.get("default"), str):
        raise InvalidInput("Message Structure - No default entry in JSON message body")
    return {way: text for way, text in found.items() if isinstance(text, str)}


def message_for(publication: Publication, way: Way) -> str:
    """What subscribers of one protocol get.

    Raises:
        InvalidInput: as `texts_by_way`.
    """
    if not publication.per_protocol:
        return publication.message
    texts = texts_by_way(publication.message)
    return texts.get(str(way), texts["default"])


def notification(
    topic: Topic, subscription: Subscription, publication: Publication, seal: Seal
) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The payload of one subscriber's delivery, and its attributes."""
    message = message_for(publication, subscription.protocol)
    fields = _fields(topic, subscription, publication, message, seal)
    match subscription.protocol:
        case Way.LAMBDA:
            return _lambda_event(subscription, fields), ()
        case Way.SQS if subscription.raw:
            return message.encode(), tuple(
                (f"{ATTRIBUTE}{name}", f"{kind}:{value}")
                for name, kind, value in publication.attributes
            )
        case Way.SQS:
            return _json(fields), ()
        case Way.EMAIL:
            end = f"\n\n--\nTo stop receiving these messages: {fields['UnsubscribeURL']}\n"
            subject = publication.subject or "AWS Notification Message"
            return (message + end).encode(), (("subject", subject),)
        case Way.EMAIL_JSON:
            subject = publication.subject or "AWS Notification Message"
            return _json(fields), (("subject", subject),)
        case Way.HTTP | Way.HTTPS:
            headers = _headers("Notification", publication.message_id, topic.arn)
            headers += ((f"{HEADER}x-amz-sns-subscription-arn", subscription.arn),)
            if subscription.raw:
                raw = ((f"{HEADER}x-amz-sns-rawdelivery", "true"),)
                return message.encode(), (*headers, *raw)
            return _json(fields), headers


def confirmation(
    topic: Topic, subscription: Subscription, *, message_id: str, now: datetime, seal: Seal
) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The payload and the attributes of the question whether a subscriber wants it."""
    link = seal.link(Action="ConfirmSubscription", TopicArn=topic.arn, Token=subscription.token)
    text = f"You have chosen to subscribe to the topic {topic.arn}.\n"
    if subscription.protocol is Way.EMAIL:
        text += f"To confirm this subscription, visit: {link}\n"
        text += "If it was not you, there is nothing to do.\n"
        return text.encode(), (("subject", "AWS Notification - Subscription Confirmation"),)
    fields: dict[str, Any] = {
        "Type": "SubscriptionConfirmation",
        "MessageId": message_id,
        "Token": subscription.token,
        "TopicArn": topic.arn,
        "Message": text + "To confirm the subscription, visit the SubscribeURL included in this "
        "message.",
        "SubscribeURL": link,
        "Timestamp": _milliseconds(now),
    }
    seal.sealed(topic, fields, _CONFIRMATION)
    if subscription.protocol is Way.EMAIL_JSON:
        return _json(fields), (("subject", "AWS Notification - Subscription Confirmation"),)
    return _json(fields), _headers("SubscriptionConfirmation", message_id, topic.arn)


def _fields(
    topic: Topic, subscription: Subscription, publication: Publication, message: str, seal: Seal
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": publication.message_id,
        "TopicArn": topic.arn,
    }
    if publication.subject:
        fields["Subject"] = publication.subject
    fields |= {"Message": message, "Timestamp": _milliseconds(publication.created)}
    seal.sealed(topic, fields, _NOTIFICATION)
    fields["UnsubscribeURL"] = seal.link(Action="Unsubscribe", SubscriptionArn=subscription.arn)
    if publication.attributes:
        fields["MessageAttributes"] = {
            name: {"Type": kind, "Value": value} for name, kind, value in publication.attributes
        }
    return fields


def _lambda_event(subscription: Subscription, fields: Mapping[str, Any]) -> bytes:
    spelled = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    inner = {"Subject": None, "MessageAttributes": {}} | {
        spelled.get(name, name): value for name, value in fields.items()
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": inner,
    }
    return _json({"Records": [record]})


def _headers(kind: str, message_id: str, topic_arn: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{HEADER}x-amz-sns-message-type", kind),
        (f"{HEADER}x-amz-sns-message-id", message_id),
        (f"{HEADER}x-amz-sns-topic-arn", topic_arn),
        (f"{HEADER}Content-Type", "text/plain; charset=UTF-8"),
        (f"{HEADER}User-Agent", _AGENT),
    )


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=2).encode()


def _milliseconds(when: datetime) -> str:
    return f"{iso_seconds(when)[:-1]}.{when.microsecond // 1000:03d}Z"
