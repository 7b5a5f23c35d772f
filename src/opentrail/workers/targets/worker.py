"""Deliveries are tried when they are due, and what becomes of them is noted; at least once.

A try that a crash cuts short is made again: the delivery is still due. What it then sends is the
same, with the same idempotency key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.errors import Unavailable
from opentrail.ports.targets.outbox import DeliveryState, Kept, Outbox, Step, expires, lane_of
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome, Targets, Terms
from opentrail.workers.targets.aging import Aging
from opentrail.workers.targets.deciding import Tried, after, dry_run, nobody_takes
from opentrail.workers.targets.lanes import OF_A_LANE, Lanes
from opentrail.workers.targets.trying import answer_of, failure

WAIT_SECONDS = 0.1
"""For a try under way to end, before what is due is looked for again."""

Start = Callable[[Callable[[], None]], None]
"""Runs something in a thread of its own; never more than lanes.AT_ONCE at a time."""

_log = structlog.get_logger()


class TargetsWorker:
    """See above; `step` is called by one thread."""

    def __init__(self, outbox: Outbox, targets: Targets, clock: Clock, start: Start) -> None:
        self._outbox = outbox
        self._targets = targets
        self._clock = clock
        self._start = start
        self._lock = threading.Lock()
        self._lanes = Lanes()
        self._aging = Aging(outbox, targets, clock)
        self._under_way: set[str] = set()
        self._ended = threading.Event()

    def step(self) -> int:
        """Begin what is due and end what is too old; how much, or 1 if something is under way."""
        self._ended.clear()
        with self._lock:
            under_way = frozenset(self._under_way)
        given_up = self._aging.step(under_way)
        now = self._now()
        begun = self._begin_all(self._outbox.due_lanes(now), now)
        if begun or given_up or not self._lanes.under_way:
            return begun + given_up
        self._ended.wait(WAIT_SECONDS)
        return 1

    def _begin_all(self, due: Sequence[str], now: int) -> int:
        """One try in each lane first, then as many as there may be."""
        begun = 0
        for most in (1, OF_A_LANE):
            with self._lock:
                names = self._lanes.in_turn(due, now)
            for name in names:
                if not self._lanes.room:
                    return begun
                begun += self._begin_in(name, now, most)
        return begun

    def _begin_in(self, name: str, now: int, most: int) -> int:
        begun = 0
        # Those under way are still due, and stand first.
        for kept in self._outbox.due(name, now, limit=2 * OF_A_LANE):
            ends = expires(kept.delivery, kept.state, kept.since)
            old = ends is not None and ends < now
            if begun < most and not old and self._begin(kept, now):
                self._start(partial(self._work, kept))
                begun += 1
        return begun

    def _begin(self, kept: Kept, now: int) -> bool:
        with self._lock:
            delivery_id = kept.delivery.id
            name = lane_of(kept.delivery, kept.state)
            if delivery_id in self._under_way or not self._lanes.begin(name, now):
                return False
            self._under_way.add(delivery_id)
            return True

    def _work(self, kept: Kept) -> None:
        began, answered = self._now(), False
        try:
            answered = self._deliver(kept)
        except Exception as problem:  # noqa: BLE001 - a thread's outermost handler: the lane goes on
            _log.exception("delivery_not_tried", delivery=kept.delivery.id)
            self._note_failure(kept, problem, began)
        finally:
            ended = self._now()
            with self._lock:
                name = lane_of(kept.delivery, kept.state)
                self._lanes.end(name, answered=answered, took=ended - began, now=ended)
                self._under_way.discard(kept.delivery.id)
            self._ended.set()

    def _deliver(self, kept: Kept) -> bool:
        """Whether the target answered."""
        if kept.state is DeliveryState.DEAD:
            answer = self._send(kept, NO_TERMS, "", lambda: self._targets.to_dead_letter(kept))
            return answer.outcome is not Outcome.FAILED
        delivery = kept.delivery
        target = self._targets.of(delivery.target)
        if target is None:
            self._note(kept, nobody_takes(kept, self._now(), self._clock))
            return True
        terms = target.terms(delivery)
        if delivery.dry_run or terms.dry_run:
            step = dry_run(kept, terms, target.event_name, self._now(), self._clock)
            self._note(kept, step)
            return True
        if terms.needs_approval and not kept.by:
            self._note(kept, Step(state=DeliveryState.HELD, at=self._now()))
            return True
        send = partial(target.send, delivery, self._clock.now())
        answer = self._send(kept, terms, target.event_name, send)
        return answer.outcome is not Outcome.FAILED

    def _send(
        self, kept: Kept, terms: Terms, event_name: str, send: Callable[[], Answer]
    ) -> Answer:
        began = self._now()
        answer = answer_of(send)
        tried = Tried(
            kept=kept,
            terms=terms,
            event_name=event_name,
            answer=answer,
            began=began,
            ended=self._now(),
        )
        self._note(kept, after(tried, self._clock))
        return answer

    def _note_failure(self, kept: Kept, problem: Exception, began: int) -> None:
        """Else it would be the first of its lane for ever."""
        tried = Tried(
            kept=kept,
            terms=NO_TERMS,
            event_name="",
            answer=failure(problem),
            began=began,
            ended=self._now(),
        )
        with suppress(Unavailable):  # the outbox itself may be what can't be written
            self._note(kept, after(tried, self._clock))

    def _note(self, kept: Kept, step: Step) -> None:
        self._outbox.advance(kept.delivery.id, step)
        attempt = step.attempt
        _log.info(
            "delivery_tried",
            delivery=kept.delivery.id,
            cause=kept.delivery.cause,
            state=str(step.state),
            outcome=attempt.outcome if attempt else "",
            status=attempt.status if attempt else "",
            took=attempt.took if attempt else 0,
        )

    def _now(self) -> int:
        return epoch_milliseconds(self._clock.now())
