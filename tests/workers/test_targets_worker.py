"""Deliveries reach their targets, or what became of them is told."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from opentrail.adapters.outbox import MemoryOutbox
from opentrail.clock import ManualClock, SystemClock
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import Delivery, DeliveryState, Kept, Step
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome, Target, Terms
from opentrail.workers.targets.keeping import KEPT_FOR, OutboxKeeper
from opentrail.workers.targets.lanes import AT_ONCE, NOT_QUICK, OF_A_LANE, Lanes
from opentrail.workers.targets.worker import TargetsWorker

START = datetime(2026, 7, 1, 9, tzinfo=UTC)
RULE = "arn:aws:events:us-east-1:123456789012:rule/r"
SUBSCRIPTION = "arn:aws:sns:us-east-1:123456789012:t:5be8f5b2-7a4f-4b1a-9d6c-000000000001"
DELIVERED = Answer(outcome=Outcome.DELIVERED, status="200", content=b"ok", acted=True)
FAILED = Answer(outcome=Outcome.FAILED, status="503", detail="it answers 503")


def delivery(name: str, **values: object) -> Delivery:
    made = Delivery(
        id=name,
        account_id="123456789012",
        region="us-east-1",
        target="https://a.example/",
        cause=RULE,
        event_ids=("e1",),
        payload=b"{}",
        created=int(START.timestamp()),
    )
    return replace(made, **values)  # type: ignore[arg-type]


@dataclass
class FakeTarget(Target):
    """Answers as it is told, one after the other, then DELIVERED."""

    answers: list[Answer | Exception] = field(default_factory=list)
    event_name: str = "WebhookSent"
    its_terms: Terms = NO_TERMS
    sent: list[str] = field(default_factory=list)
    before: Callable[[Delivery], None] = lambda _delivery: None

    def terms(self, delivery: Delivery) -> Terms:
        return self.its_terms

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        self.before(delivery)
        self.sent.append(delivery.id)
        answer = self.answers.pop(0) if self.answers else DELIVERED
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    """A worker over memory, with one target for everything."""

    def __init__(self, target: FakeTarget | None = None) -> None:
        self.target: FakeTarget | None = target or FakeTarget()
        self.queue: list[tuple[str, str]] = []
        self.queue_answers: list[Answer | Exception] = []
        self.outbox = MemoryOutbox()
        self.clock = ManualClock(START)
        self.worker = TargetsWorker(self.outbox, self, self.clock, lambda job: job())

    def of(self, target: str) -> Target | None:
        return self.target

    def to_dead_letter(self, kept: Kept) -> Answer:
        answer = self.queue_answers.pop(0) if self.queue_answers else DELIVERED
        if isinstance(answer, Exception):
            raise answer
        self.queue.append((kept.delivery.id, kept.reason))
        return answer

    def run(self, **span: float) -> None:
        """Let time pass, trying what is due."""
        end = self.clock.now() + timedelta(**span)
        while True:
            while self.worker.step():
                pass
            if self.clock.now() >= end:
                return
            now = self.clock.now()
            dues = [one.due for one in self.outbox._kept.values() if one.due is not None]
            first = datetime.fromtimestamp(min(dues) / 1000, UTC) if dues else end
            # What is due and is not sent waits for its lane, which may rest for minutes.
            at = first if first > now else now + timedelta(seconds=5)
            self.clock.advance(max(timedelta(seconds=1), min(at, end) - now))

    def kept(self, name: str) -> Kept:
        found = self.outbox.find(name)
        assert found is not None
        return found

    def records(self) -> list[dict[str, object]]:
        return [json.loads(raw) for _, raw in self.outbox.responses(100)]


def test_what_is_due_is_sent_and_told_of() -> None:
    world = World()
    world.outbox.put([delivery("a", event_ids=("e1", "e2"))])

    assert world.worker.step() == 1
    assert world.worker.step() == 0

    kept = world.kept("a")
    assert (kept.state, kept.attempts) == (DeliveryState.DELIVERED, 1)
    (attempt,) = world.outbox.attempts("a")
    assert (attempt.outcome, attempt.status, attempt.answer) == ("delivered", "200", b"ok")
    (record,) = world.records()
    assert record["eventName"] == "WebhookSent"
    assert record["eventSource"] == "opentrail.amazonaws.com"
    assert record["eventType"] == "AwsServiceEvent"
    assert record["eventCategory"] == "Management"
    assert record["recipientAccountId"] == "123456789012"
    assert record["eventTime"] == "2026-07-01T09:00:00Z"
    assert record["additionalEventData"] == {
        "deliveryId": "a", "cause": RULE, "causeEventIDs": ["e1", "e2"],
    }  # fmt: skip
    assert record["serviceEventDetails"] == {
        "target": "https://a.example", "status": "200", "attempt": 1,
    }  # fmt: skip


@pytest.mark.parametrize("failure", [FAILED, Unavailable("down", code="Network")])
def test_what_fails_is_tried_again_with_longer_pauses(failure: Answer | Exception) -> None:
    world = World(FakeTarget(answers=[failure] * 4))
    world.outbox.put([delivery("a")])

    world.run(minutes=5)

    assert world.kept("a").state is DeliveryState.DELIVERED
    attempts = world.outbox.attempts("a")
    assert [one.outcome for one in attempts] == ["failed"] * 4 + ["delivered"]
    pauses = [two.at - one.at for one, two in pairwise(attempts)]
    for number, pause in enumerate(pauses):
        assert 500 * 2**number <= pause <= 1000 * 2**number + 1000
    assert [one["eventName"] for one in world.records()] == ["WebhookSent"]


@pytest.mark.parametrize(
    "refusal", [InvalidInput("no such thing"), replace(FAILED, outcome=Outcome.REFUSED)]
)
def test_what_is_refused_is_given_up_at_once(refusal: Answer | Exception) -> None:
    world = World(FakeTarget(answers=[refusal]))
    world.outbox.put([delivery("a")])

    world.run(minutes=5)

    assert world.target is not None
    assert world.target.sent == ["a"]
    assert world.kept("a").state is DeliveryState.GIVEN_UP
    (record,) = world.records()
    assert record["eventName"] == "ResponseGivenUp"
    assert record["errorMessage"] in {"no such thing", "it answers 503"}


def test_a_target_may_say_what_no_file_can_hold() -> None:
    world = World(FakeTarget(answers=[Unavailable("\ud800" * 5000, code="\udfff" * 500)]))
    world.outbox.put([delivery("a")])

    world.run(minutes=1)

    attempt = world.outbox.attempts("a")[0]
    assert (attempt.status, attempt.detail) == ("?" * 200, "?" * 1000)
    assert world.kept("a").state is DeliveryState.DELIVERED


def test_a_mistake_of_a_kind_counts_and_lets_its_lane_go_on() -> None:
    mistake = TypeError("expected string or bytes-like object")
    world = World(FakeTarget(answers=[mistake, DELIVERED, mistake, mistake]))
    world.outbox.put([delivery("bad", max_attempts=2), delivery("good")])

    world.run(minutes=5)

    assert world.kept("good").state is DeliveryState.DELIVERED
    kept = world.kept("bad")
    assert (kept.state, kept.attempts) == (DeliveryState.GIVEN_UP, 3)
    assert kept.reason == f"3 attempts failed; the last: TypeError: {mistake}"
    assert {one.status for one in world.outbox.attempts("bad")} == {"TypeError"}


def test_a_mistake_before_the_try_counts_too() -> None:
    world = World()
    world.queue_answers = [ValueError("no queue"), DELIVERED]
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    world.outbox.put([delivery("a", max_attempts=0, dead_letter=queue)])

    def mistaken(_delivery: Delivery) -> Terms:
        raise KeyError("a document of another form")

    assert world.target is not None
    world.target.terms = mistaken  # type: ignore[method-assign]
    world.run(minutes=5)

    assert world.target.sent == []
    assert [one.outcome for one in world.outbox.attempts("a")] == [
        "failed", "dead-letter-failed", "dead-letter",
    ]  # fmt: skip


def test_attempts_are_limited() -> None:
    world = World(FakeTarget(answers=[FAILED] * 10))
    world.outbox.put([delivery("a", max_attempts=3), delivery("b", max_attempts=0)])

    world.run(hours=1)

    assert world.kept("a").reason.startswith("4 attempts failed")
    assert (world.kept("a").attempts, world.kept("b").attempts) == (4, 1)


def test_the_target_may_limit_attempts_further() -> None:
    target = FakeTarget(answers=[FAILED] * 10, its_terms=Terms(max_attempts=2))
    world = World(target)
    world.outbox.put([delivery("a")])

    world.run(hours=1)

    assert target.sent == ["a"] * 3


def test_age_is_limited() -> None:
    world = World(FakeTarget(answers=[FAILED] * 1000))
    world.outbox.put([delivery("a", max_age_seconds=60)])

    world.run(hours=1)

    kept = world.kept("a")
    assert kept.state is DeliveryState.GIVEN_UP
    assert "older than 60 s" in kept.reason
    assert kept.changed <= int(START.timestamp() * 1000) + 60_000


QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


def test_what_is_too_old_is_given_up_without_a_try() -> None:
    """As after a restart."""
    world = World()
    world.outbox.put([delivery("a", max_age_seconds=60, dead_letter=QUEUE), delivery("b")])
    world.clock.advance(timedelta(minutes=2))

    world.run(seconds=1)

    assert world.target is not None
    assert world.target.sent == ["b"]
    kept = world.kept("a")
    assert kept.reason == "it is older than 60 s; it is in its dead-letter queue"
    assert world.queue == [("a", "it is older than 60 s")]
    assert [one.outcome for one in world.outbox.attempts("a")] == ["dead-letter"]
    given_up = world.records()[0]
    assert given_up["eventName"] == "ResponseGivenUp"
    assert given_up["errorCode"] == "TooOld"
    assert given_up["serviceEventDetails"] == {"target": "https://a.example", "status": "TooOld"}


def test_what_gets_too_old_in_a_lane_that_stands_is_given_up_in_time() -> None:
    world = World(FakeTarget(answers=[FAILED] * 1000))
    world.outbox.put([delivery(f"{number}", max_age_seconds=300) for number in range(200)])

    world.run(seconds=310)

    assert {world.kept(f"{number}").state for number in range(200)} == {DeliveryState.GIVEN_UP}
    assert world.target is not None
    assert len(world.target.sent) < 30


def test_one_that_can_t_be_given_up_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.outbox.put([delivery(name, max_age_seconds=60) for name in ("bad", "old")])
    world.clock.advance(timedelta(minutes=2))
    world.outbox.put([delivery("young")])
    decide = world.outbox.decide

    def mistaken(delivery_id: str, *rest: Any) -> Kept:
        if delivery_id == "bad":
            raise TypeError("a mistake")
        return decide(delivery_id, *rest)

    monkeypatch.setattr(world.outbox, "decide", mistaken)
    world.worker.step()

    assert world.kept("old").state is DeliveryState.GIVEN_UP
    assert world.kept("young").state is DeliveryState.DELIVERED


def test_a_try_under_way_is_not_given_up_by_age() -> None:
    entered, release = threading.Event(), threading.Event()

    def hang(_delivery: Delivery) -> None:
        entered.set()
        release.wait(20)

    world, threads = World(FakeTarget(before=hang)), Threads()
    worker = TargetsWorker(world.outbox, world, world.clock, threads)
    world.outbox.put([delivery("a", max_age_seconds=60)])
    worker.step()
    assert entered.wait(20)
    world.clock.advance(timedelta(minutes=2))
    worker.step()

    assert world.kept("a").state is DeliveryState.WAITING
    release.set()
    threads.threads[0].join()
    assert world.kept("a").state is DeliveryState.DELIVERED


def test_an_old_dry_run_is_told_as_one() -> None:
    world = World(FakeTarget(its_terms=Terms(dry_run=True)))
    world.outbox.put([delivery("a", max_age_seconds=60, dead_letter=QUEUE)])
    world.clock.advance(timedelta(minutes=2))

    world.run(seconds=1)

    assert (world.kept("a").state, world.queue) == (DeliveryState.DRY_RUN, [])


def test_in_a_day_of_failures_there_are_as_many_attempts_as_eventbridge_makes() -> None:
    world = World(FakeTarget(answers=[FAILED] * 1000))
    world.outbox.put([delivery("a")])

    world.run(hours=25)

    assert 140 <= world.kept("a").attempts <= 190


def test_a_target_may_ask_for_a_pause() -> None:
    world = World(
        FakeTarget(answers=[replace(FAILED, wait_seconds=120.0), replace(FAILED, wait_seconds=1e9)])
    )
    world.outbox.put([delivery("a")])

    world.run(hours=3)

    first, second, third = (one.at for one in world.outbox.attempts("a"))
    assert 120_000 <= second - first < 130_000
    assert 3_600_000 <= third - second < 3_700_000


def test_what_was_given_up_goes_to_its_dead_letter_queue() -> None:
    world = World(FakeTarget(answers=[replace(FAILED, outcome=Outcome.REFUSED)]))
    world.queue_answers = [Unavailable("busy"), DELIVERED]
    world.outbox.put([delivery("a", dead_letter="arn:aws:sqs:us-east-1:123456789012:q")])

    world.run(minutes=5)

    assert world.queue == [("a", "it answers 503")]
    kept = world.kept("a")
    assert kept.state is DeliveryState.GIVEN_UP
    assert kept.reason == "it answers 503; it is in its dead-letter queue"
    assert [one.outcome for one in world.outbox.attempts("a")] == [
        "refused", "dead-letter-failed", "dead-letter",
    ]  # fmt: skip
    assert [one["eventName"] for one in world.records()] == ["ResponseGivenUp"]


def test_a_dead_letter_queue_that_refuses_is_told() -> None:
    world = World(FakeTarget(answers=[InvalidInput("gone")]))
    world.queue_answers = [InvalidInput("no such queue")]
    world.outbox.put([delivery("a", dead_letter="arn:aws:sqs:us-east-1:123456789012:q")])

    world.run(minutes=5)

    assert world.kept("a").reason == "gone; its dead-letter queue did not take it: no such queue"


def test_a_target_that_nobody_takes_is_told() -> None:
    world = World()
    world.target = None
    world.outbox.put([delivery("a", target="arn:aws:ecs:us-east-1:123456789012:cluster/c")])

    world.run(minutes=1)

    kept = world.kept("a")
    assert (kept.state, kept.reason) == (DeliveryState.GIVEN_UP, "nothing takes deliveries to it")
    assert world.records()[0]["errorCode"] == "NoSuchTarget"


@pytest.mark.parametrize(
    ("values", "terms"),
    [({"dry_run": True}, Terms()), ({}, Terms(dry_run=True, needs_approval=True))],
)
def test_a_dry_run_is_told_and_not_sent(values: dict[str, object], terms: Terms) -> None:
    target = FakeTarget(its_terms=terms)
    world = World(target)
    world.outbox.put([delivery("a", **values)])

    world.run(minutes=1)

    assert target.sent == []
    assert world.kept("a").state is DeliveryState.DRY_RUN
    (record,) = world.records()
    assert record["eventName"] == "WebhookSent"
    details = record["serviceEventDetails"]
    assert isinstance(details, dict)
    assert details["dryRun"] is True


@pytest.mark.parametrize("by_target", [True, False])
def test_what_needs_approval_is_sent_when_a_person_allows_it(by_target: bool) -> None:
    target = FakeTarget(its_terms=Terms(needs_approval=by_target))
    world = World(target)
    world.outbox.put([delivery("a", needs_approval=not by_target, max_age_seconds=60)])
    world.run(hours=1)
    assert (target.sent, world.kept("a").state) == ([], DeliveryState.HELD)

    now = int(world.clock.now().timestamp() * 1000)
    world.outbox.decide(
        "a", {DeliveryState.HELD}, Step(state=DeliveryState.WAITING, at=now, due=now, by="alice")
    )
    target.answers = [FAILED]
    world.run(minutes=1)

    assert target.sent == ["a", "a"]
    assert world.kept("a").state is DeliveryState.DELIVERED
    details = world.records()[-1]["serviceEventDetails"]
    assert isinstance(details, dict)
    assert details["decidedBy"] == "alice"


def test_what_nobody_allows_is_refused_in_the_end() -> None:
    world = World()
    world.outbox.put([delivery("a", needs_approval=True), delivery("b", needs_approval=True)])
    keeper = OutboxKeeper(world.outbox, world.clock)
    world.clock.advance(timedelta(days=6))
    assert keeper.step() == 0

    world.clock.advance(timedelta(days=2))
    assert keeper.step() == 2

    assert world.kept("a").state is DeliveryState.REFUSED
    world.clock.advance(KEPT_FOR + timedelta(days=1))
    assert keeper.step() == 2
    assert world.outbox.find("a") is None


def test_failed_runs_of_functions_are_told_each() -> None:
    failed = replace(FAILED, acted=True)
    world = World(
        FakeTarget(answers=[failed] * 5, its_terms=Terms(max_attempts=2), event_name="FunctionRun")
    )
    world.outbox.put([delivery("a")])

    world.run(hours=1)

    names = [(one["eventName"], one.get("errorMessage")) for one in world.records()]
    assert names[:2] == [("FunctionRun", "it answers 503")] * 2
    assert names[2][0] == "ResponseGivenUp"
    assert len({str(one["eventID"]) for one in world.records()}) == 3


@pytest.mark.parametrize(
    ("event_name", "categories"), [("WebhookSent", []), ("FunctionRun", ["Data"])]
)
def test_subscribers_deliveries_are_no_management_events(
    event_name: str, categories: list[str]
) -> None:
    world = World(FakeTarget(event_name=event_name))
    world.outbox.put([delivery("a", cause=SUBSCRIPTION)])

    world.run(minutes=1)

    assert [one["eventCategory"] for one in world.records()] == categories


def test_a_loop_makes_no_further_response() -> None:
    """A rule that every record matches, also those of its own responses."""
    world = World()
    world.outbox.put([delivery("0")])
    recorded = 0
    for number in range(1, 20):
        world.run(minutes=1)
        for place, raw in world.outbox.responses(100):
            event_id = json.loads(raw)["eventID"]
            world.outbox.put([delivery(str(number), event_ids=(event_id,))])
            world.outbox.recorded(place)
            recorded += 1

    assert recorded == 1
    assert world.kept("1").state is DeliveryState.LOOP


def test_a_failing_target_is_left_alone_for_a_while() -> None:
    target = FakeTarget(answers=[FAILED] * 20)
    world = World(target)
    world.outbox.put([delivery(f"{number}") for number in range(100)])

    world.run(seconds=30)

    assert len(target.sent) < 15
    world.run(hours=2)
    assert {world.kept(f"{number}").state for number in range(100)} == {DeliveryState.DELIVERED}


class Threads:
    """Real threads, and how many there were at once."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self, job: Callable[[], None]) -> None:
        thread = threading.Thread(target=job, daemon=True)
        self.threads.append(thread)
        thread.start()

    def alive(self) -> int:
        return sum(one.is_alive() for one in self.threads)


