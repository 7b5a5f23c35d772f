"""From events to Insights records, with crashes in between; imports and pauses."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from opentrail.adapters.call_counts import MemoryCallCounts, SqliteCallCounts
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.adapters.state import MemoryStateStore
from opentrail.clock import ManualClock, iso_seconds
from opentrail.insights.counts import CALL_RATE, ERROR_RATE
from opentrail.ports.state import Change
from opentrail.record import read_record
from opentrail.selectors import InsightSelector
from opentrail.trail.timeline import TIMELINE_KIND, Timeline
from opentrail.trail.trail import Trail
from opentrail.workers.insights import InsightsWorker

ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 24, 0, 0, 20, tzinfo=UTC)
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/s-"
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """As if the process were gone."""


@dataclass
class World:
    counts: object = field(default_factory=MemoryCallCounts)

    def __post_init__(self):
        self.clock = ManualClock(NOW)
        self.events = MemoryEventStore(self.clock)
        self.state = MemoryStateStore()
        self.made = 0
        self.select(CALL_RATE, ERROR_RATE)

    def select(self, *types, logging=True):
        arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/all"
        trail = Trail(
            arn=arn, name="all", account_id=ACCOUNT, home_region="us-east-1", s3_bucket_name="b",
            created=NOW, is_multi_region_trail=True, is_logging=logging,
            insight_selectors=tuple(InsightSelector(one, ("Management",)) for one in types),
        )  # fmt: skip
        body = msgspec.json.encode(Timeline().turned(0, trail))
        self.state.apply([Change(TIMELINE_KIND, arn, body)])

    def worker(self):
        return InsightsWorker(
            events=self.events, counts=self.counts, state=self.state, clock=self.clock
        )

    def record(self, when, **changed):
        self.made += 1
        return json.dumps({
            "eventVersion": "1.11", "eventID": f"e{self.made}", "eventTime": iso_seconds(when),
            "awsRegion": "eu-west-1", "eventCategory": "Management", "readOnly": False,
            "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "userIdentity": {"type": "AssumedRole", "arn": f"{ROLE}{self.made}"},
            "userAgent": "boto3", "recipientAccountId": ACCOUNT,
        } | changed).encode()  # fmt: skip

    def import_past(self, days=28, per_day=24):
        raws = [
            self.record(NOW - timedelta(days=day) + timedelta(minutes=60 * at + (7 * day) % 50))
            for day in range(1, days + 1)
            for at in range(per_day)
        ]
        self.events.append(raws)

    def calls(self, count, **changed):
        self.events.append([self.record(self.clock.now(), **changed) for _ in range(count)])

    def told(self):
        return [json.loads(raw) for _, raw in self.counts.waiting(100)]


def settle(worker, world):
    for _ in range(20):
        world.clock.advance(timedelta(seconds=1))
        if not worker.step():
            return


def run(world, worker, minutes, calls=lambda at: 0):
    for at in range(minutes):
        if count := calls(at):
            world.calls(count)
        world.clock.advance(MINUTE)
        worker.step()


def burst(at):
    return 30 if 20 <= at < 25 else 1 if at % 60 == 10 else 0


def test_an_account_has_a_baseline_as_soon_as_its_past_is_imported():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)

    run(world, worker, 60, burst)

    start, end = world.told()
    assert (start["insightDetails"]["state"], end["insightDetails"]["state"]) == ("Start", "End")
    assert start["sharedEventID"] == end["sharedEventID"]
    context = start["insightDetails"]["insightContext"]
    assert context["statistics"]["insight"]["average"] == 30
    assert 0.015 < context["statistics"]["baseline"]["average"] < 0.018
    principals, agents, codes = context["attributions"]
    assert principals["insight"] == [
        {"value": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy", "average": 30}
    ]
    assert agents["insight"][0]["value"] == "boto3"
    assert codes["insight"] == [{"value": "null", "average": 30}]
    assert end["insightDetails"]["insightContext"]["statistics"]["insightDuration"] == 5
    assert "expected" in start["addendum"]["explanation"]


def test_it_is_told_within_two_minutes():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)
    before = world.clock.now()

    world.calls(30)
    while not world.told():
        world.clock.advance(timedelta(seconds=1))
        worker.step()

    assert world.clock.now() - before < timedelta(seconds=90)


def test_without_selectors_all_is_counted_and_nothing_told():
    world = World()
    world.select()
    worker = world.worker()
    world.import_past()
    settle(worker, world)

    run(world, worker, 40, burst)

    assert world.told() == []
    assert len(list(world.counts.series())) == 1


def test_a_selector_that_comes_later_finds_the_past_counted():
    world = World()
    world.select()
    worker = world.worker()
    world.import_past()
    settle(worker, world)
    world.select(CALL_RATE)

    run(world, worker, 40, burst)

    assert len(world.told()) == 2


def test_an_alert_ends_silently_when_nobody_asks_any_more():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)
    run(world, worker, 23, burst)
    world.select(CALL_RATE, logging=False)

    run(world, worker, 30)

    assert len(world.told()) == 1
    assert all(one.ended for one in world.counts.alerts(since=0))


def test_events_that_come_twice_count_once():
    world = World()
    worker = world.worker()
    raw = world.record(NOW)
    world.events.append([raw])
    settle(worker, world)
    world.events.append([raw])
    settle(worker, world)

    (known,) = world.counts.series()
    assert sum(count for _, count in world.counts.counts(known.key, 0, 2**31)) == 1


def test_an_api_never_seen_is_told_of_once():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)

    for at in range(60):
        if at % 20 == 5:
            world.calls(25, eventName="DeleteTrail")
        world.clock.advance(MINUTE)
        worker.step()
        if at % 10 == 0:
            worker = world.worker()

    starts = [one for one in world.told() if one["insightDetails"]["state"] == "Start"]
    assert [one["addendum"]["rule"] for one in starts] == ["never-seen"]


def test_errors_are_found_by_code():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)

    for at in range(40):
        if at == 20:
            world.calls(40, errorCode="AccessDenied", readOnly=True)
        world.clock.advance(MINUTE)
        worker.step()

    start, _ = world.told()
    assert start["insightDetails"]["errorCode"] == "AccessDenied"
    assert start["insightDetails"]["insightType"] == ERROR_RATE


@pytest.mark.parametrize("seed", range(4))
def test_kills_at_any_time_change_nothing(seed, tmp_path):
    def story(world, kills):
        random = np.random.default_rng(seed)
        worker = world.worker()
        world.import_past()
        settle(worker, world)
        commit = world.counts.commit

        def killed(changes, place):
            if random.random() < 0.5:
                commit(changes, place)
            raise Killed

        for at in range(90):
            if count := burst(at):
                world.calls(count)
            world.clock.advance(MINUTE)
            if kills and random.random() < 0.4:
                world.counts.commit = killed
                with pytest.raises(Killed):
                    worker.step()
                world.counts.commit = commit
                worker = world.worker()
            worker.step()
        (known,) = world.counts.series()
        return world.told(), world.counts.counts(known.key, 0, 2**31)

    undisturbed = story(World(), kills=False)
    store = SqliteCallCounts(tmp_path / "counts.sqlite")
    disturbed = story(World(store), kills=True)
    store.close()

    assert len(undisturbed[0]) == 2
    assert disturbed[1] == undisturbed[1]
    for one, other in zip(disturbed[0], undisturbed[0], strict=True):
        assert one == other


def test_a_record_of_an_insight_is_taken_by_trails_that_ask_for_its_type():
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)
    run(world, worker, 22, burst)
    head = read_record(world.counts.waiting(1)[0][1]).head
    (document,) = world.state.list(TIMELINE_KIND)
    trail = msgspec.json.decode(document.body, type=Timeline).at(0)

    def asking(*types):
        selectors = tuple(InsightSelector(one, ("Management",)) for one in types)
        return msgspec.structs.replace(trail, insight_selectors=selectors).takes(head)

    assert asking(CALL_RATE)
    assert not asking(ERROR_RATE)
    assert not asking()


def test_times_far_ahead_are_counted_and_not_waited_for():
    world = World()
    worker = world.worker()
    world.events.append([world.record(NOW + timedelta(days=9)), b"{}"])
    settle(worker, world)

    (known,) = world.counts.series()
    assert known.first == int((NOW + timedelta(days=9)).timestamp() // 60)
    assert not worker._waiting
