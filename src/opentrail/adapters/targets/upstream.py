"""Queues, Lambda functions, topics and log groups behind the endpoint."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from opentrail.adapters.targets.calls import told
from opentrail.arn import Arn
from opentrail.errors import InvalidInput
from opentrail.ports.destinations import DestinationNotFound, LogEvent, LogGroups
from opentrail.ports.targets.outbox import Delivery, Kept
from opentrail.ports.targets.target import Answer, Outcome, Target
from opentrail.targets.notification import ATTRIBUTE

Client = Callable[[str, str], Any]
"""Gives a boto3 client of an upstream: (service, region)."""

ID_ATTRIBUTE = "OpenTrailDeliveryId"
"""What holds the idempotency key: a message attribute of a queue or topic, a member of the client
context of a function."""

MOST_MESSAGE_ATTRIBUTES = 10
MOST_LOG_BYTES = 256 * 1024
SHORTEST_RETENTION_SECONDS = 86_400
LOG_STREAM = "opentrail-responses"
_KNOWN_QUEUES = 1000


class QueueTarget(Target):
    """A queue of SQS."""

    event_name = "MessageSent"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._urls: dict[str, str] = {}

    def send(self, delivery: Delivery, now: datetime) -> Answer:  # noqa: ARG002 - the port's
        return self._send(delivery.target, delivery, _message_attributes(delivery))

    def to_dead_letter(self, kept: Kept) -> Answer:
        """Send to its dead-letter queue, with the attributes that EventBridge gives it."""
        delivery = kept.delivery
        told_why = {
            "RULE_ARN": delivery.cause,
            "TARGET_ARN": delivery.target,
            "ERROR_MESSAGE": kept.reason or "given up",
            ID_ATTRIBUTE: delivery.id,
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in told_why.items()
        }
        return self._send(delivery.dead_letter, delivery, attributes)

    def _send(self, queue: str, delivery: Delivery, attributes: Mapping[str, Any]) -> Answer:
        arn = own(queue, delivery)
        values: dict[str, Any] = {
            "MessageBody": text_of(delivery),
            "MessageAttributes": attributes,
        }
        if arn.resource.endswith(".fifo"):
            values["MessageGroupId"] = delivery.attribute("group") or delivery.cause[-128:]
            values["MessageDeduplicationId"] = delivery.id
        client = self._client("sqs", arn.region)
        with told(f"send to {queue}"):
            answer = client.send_message(QueueUrl=self._url(client, arn), **values)
        return delivered(answer["MessageId"])

    def _url(self, client: Any, arn: Arn) -> str:
        known = self._urls.get(str(arn))
        if known is None:
            found = client.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)
            known = str(found["QueueUrl"])
            if len(self._urls) >= _KNOWN_QUEUES:
                self._urls.clear()
            self._urls[str(arn)] = known
        return known


class LambdaTarget(Target):
    """A function of Lambda, called asynchronously."""

    event_name = "FunctionInvoked"

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, delivery: Delivery, now: datetime) -> Answer:  # noqa: ARG002 - the port's
        arn = own(delivery.target, delivery)
        context = json.dumps({"custom": {ID_ATTRIBUTE: delivery.id}}).encode()
        with told(f"invoke {delivery.target}"):
            answer = self._client("lambda", arn.region).invoke(
                FunctionName=delivery.target,
                InvocationType="Event",
                ClientContext=base64.b64encode(context).decode(),
                Payload=delivery.payload,
            )
        return delivered(str(answer["StatusCode"]))


class UpstreamTopicTarget(Target):
    """A topic of SNS that is not OpenTrail's own."""

    event_name = "MessagePublished"

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, delivery: Delivery, now: datetime) -> Answer:  # noqa: ARG002 - the port's
        arn = own(delivery.target, delivery)
        values = {"TopicArn": delivery.target, "Message": text_of(delivery)}
        if delivery.attribute("subject"):
            values["Subject"] = delivery.attribute("subject")[:100]
        attribute = {"DataType": "String", "StringValue": delivery.id}
        with told(f"publish to {delivery.target}"):
            answer = self._client("sns", arn.region).publish(
                **values, MessageAttributes={ID_ATTRIBUTE: attribute}
            )
        return delivered(answer["MessageId"])


class LogGroupTarget(Target):
    """A log group; one stream of it takes what responses say.

    A repeat is an event of the same time and text as the first.
    """

    event_name = "LogEventPut"

    def __init__(self, groups: LogGroups) -> None:
        self._groups = groups

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        own(delivery.target, delivery)
        if len(delivery.payload) > MOST_LOG_BYTES:
            raise InvalidInput(
                f"{len(delivery.payload)} bytes; a log event has at most {MOST_LOG_BYTES}"
            )
        event = LogEvent(_milliseconds(delivery, now), text_of(delivery))
        try:
            self._groups.put(delivery.target, LOG_STREAM, [event])
        except DestinationNotFound as problem:
            raise InvalidInput(str(problem)) from problem
        return delivered("")


def own(target: str, delivery: Delivery) -> Arn:
    """The target's ARN.

    Raises:
        InvalidInput: it is of another account: nothing tells whether its owner wants it.
    """
    arn = Arn.parse(target)
    if arn.account != delivery.account_id:
        raise InvalidInput(
            f"{target[:200]} is not of account {delivery.account_id}, whose {delivery.cause[:200]} "
            "asks for it"
        )
    return arn


def text_of(delivery: Delivery) -> str:
    """The payload.

    Raises:
        InvalidInput: it is no text.
    """
    try:
        return delivery.payload.decode()
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"the message is no text in UTF-8: {cause}") from cause


def delivered(status: str) -> Answer:
    """The answer of a target that took it."""
    return Answer(outcome=Outcome.DELIVERED, status=status, acted=True)


def _milliseconds(delivery: Delivery, now: datetime) -> int:
    """When it was made; now, if a group might reject that: one keeps events for a day at least."""
    age = now.timestamp() - delivery.created
    when = delivery.created if 0 <= age <= SHORTEST_RETENTION_SECONDS else now.timestamp()
    return int(1000 * when)


def _message_attributes(delivery: Delivery) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in delivery.attributes:
        if key.startswith(ATTRIBUTE):
            kind, _, text = value.partition(":")
            told_as: dict[str, Any] = {"DataType": kind, "StringValue": text}
            if kind.startswith("Binary"):
                told_as = {"DataType": kind, "BinaryValue": base64.b64decode(text)}
            found[key.removeprefix(ATTRIBUTE)] = told_as
    if len(found) < MOST_MESSAGE_ATTRIBUTES:
        found[ID_ATTRIBUTE] = {"DataType": "String", "StringValue": delivery.id}
    return found
