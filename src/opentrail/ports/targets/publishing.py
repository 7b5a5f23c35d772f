"""Who publishes to the topics that OpenTrail has itself."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from opentrail.targets.notification import Publication
from opentrail.targets.topic import Subscription, Topic


class Publisher(Protocol):
    """Makes one delivery for each subscriber of a topic."""

    def publish(
        self, publication: Publication, *, event_ids: tuple[str, ...] = (), after: str = ""
    ) -> int:
        """Durable on return; how many subscribers there are.

        Args:
            event_ids: eventIDs of the records that it comes from.
            after: The id of the delivery that it comes from, "" if from none.

        Raises:
            TopicUnknown: there is no such topic.
            InvalidInput: the message has no text for some protocol.
        """
        ...

    def ask(self, topic: Topic, subscription: Subscription, now: datetime) -> None:
        """Ask a subscriber whether it wants to be one; durable on return."""
        ...
