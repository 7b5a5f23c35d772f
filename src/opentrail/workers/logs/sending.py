"""What subscriptions get, as deliveries for the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentrail.alarms.filter_pattern import LogMessage
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.subscription import Sent, SubscriptionFilter, batches, delivery_id, payload
from opentrail.ports.log_events import StoredLogEvent
from opentrail.ports.targets.outbox import Delivery
from opentrail.record import RecordHead


def record_delivery(
    subscription: SubscriptionFilter,
    stream: str,
    head: RecordHead,
    message: LogMessage,
    place: EventPlace,
) -> Delivery:
    """A delivery of one record: the outbox can tell what the record follows from."""
    identity = head.user_identity
    sent = Sent(place.digits, place.milliseconds, message.text)
    return _delivery(
        subscription,
        delivery_id(subscription, head.event_id),
        payload(subscription, stream, (sent,)),
        place.milliseconds // 1000,
        event_ids=(head.event_id,),
        access_key_id=(identity.access_key_id if identity else None) or "",
    )


def put_deliveries(
    subscription: SubscriptionFilter, stream: str, events: Sequence[StoredLogEvent], now: int
) -> Iterator[Delivery]:
    """Deliveries of events that one key brought to a stream; `now` in epoch seconds."""
    for batch in batches(map(_sent, events)):
        made = payload(subscription, stream, batch)
        yield _delivery(
            subscription,
            delivery_id(subscription, batch[0].id),
            made,
            now,
            access_key_id=events[0].access_key_id,
        )


def _sent(event: StoredLogEvent) -> Sent:
    place = EventPlace(event.milliseconds, Keeper.OWN, event.number)
    return Sent(place.digits, event.milliseconds, event.message)


def _delivery(
    subscription: SubscriptionFilter,
    key: str,
    content: bytes,
    created: int,
    *,
    event_ids: tuple[str, ...] = (),
    access_key_id: str = "",
) -> Delivery:
    role = subscription.role_arn
    return Delivery(
        id=key,
        account_id=subscription.account_id,
        region=subscription.region,
        target=subscription.destination_arn,
        cause=subscription.arn,
        event_ids=event_ids,
        payload=content,
        attributes=(("role", role),) if role else (),
        created=created,
        access_key_id=access_key_id,
    )