def test_targets_that_hang_keep_no_other_waiting() -> None:
    release = threading.Event()
    target = FakeTarget(
        before=lambda one: None if "quick" in one.target else (release.wait(20), None)[1]
    )
    world = World(target)
    threads = Threads()
    worker = TargetsWorker(world.outbox, world, SystemClock(), threads)
    now = int(SystemClock().now().timestamp())
    world.outbox.put([delivery("first", target="https://quick.example/", created=now)])
    while not target.sent:
        worker.step()
    threads.threads[0].join()
    world.outbox.put(
        [
            delivery(f"{lane}-{number}", target=f"https://{lane}.example/", created=now - 100)
            for lane in range(50)
            for number in range(20)
        ]
    )
    for _ in range(5):
        worker.step()
    assert threads.alive() == AT_ONCE // 2

    began = time.monotonic()
    world.outbox.put([delivery("second", target="https://quick.example/", created=now)])
    while "second" not in target.sent and time.monotonic() - began < 5:
        worker.step()

    assert time.monotonic() - began < 1
    assert threads.alive() <= AT_ONCE
    release.set()
    for thread in threads.threads:
        thread.join()


def test_what_hangs_of_one_account_leaves_tries_to_others() -> None:
    lanes = Lanes()

    def begun(account: str) -> int:
        names = [f"{account} https://{number}.example/" for number in range(50)]
        return sum(lanes.begin(name, 0) for _ in range(OF_A_LANE) for name in names)

    first, second, third = begun("1"), begun("2"), begun("3")

    assert first == AT_ONCE // 2
    assert first > second > third > 0
    assert first + second + third <= NOT_QUICK
    for number in range(first):
        lanes.end(f"1 https://{number}.example/", answered=True, took=1, now=0)
    assert begun("4") > 0


def test_one_target_has_few_tries_at_once() -> None:
    release = threading.Event()
    target = FakeTarget(before=lambda one: (release.wait(20), None)[1])
    world = World(target)
    threads = Threads()
    worker = TargetsWorker(world.outbox, world, SystemClock(), threads)
    now = int(SystemClock().now().timestamp())
    world.outbox.put([delivery(f"{number}", created=now) for number in range(200)])
    for _ in range(3):
        worker.step()
    assert threads.alive() <= OF_A_LANE

    release.set()
    deadline = time.monotonic() + 20
    while len(target.sent) < 200 and time.monotonic() < deadline:
        worker.step()

    assert sorted(target.sent) == sorted(f"{number}" for number in range(200))


def test_new_targets_come_before_the_backlog_of_others() -> None:
    target = FakeTarget()
    world = World(target)
    at = int(START.timestamp())
    world.outbox.put(
        [
            delivery(
                f"{lane}-{number}", target=f"https://{lane}.example/", created=at - 1000 + number
            )
            for lane in range(AT_ONCE + 8)
            for number in range(100)
        ]
    )
    world.worker.step()
    world.outbox.put([delivery("new", target="https://new.example/")])

    world.worker.step()

    assert "new" in target.sent
