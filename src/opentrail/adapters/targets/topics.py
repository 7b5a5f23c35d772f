"""OpenTrail's own topics: each message becomes one delivery for each subscriber."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from opentrail.adapters.targets.filtering import wants
from opentrail.clock import Clock
from opentrail.ports.destinations import DestinationNotFound
from opentrail.ports.ids import Ids
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.targets.mail import MAILTO
from opentrail.targets.notification import Publication, Seal, confirmation, notification
from opentrail.targets.topic import (
    ASKED,
    SUBSCRIPTION_KIND,
    TOPIC_KIND,
    Protocol,
    Subscription,
    Topic,
    TopicUnknown,
    redrive_queue,
    retries,
    topic_key,
)

_NAMESPACE = UUID("6f4cc2ac-5f6f-4ed9-a7a6-0f6a3cbb5a5e")
"""Of the ids of deliveries to subscribers."""

_CUSTOMER_RETRIES = 50
_CUSTOMER_SECONDS = 6 * 3600
_AWS_RETRIES = 100_015
_AWS_SECONDS = 23 * 86_400
"""How long SNS tries: what is its customers' (HTTP, e-mail), and what is AWS's own."""


Content = tuple[bytes, tuple[tuple[str, str], ...]]
"""A payload and its attributes."""


class OwnTopics:
    """See ports.targets.publishing."""

    def __init__(
        self,
        state: StateStore,
        outbox: Outbox,
        *,
        seal: Callable[[], Seal],
        ids: Ids,
    ) -> None:
        self._state = state
        self._outbox = outbox
        self._seal = seal
        self._ids = ids

    def publish(
        self, publication: Publication, *, event_ids: tuple[str, ...] = (), after: str = ""
    ) -> int:
        topic = self.topic(publication.topic_arn)
        seal = self._seal()
        made = [
            replace(
                _delivery(
                    topic,
                    one,
                    publication.message_id,
                    publication.created,
                    notification(topic, one, publication, seal),
                ),
                event_ids=event_ids,
                after=after,
            )
            for one in self._subscriptions(topic)
            if one.confirmed and wants(one, publication)
        ]
        self._outbox.put(made)
        return len(made)

    def ask(self, topic: Topic, subscription: Subscription, now: datetime) -> None:
        message_id = self._ids.request_id()
        content = confirmation(
            topic, subscription, message_id=message_id, now=now, seal=self._seal()
        )
        self._outbox.put([_delivery(topic, subscription, message_id, now, content)])

    def topic(self, arn: str) -> Topic:
        """The topic of that ARN.

        Raises:
            TopicUnknown: there is none.
        """
        document = self._state.get(TOPIC_KIND, topic_key(arn))
        if document is None:
            raise TopicUnknown("Topic does not exist")
        return msgspec.json.decode(document.body, type=Topic)

    def _subscriptions(self, topic: Topic) -> tuple[Subscription, ...]:
        documents = self._state.list(SUBSCRIPTION_KIND, f"{topic.key}/")
        return tuple(msgspec.json.decode(one.body, type=Subscription) for one in documents)


class TrailTopics:
    """See Topics of ports.destinations: trails tell OpenTrail's own topics of log files."""

    def __init__(self, topics: OwnTopics, ids: Ids, clock: Clock) -> None:
        self._topics = topics
        self._ids = ids
        self._clock = clock

    def policy(self, arn: str) -> str:
        with _as_destination():
            return self._topics.topic(arn).policy

    def publish(self, arn: str, message: str) -> None:
        publication = Publication(
            topic_arn=arn,
            message_id=self._ids.request_id(),
            message=message,
            created=self._clock.now(),
        )
        with _as_destination():
            self._topics.publish(publication)


@contextmanager
def _as_destination() -> Iterator[None]:
    try:
        yield
    except TopicUnknown as problem:
        raise DestinationNotFound(str(problem), code="NotFound") from problem


def _delivery(
    topic: Topic, subscription: Subscription, message_id: str, created: datetime, content: Content
) -> Delivery:
    payload, attributes = content
    asked = subscription.protocol in ASKED
    seconds = _CUSTOMER_SECONDS if asked else _AWS_SECONDS
    again = retries(topic, subscription, _CUSTOMER_RETRIES) if asked else _AWS_RETRIES
    return Delivery(
        id=str(uuid5(_NAMESPACE, f"{subscription.arn}/{message_id}")),
        account_id=subscription.account_id,
        region=topic.region,
        target=_target(subscription),
        cause=subscription.arn,
        payload=payload,
        attributes=attributes,
        created=int(created.timestamp()),
        max_attempts=again,
        max_age_seconds=seconds,
        dead_letter=redrive_queue(subscription),
    )


def _target(subscription: Subscription) -> str:
    mail = subscription.protocol in {Protocol.EMAIL, Protocol.EMAIL_JSON}
    return MAILTO + subscription.endpoint if mail else subscription.endpoint
