"""What becomes of a delivery after a try, and the record that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opentrail.clock import Clock
from opentrail.ports.targets.outbox import Attempt, Delivery, DeliveryState, Kept, Step
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome, Terms
from opentrail.recording.responses import GIVEN_UP, ResponseFacts, response_record
from opentrail.targets.backoff import pause_seconds, why_given_up
from opentrail.targets.webhook import shown_target

DRY_RUN = "dry-run"
DEAD_LETTER = "dead-letter"
DEAD_LETTER_FAILED = "dead-letter-failed"
TOO_OLD = "TooOld"
"""Word for what was never tried again, or never at all, since its age was over."""

DEAD_LETTER_ATTEMPTS = 185
DEAD_LETTER_SECONDS = 4 * 86_400
"""How long a queue for what was given up is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A try and who it was made at.

    Attributes:
        event_name: What a record of it is called.
        began: Epoch milliseconds.
        ended: Epoch milliseconds.
    """

    kept: Kept
    terms: Terms
    event_name: str
    answer: Answer
    began: int
    ended: int

    @property
    def number(self) -> int:
        """1 for the first try."""
        return self.kept.attempts + 1

    def attempt(self, outcome: str) -> Attempt:
        """The try as it is kept."""
        return Attempt(
            at=self.began,
            outcome=outcome,
            status=self.answer.status,
            detail=self.answer.detail,
            answer=self.answer.content,
            took=self.ended - self.began,
        )


def after(tried: Tried, clock: Clock) -> Step:
    """What becomes of a delivery that was tried, at its target or at its dead-letter queue."""
    if tried.kept.state is DeliveryState.DEAD:
        return after_dead_letter(tried)
    return after_try(tried, clock)


def after_try(tried: Tried, clock: Clock) -> Step:
    """What becomes of a delivery that was tried at its target."""
    answer, delivery = tried.answer, tried.kept.delivery
    attempt = tried.attempt(str(answer.outcome))
    if answer.outcome is Outcome.DELIVERED:
        step = Step(state=DeliveryState.DELIVERED, at=tried.ended, attempt=attempt)
        return _told(tried, step, clock, tried.event_name)
    if answer.outcome is Outcome.REFUSED:
        return _given_up(tried, attempt, answer.detail or answer.status, clock)
    pause = int(1000 * pause_seconds(delivery.id, tried.number, answer.wait_seconds))
    due = tried.ended + pause
    why = why_given_up(
        attempts=tried.number,
        max_attempts=min(delivery.max_attempts, tried.terms.max_attempts),
        age_seconds=(due - tried.kept.since) / 1000,
        max_age_seconds=delivery.max_age_seconds,
    )
    if why:
        return _given_up(tried, attempt, f"{why}; the last: {answer.detail}", clock)
    step = Step(
        state=DeliveryState.WAITING,
        at=tried.ended,
        due=due,
        reason=answer.detail,
        attempt=attempt,
    )
    return _told(tried, step, clock, tried.event_name) if answer.acted else step


def after_dead_letter(tried: Tried) -> Step:
    """What becomes of a delivery that was tried at its dead-letter queue."""
    answer, reason = tried.answer, tried.kept.reason
    if answer.outcome is Outcome.DELIVERED:
        return Step(
            state=DeliveryState.GIVEN_UP,
            at=tried.ended,
            reason=f"{reason}; it is in its dead-letter queue",
            attempt=tried.attempt(DEAD_LETTER),
        )
    attempt = tried.attempt(DEAD_LETTER_FAILED)
    due = tried.ended + int(1000 * pause_seconds(tried.kept.delivery.id, tried.number))
    why = why_given_up(
        attempts=tried.number,
        max_attempts=DEAD_LETTER_ATTEMPTS,
        age_seconds=(due - tried.kept.since) / 1000,
        max_age_seconds=DEAD_LETTER_SECONDS,
    )
    if why or answer.outcome is Outcome.REFUSED:
        return Step(
            state=DeliveryState.GIVEN_UP,
            at=tried.ended,
            reason=f"{reason}; its dead-letter queue did not take it: {answer.detail}",
            attempt=attempt,
        )
    return Step(state=DeliveryState.DEAD, at=tried.ended, due=due, reason=reason, attempt=attempt)


def dry_run(kept: Kept, terms: Terms, event_name: str, at: int, clock: Clock) -> Step:
    """What becomes of a delivery that is only to be told as if it were sent."""
    tried = Tried(
        kept=kept,
        terms=terms,
        event_name=event_name,
        answer=Answer(outcome=Outcome.DELIVERED),
        began=at,
        ended=at,
    )
    step = Step(state=DeliveryState.DRY_RUN, at=at, attempt=tried.attempt(DRY_RUN), counts=False)
    return _told(tried, step, clock, event_name)


def too_old(kept: Kept, at: int, clock: Clock) -> Step:
    """What becomes of a delivery whose turn did not come in time: no try is made any more."""
    reason = f"it is older than {kept.delivery.max_age_seconds} s"
    answer = Answer(outcome=Outcome.REFUSED, status=TOO_OLD, detail=reason)
    tried = Tried(kept=kept, terms=NO_TERMS, event_name="", answer=answer, began=at, ended=at)
    return _given_up(tried, None, reason, clock)


def nobody_takes(kept: Kept, at: int, clock: Clock) -> Step:
    """What becomes of a delivery to something that no kind of target is."""
    answer = Answer(
        outcome=Outcome.REFUSED, status="NoSuchTarget", detail="nothing takes deliveries to it"
    )
    tried = Tried(
        kept=kept,
        terms=NO_TERMS,
        event_name="",
        answer=answer,
        began=at,
        ended=at,
    )
    return after_try(tried, clock)


def facts_of(delivery: Delivery, name: str, *, place: str) -> ResponseFacts:
    """What every record of a delivery tells; `name` and `place` as of ResponseFacts."""
    return ResponseFacts(
        name=name,
        place=place,
        account_id=delivery.account_id,
        region=delivery.region,
        delivery_id=delivery.id,
        cause=delivery.cause,
        event_ids=delivery.event_ids,
        target=shown_target(delivery.target),
    )


def _given_up(tried: Tried, attempt: Attempt | None, reason: str, clock: Clock) -> Step:
    dead = bool(tried.kept.delivery.dead_letter)
    step = Step(
        state=DeliveryState.DEAD if dead else DeliveryState.GIVEN_UP,
        at=tried.ended,
        due=tried.ended if dead else None,
        reason=reason,
        attempt=attempt,
    )
    return _told(tried, step, clock, GIVEN_UP)


def _told(tried: Tried, step: Step, clock: Clock, name: str) -> Step:
    """The step with the record of it.

    What goes to a subscriber is not recorded: the message was, when it was published, and a topic
    that is told of each log file would fill log files for ever. A function that ran for one is, as
    a data event, which Lambda's Invoke is, too.
    """
    delivery, answer = tried.kept.delivery, tried.answer
    to_subscriber = _is_subscriber(delivery.cause)
    if to_subscriber and not (answer.acted and tried.event_name == "FunctionRun"):
        return step
    number = tried.kept.attempts + (step.attempt is not None)
    problem = "" if answer.outcome is Outcome.DELIVERED else (step.reason or answer.detail)
    facts = replace(
        facts_of(delivery, name, place=f"{tried.kept.since}/{number}/{name}"),
        status=answer.status,
        attempt=number,
        problem=problem,
        dry_run=step.state is DeliveryState.DRY_RUN,
        person=tried.kept.by,
        data=to_subscriber,
    )
    event_id, raw = response_record(facts, clock.now())
    return replace(step, response_id=event_id, response=raw)


def _is_subscriber(cause: str) -> bool:
    """Whether a delivery goes to a subscriber of a topic."""
    return cause.split(":")[2:3] == ["sns"]
