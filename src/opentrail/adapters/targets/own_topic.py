"""Deliveries to a topic that is OpenTrail's own: each becomes one for each subscriber."""

from __future__ import annotations

from datetime import datetime

from opentrail.adapters.targets.upstream import delivered, own, text_of
from opentrail.ports.targets.outbox import Delivery
from opentrail.ports.targets.publishing import Publisher
from opentrail.ports.targets.target import Answer, Target
from opentrail.targets.notification import Publication


class OwnTopicTarget(Target):
    """See ports.targets.target."""

    event_name = "MessagePublished"

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        own(delivery.target, delivery)
        publication = Publication(
            topic_arn=delivery.target,
            # The same id at each attempt: subscribers get one message, whenever it is repeated.
            message_id=delivery.id,
            message=text_of(delivery),
            created=now,
            subject=delivery.attribute("subject")[:100],
        )
        count = self._publisher.publish(
            publication, event_ids=delivery.event_ids, after=delivery.id
        )
        return delivered(f"{count} subscribers")
