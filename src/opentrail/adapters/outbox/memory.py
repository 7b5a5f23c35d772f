"""An outbox in dicts; for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from opentrail.ports.targets.outbox import (
    FINISHED,
    FIRST_ATTEMPTS_KEPT,
    LAST_ATTEMPTS_KEPT,
    Attempt,
    Delivery,
    DeliveryQuery,
    DeliveryState,
    Forgotten,
    Kept,
    OutboxFigures,
    Step,
    acts_at,
    chain_after,
    expires,
    first_state,
    known_in,
    lane_of,
    stepped,
    storable,
)


class MemoryOutbox:
    """See ports.targets.outbox."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._attempts: dict[str, tuple[Attempt, ...]] = {}
        self._places: dict[str, int] = {}
        self._parents: dict[str, str] = {}
        self._responses: dict[int, tuple[str, bytes]] = {}
        self._responded: set[str] = set()
        self._last_number = 0
        self._forgotten_early = 0
        self._last_response = 0

    def put(
        self, deliveries: Sequence[Delivery], *, follower: str = "", place: int | None = None
    ) -> int:
        new = 0
        for delivery in map(storable, deliveries):
            if delivery.id not in self._kept:
                self._add(delivery)
                new += 1
        if follower and place is not None:
            self._places[follower] = place
        return new

    def place(self, follower: str) -> int | None:
        return self._places.get(follower)

    def due_lanes(self, now: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self._due(now)))

    def due(self, lane: str, now: int, *, limit: int) -> tuple[Kept, ...]:
        return tuple(one for name, one in self._due(now) if name == lane)[:limit]

    def too_old(self, now: int, *, limit: int) -> tuple[Kept, ...]:
        old = [
            (ends, one.number, one)
            for one in self._kept.values()
            if (ends := expires(one.delivery, one.state, one.since)) is not None and ends < now
        ]
        return tuple(one for _, _, one in sorted(old, key=lambda found: found[:2])[:limit])

    def advance(self, delivery_id: str, step: Step) -> None:
        self.decide(delivery_id, frozenset(DeliveryState), step)

    def decide(self, delivery_id: str, expected: Collection[DeliveryState], step: Step) -> Kept:
        return self._step(known_in(self._kept.get(delivery_id), delivery_id, expected), step)

    def acts_with(self, delivery_id: str, access_key_id: str) -> None:
        self._parents[access_key_id] = delivery_id

    def find(self, delivery_id: str) -> Kept | None:
        return self._kept.get(delivery_id)

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        return self._attempts.get(delivery_id, ())

    def list(self, query: DeliveryQuery) -> tuple[Kept, ...]:
        found = [
            one
            for one in self._kept.values()
            if query.account_id in {"", one.delivery.account_id}
            and (not query.states or one.state in query.states)
            and (query.text in one.delivery.target or query.text in one.delivery.cause)
            and (query.before is None or one.number < query.before)
        ]
        return tuple(sorted(found, key=lambda one: -one.number)[: query.limit])

    def figures(self) -> OutboxFigures:
        kept = self._kept.values()
        waiting = [one.since for one in kept if one.due is not None]
        return OutboxFigures(
            dict(Counter(str(one.state) for one in kept)),
            min(waiting, default=None),
            len(self._responses),
            self._forgotten_early,
        )

    def responses(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        found = [(number, raw) for number, (_, raw) in self._responses.items()]
        return tuple(found[:limit])

    def recorded(self, number: int) -> None:
        self._responses = {key: one for key, one in self._responses.items() if key > number}

    def forget(self, before: int, *, most: int) -> Forgotten:
        unrecorded = {delivery_id for delivery_id, _ in self._responses.values()}
        finished = [one for one in self._kept.values() if one.state in FINISHED]
        aged, newer, early = 0, Counter[str](), Counter[str]()
        for one in sorted(finished, key=lambda one: (-one.changed, -one.number)):
            account, old = one.delivery.account_id, one.changed < before
            newer[account] += not old
            if one.delivery.id in unrecorded or not (old or newer[account] > most):
                continue
            aged += old
            early.update({} if old else {account: 1})
            del self._kept[one.delivery.id]
            self._attempts.pop(one.delivery.id, None)
        self._parents = {key: one for key, one in self._parents.items() if one in self._kept}
        self._forgotten_early += early.total()
        return Forgotten(aged=aged, early=early)

    def _due(self, now: int) -> Iterator[tuple[str, Kept]]:
        waiting = [one for one in self._kept.values() if one.due is not None and one.due <= now]
        for one in sorted(waiting, key=lambda kept: (kept.due, kept.number)):
            yield lane_of(one.delivery, one.state), one

    def _add(self, delivery: Delivery) -> None:
        self._last_number += 1
        chain = chain_after(self._parents_of(delivery))
        state, reason = first_state(delivery, chain)
        at = delivery.created * 1000
        self._kept[delivery.id] = Kept(
            delivery=delivery,
            number=self._last_number,
            state=state,
            attempts=0,
            since=at,
            due=at if state is DeliveryState.WAITING else None,
            changed=at,
            reason=reason,
            chain=chain,
        )

    def _parents_of(self, delivery: Delivery) -> Sequence[Kept]:
        ids = {delivery.after} | {self._parents.get(one, "") for one in delivery.event_ids}
        found = [self._kept[one] for one in sorted(ids) if one in self._kept]
        actor = self._kept.get(self._parents.get(delivery.access_key_id, ""))
        if actor is not None and acts_at(actor, delivery.created * 1000):
            found.append(actor)
        return found

    def _step(self, kept: Kept, step: Step) -> Kept:
        delivery_id = kept.delivery.id
        self._kept[delivery_id] = stepped(kept, step)
        if step.attempt is not None:
            every = (*self._attempts.get(delivery_id, ()), step.attempt)
            rest = every[FIRST_ATTEMPTS_KEPT:]
            self._attempts[delivery_id] = every[:FIRST_ATTEMPTS_KEPT] + rest[-LAST_ATTEMPTS_KEPT:]
        if step.response_id and step.response_id not in self._responded:
            self._responded.add(step.response_id)
            self._parents[step.response_id] = delivery_id
            self._last_response += 1
            self._responses[self._last_response] = (delivery_id, step.response)
        return self._kept[delivery_id]
