"""Deliveries are tried when they are due, and what becomes of them is noted; at least once.

A try that a crash cuts short is made again: the delivery is still due. What it then sends is the
same, with the same idempotency key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from opentrail.clock import Clock
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import DeliveryState, Kept, Outbox, Step, lane_of, whole
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome, Target, Targets
from opentrail.workers.targets.deciding import (
    Tried,
    after_dead_letter,
    after_try,
    dry_run,
    nobody_takes,
)
from opentrail.workers.targets.lanes import OF_A_LANE, Lanes

WAIT_SECONDS = 0.1
"""For a try under way to end, before what is due is looked for again."""

MOST_STATUS = 200
MOST_DETAIL = 1000
"""Characters kept of what a target says of itself."""

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
        self._under_way: set[str] = set()
        self._ended = threading.Event()

    def step(self) -> int:
        """Begin what is due; how much that was, or 1 while something is under way."""
        self._ended.clear()
        now = self._now()
        begun = self._begin_all(self._outbox.due_lanes(now), now)
        if begun or not self._lanes.under_way:
            return begun
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
            if begun < most and self._begin(kept, now):
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
        except Exception:  # noqa: BLE001 - a thread's outermost handler: the lane must be freed
            _log.exception("delivery_not_tried", delivery=kept.delivery.id)
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
            return self._to_dead_letter(kept)
        delivery = kept.delivery
        target = self._targets.of(delivery.target)
        if target is None:
            self._note(kept, nobody_takes(kept, self._now(), self._clock))
            return True
        terms = target.terms(delivery)
        tell = delivery.dry_run or terms.dry_run
        if terms.needs_approval and not kept.by and not tell:
            self._note(kept, Step(state=DeliveryState.HELD, at=self._now()))
            return True
        began = self._now()
        answer = _NOT_SENT if tell else _tried(partial(target.send, delivery), self._clock.now())
        tried = Tried(
            kept=kept,
            terms=terms,
            event_name=target.event_name,
            shown=_shown(target, kept),
            answer=answer,
            began=began,
            ended=self._now(),
        )
        step = dry_run(tried, self._clock) if tell else after_try(tried, self._clock)
        self._note(kept, step)
        return answer.outcome is not Outcome.FAILED

    def _to_dead_letter(self, kept: Kept) -> bool:
        began = self._now()
        answer = _tried(lambda _: self._targets.to_dead_letter(kept), self._clock.now())
        tried = Tried(
            kept=kept,
            terms=NO_TERMS,
            event_name="",
            shown="",
            answer=answer,
            began=began,
            ended=self._now(),
        )
        self._note(kept, after_dead_letter(tried))
        return answer.outcome is not Outcome.FAILED

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
        return int(self._clock.now().timestamp() * 1000)


_NOT_SENT = Answer(outcome=Outcome.DELIVERED)


def _tried(send: Callable[[datetime], Answer], now: datetime) -> Answer:
    """What a target does, whatever it raises, in texts that can be kept."""
    answer = _answered(send, now)
    return replace(
        answer,
        status=whole(answer.status)[:MOST_STATUS],
        detail=whole(answer.detail)[:MOST_DETAIL],
    )


def _answered(send: Callable[[datetime], Answer], now: datetime) -> Answer:
    try:
        return send(now)
    except Unavailable as problem:
        return Answer(outcome=Outcome.FAILED, status=problem.code, detail=str(problem))
    except InvalidInput as problem:
        status = getattr(problem, "code", "") or type(problem).__name__
        return Answer(outcome=Outcome.REFUSED, status=status, detail=str(problem))


def _shown(target: Target, kept: Kept) -> str:
    try:
        return target.shown(kept.delivery)
    except InvalidInput:
        return ""
