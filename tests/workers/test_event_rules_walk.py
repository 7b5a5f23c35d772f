"""From a record to the outbox, with crashes in between; schedules over restarts."""

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.adapters.state import MemoryStateStore
from opentrail.clock import ManualClock
from opentrail.ports.state import Change
from opentrail.ports.targets.outbox import Attempt, Delivery, DeliveryQuery, DeliveryState, Step
from opentrail.rules.rule import (
    RULE_KIND,
    RULES_CHANGED_KEY,
    RULES_CHANGED_KIND,
    Rule,
    RuleHistory,
    RuleState,
    RuleTurn,
    Target,
    Transformer,
)
from opentrail.workers.rules import FOLLOWER, RulesWorker, ScheduleWorker
from pace import within

ACCOUNT = "123456789012"
START = datetime(2026, 7, 1, 9, 0, 30, tzinfo=UTC)
QUEUE = Target(id="q", arn="arn:aws:sqs:us-east-1:123456789012:q")
BY_IAM = '{"detail":{"eventSource":["iam.amazonaws.com"]}}'


class Killed(BaseException):
    """As if the process were gone."""


@dataclass
class World:
    """A journal, rules and an outbox."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    state: MemoryStateStore = field(default_factory=MemoryStateStore)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def put(self, rule: Rule, *, deleted: bool = False) -> None:
        """As the API does: from the journal's end on."""
        document = self.state.get(RULE_KIND, rule.key)
        turn = RuleTurn(self.journal.end(), None if deleted else rule)
        turns = (
            () if document is None else msgspec.json.decode(document.body, type=RuleHistory).turns
        )
        body = msgspec.json.encode(RuleHistory((*turns, turn)))
        self.state.apply([
            Change(RULE_KIND, rule.key, body),
            Change(RULES_CHANGED_KIND, RULES_CHANGED_KEY, b"{}"),
        ])  # fmt: skip

    def record(self, name: str = "CreateUser", **values: Any) -> str:
        event_id = f"id-{next(self._numbers)}"
        usual = {
            "eventID": event_id, "eventTime": "2026-07-01T09:00:00Z", "eventType": "AwsApiCall",
            "eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "us-east-1",
            "recipientAccountId": ACCOUNT, "eventCategory": "Management", "managementEvent": True,
            "readOnly": False, "userIdentity": {"accessKeyId": "AKIA1"},
        }  # fmt: skip
        self.journal.append([json.dumps(usual | values).encode()])
        return event_id

    def worker(self) -> RulesWorker:
        return RulesWorker(
            journal=self.journal, state=self.state, outbox=self.outbox, clock=self.clock
        )

    def told(self) -> list[Delivery]:
        kept = self.outbox.list(DeliveryQuery(limit=10_000))
        return [one.delivery for one in reversed(kept)]


def rule(name: str = "r", pattern: str = BY_IAM, **values: Any) -> Rule:
    usual = {"account_id": ACCOUNT, "region": "us-east-1", "targets": (QUEUE,)}
    return Rule(name=name, pattern=pattern, **(usual | values))


def drain(worker: RulesWorker) -> None:
    while worker.step():
        pass


def test_a_record_comes_to_every_target_of_its_rules() -> None:
    world = World()
    hook = Target(
        id="h", arn="https://hooks.example/", max_attempts=3, max_age_seconds=60,
        dead_letter_arn="arn:aws:sqs:r:1:dead", transformer=Transformer({"n": "$.detail.eventName"}, '{"n":<n>}'),
    )  # fmt: skip
    world.put(rule(targets=(QUEUE, hook)))
    event_id = world.record()
    world.record(eventSource="s3.amazonaws.com")

    drain(world.worker())

    first, second = world.told()
    assert json.loads(first.payload)["detail"]["eventID"] == event_id
    assert (first.target, first.cause, first.event_ids) == (QUEUE.arn, rule().arn, (event_id,))
    assert (first.access_key_id, first.created) == ("AKIA1", int(START.timestamp()))
    assert (first.max_attempts, first.max_age_seconds) == (185, 86_400)
    assert (second.target, second.payload) == (hook.arn, b'{"n":"CreateUser"}')
    assert (second.max_attempts, second.max_age_seconds, second.dead_letter) == (
        3,
        60,
        "arn:aws:sqs:r:1:dead",
    )


def test_rules_take_records_of_their_account_and_region_alone() -> None:
    world = World()
    world.put(rule("there"))
    world.put(rule("other-account", account_id="999999999999"))
    world.put(rule("other-region", region="eu-west-1"))
    world.put(rule("other-bus", bus="mine"))
    world.record()
    world.record(awsRegion="eu-west-1")

    drain(world.worker())

    assert [one.cause.rpartition("/")[2] for one in world.told()] == ["there", "other-region"]


