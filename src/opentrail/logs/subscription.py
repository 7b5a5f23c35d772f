"""Subscription filters, and what their destinations get.

Source: CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

from __future__ import annotations

import base64
import gzip
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from opentrail.logs.names import GroupKey

SUBSCRIPTION_KIND = "subscription_filter"
"""The state documents of SubscriptionFilter, keyed by the group's prefix and the filter's name."""

MOST_SUBSCRIPTIONS = 2
"""Of a log group (AWS's quota)."""

MOST_MESSAGE_BYTES = 256 * 1024
"""Bytes of messages in one payload; a single message may have as many."""


class SubscriptionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter as it was put.

    Attributes:
        created: Milliseconds since 1970.
        not_before: The journal offset from which on records count for it.
        since: As `not_before`, in milliseconds, of events that PutLogEvents brings; 0: ever since
            it was created.
        replaced: What it was before it was changed, for what came before that and waits still.
    """

    account_id: str
    region: str
    group: str
    name: str
    pattern: str
    destination_arn: str
    role_arn: str = ""
    distribution: str = "ByLogStream"
    created: int
    not_before: int = 0
    since: int = 0
    replaced: SubscriptionFilter | None = None

    @property
    def key(self) -> GroupKey:
        """The group it is of."""
        return GroupKey(self.account_id, self.region, self.group)

    @property
    def state_key(self) -> str:
        """Its document's key."""
        return f"{self.key.state_key}:{self.name}"

    @property
    def arn(self) -> str:
        """What names it as the cause of deliveries; AWS has no ARN for it."""
        return f"{self.key.arn}:subscription-filter:{self.name}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A log event on its way to a destination; the time in milliseconds."""

    id: str
    milliseconds: int
    message: str


def payload(subscription: SubscriptionFilter, stream: str, events: Sequence[Sent]) -> bytes:
    """What the destination gets for events of one stream: what AWS gives to Lambda functions."""
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": subscription.account_id,
        "logGroup": subscription.group,
        "logStream": stream,
        "subscriptionFilters": [subscription.name],
        "logEvents": [
            {"id": one.id, "timestamp": one.milliseconds, "message": one.message} for one in events
        ],
    }
    packed = gzip.compress(msgspec.json.encode(said), 6, mtime=0)
    return msgspec.json.encode({"awslogs": {"data": base64.b64encode(packed).decode()}})


def batches(events: Iterable[Sent]) -> Iterator[tuple[Sent, ...]]:
    """The events in order, as many at once as one payload may have."""
    batch: list[Sent] = []
    size = 0
    for event in events:
        length = len(event.message.encode())
        if batch and size + length > MOST_MESSAGE_BYTES:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield tuple(batch)


def delivery_id(subscription: SubscriptionFilter, event_id: str) -> str:
    """The idempotency key of a payload that begins with the event."""
    named = f"{subscription.arn}\n{subscription.destination_arn}\n{event_id}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, named))