def test_a_rule_takes_what_is_recorded_after_it_and_until_it_changes() -> None:
    world = World()
    before = world.record()
    world.put(rule())
    taken = world.record()
    world.put(rule(pattern='{"detail":{"eventName":["DeleteUser"]}}'))
    world.record()
    also = world.record("DeleteUser")
    world.put(rule(state=RuleState.DISABLED))
    world.record()
    world.put(rule(), deleted=True)
    world.record()

    # Looked at long afterwards, by one who knows all changes.
    drain(world.worker())

    assert [one.event_ids for one in world.told()] == [(taken,), (also,)]
    assert before


def test_a_change_is_seen_with_the_next_record() -> None:
    world = World()
    worker = world.worker()
    world.record()
    drain(worker)
    world.put(rule())
    event_id = world.record()

    drain(worker)

    assert [one.event_ids for one in world.told()] == [(event_id,)]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(6))
def test_nothing_is_lost_or_doubled_over_a_crash(at: int, after: bool) -> None:
    world = World()
    world.put(rule())
    ids: list[str] = []
    put, count = world.outbox.put, itertools.count()

    def fragile(*args: Any, **values: Any) -> int:
        number = next(count)
        if number == at and not after:
            raise Killed
        done = put(*args, **values)
        if number == at:
            raise Killed
        return done

    world.outbox.put = fragile  # type: ignore[method-assign]
    for _ in range(4):
        worker = world.worker()
        try:
            for _ in range(3):
                ids += [world.record(), world.record()]
                world.record(eventSource="s3.amazonaws.com")
                drain(worker)
                world.clock.advance(timedelta(seconds=6))
        except Killed:
            continue
    drain(world.worker())

    assert [one.event_ids[0] for one in world.told()] == ids


@pytest.mark.parametrize("dies_at", [None, 0, 3])
def test_what_one_record_makes_is_put_in_parts(dies_at: int | None) -> None:
    world = World()
    targets = tuple(Target(id=str(one), arn=f"{QUEUE.arn}{one}") for one in range(5))
    for number in range(40):
        world.put(rule(f"r{number}", targets=targets))
    event_id = world.record(requestParameters={"text": "x" * 300_000})
    after = world.record()
    put, steps = world.outbox.put, []

    def watched(made: Any, **values: Any) -> int:
        steps.append([one.payload for one in made])
        if len(steps) - 1 == dies_at:
            put(made, **values)
            raise Killed
        return put(made, **values)

    world.outbox.put = watched  # type: ignore[method-assign]
    if dies_at is not None:
        with pytest.raises(Killed):
            drain(world.worker())
    drain(world.worker())

    assert Counter(one.event_ids for one in world.told()) == {(event_id,): 200, (after,): 200}
    assert max(sum(map(len, those)) for those in steps) < 9 * 1024 * 1024
    first = steps[0]
    assert all(one is first[0] for one in first)


def test_deleted_rules_are_forgotten_once_nobody_needs_them() -> None:
    world = World()
    world.put(rule())
    event_id = world.record()
    world.put(rule(), deleted=True)
    world.record()
    assert world.state.get(RULE_KIND, rule().key) is not None

    worker = world.worker()
    drain(worker)
    world.clock.advance(timedelta(seconds=6))
    world.record()
    drain(worker)

    assert world.state.get(RULE_KIND, rule().key) is None
    assert [one.event_ids for one in world.told()] == [(event_id,)]


def test_a_rule_for_everything_does_not_answer_its_own_answers() -> None:
    world = World()
    world.put(rule(pattern='{"source":[{"prefix":""}]}', state=RuleState.WITH_READS))
    world.record()
    worker = world.worker()

    for _ in range(20):
        drain(worker)
        now = int(world.clock.now().timestamp() * 1000)
        waiting = DeliveryQuery(states=(DeliveryState.WAITING,))
        for kept in world.outbox.list(waiting):
            # The call that brings the message is recorded, and so is that it was brought.
            world.outbox.acts_with(kept.delivery.id, "AKIASENDER")
            world.record("SendMessage", userIdentity={"accessKeyId": "AKIASENDER"})
            response_id = world.record("Responded", userIdentity={})
            step = Step(
                state=DeliveryState.DELIVERED, at=now, response_id=response_id,
                attempt=Attempt(at=now, outcome="delivered"), response=b"{}",
            )  # fmt: skip
            world.outbox.advance(kept.delivery.id, step)

    states = [one.state for one in world.outbox.list(DeliveryQuery(limit=100))]
    assert sorted(states) == ["delivered", "loop", "loop"]


def test_tags_ask_for_a_dry_run_or_approval() -> None:
    world = World()
    world.put(rule("dry", tags=(("opentrail:dry-run", "true"),)))
    world.put(rule("held", tags=(("opentrail:approval", "required"),)))
    world.record()

    drain(world.worker())

    told = {one.cause.rpartition("/")[2]: one for one in world.told()}
    assert (told["dry"].dry_run, told["dry"].needs_approval) == (True, False)
    assert (told["held"].dry_run, told["held"].needs_approval) == (False, True)


def test_odd_records_stop_nobody() -> None:
    world = World()
    world.put(rule(pattern='{"detail":{"eventName":[{"exists":true}],"a":{"b":[1]}}}'))
    odd = [
        b"[]", b"{", b"\xff", b"{}", b'{"eventName":{"a":1}}', b'{"eventID":5,"eventType":[1]}',
        b'{"userIdentity":"x","eventSource":null}', b"[" * 5000, b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ]  # fmt: skip
    world.journal.append(odd)
    event_id = world.record(**{"a.b": 1})
    lone = world.record(a={"b": 1}, x="\ud800")

    drain(world.worker())

    assert [one.event_ids for one in world.told()] == [(event_id,), (lone,)]
    world.told()[1].payload.decode()


def test_a_template_that_makes_no_json_is_told_and_holds_up_nothing(capsys: Any) -> None:
    world = World()
    bad = Target(id="bad", arn=QUEUE.arn, transformer=Transformer({"d": "$.detail"}, '{"x":"<d>"}'))
    world.put(rule(targets=(bad, QUEUE)))
    world.record()

    drain(world.worker())

    assert [one.target for one in world.told()] == [QUEUE.arn]
    assert "event_not_transformed" in capsys.readouterr().out


def test_many_rules_are_read_again_only_when_one_changes() -> None:
    world = World()
    for number in range(300):
        world.put(rule(f"r{number}", pattern=f'{{"detail":{{"eventName":["Call{number}"]}}}}'))
    worker = world.worker()
    world.record("Call7")
    drain(worker)
    world.record("Call8")

    with within(1):
        for _ in range(100):
            worker.step()

    assert len(world.told()) == 2


def scheduled(expression: str, **values: Any) -> Rule:
    return rule(pattern="", schedule=expression, **({"since": int(START.timestamp())} | values))


def schedules(world: World) -> ScheduleWorker:
    return ScheduleWorker(state=world.state, outbox=world.outbox, clock=world.clock)


def times(world: World) -> list[str]:
    return [json.loads(one.payload)["time"][11:19] for one in world.told()]


def test_a_scheduled_rule_is_fired_once_for_each_due_time() -> None:
    world = World()
    worker = schedules(world)
    worker.step()
    world.put(scheduled("cron(0/2 * * * ? *)"))
    for _ in range(300):
        world.clock.advance(timedelta(seconds=1))
        worker.step()

    assert times(world) == ["09:02:00", "09:04:00"]
    (first, _) = world.told()
    assert json.loads(first.payload) == {
        "version": "0", "id": json.loads(first.payload)["id"], "detail-type": "Scheduled Event",
        "source": "aws.events", "account": ACCOUNT, "time": "2026-07-01T09:02:00Z", "region": "us-east-1",
        "resources": [rule().arn], "detail": {},
    }  # fmt: skip


def test_what_was_due_while_nobody_looked_is_fired_after_a_restart() -> None:
    world = World()
    schedules(world).step()
    world.put(scheduled("rate(1 minute)"))
    for _ in range(5):
        worker = schedules(world)
        world.clock.advance(timedelta(seconds=95))
        while worker.step():
            pass

    assert times(world) == [f"09:0{minute}:30" for minute in range(1, 8)]
    world.clock.advance(timedelta(days=3))
    worker = schedules(world)
    while worker.step():
        pass
    # A day back, and no further.
    assert len(times(world)) == 7 + 1440


@pytest.mark.parametrize("after", [False, True])
def test_a_schedule_is_not_fired_twice_over_a_crash(after: bool) -> None:
    world = World()
    schedules(world).step()
    world.put(scheduled("rate(1 minute)"))
    put = world.outbox.put
    world.clock.advance(timedelta(seconds=61))

    def fragile(*args: Any, **values: Any) -> int:
        if after:
            put(*args, **values)
        raise Killed

    world.outbox.put = fragile  # type: ignore[method-assign]
    with pytest.raises(Killed):
        schedules(world).step()
    world.outbox.put = put  # type: ignore[method-assign]
    worker = schedules(world)
    worker.step()
    world.clock.advance(timedelta(seconds=10))
    worker.step()

    assert times(world) == ["09:01:30"]


def test_a_clock_set_back_fires_nothing_twice() -> None:
    world = World()
    worker = schedules(world)
    worker.step()
    world.put(scheduled("rate(1 minute)"))
    for step in (61, -50, 30, 30, 60):
        world.clock.advance(timedelta(seconds=step))
        worker.step()

    assert times(world) == ["09:01:30", "09:02:30"]


def test_disabled_rules_are_not_due() -> None:
    world = World()
    worker = schedules(world)
    worker.step()
    world.put(scheduled("rate(1 minute)", state=RuleState.DISABLED))
    world.clock.advance(timedelta(seconds=300))
    worker.step()

    assert times(world) == []
    assert world.outbox.place(FOLLOWER) is None
