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
from opentrail.insights.alert import Kind
from opentrail.insights.baseline import NORMAL
from opentrail.insights.counts import CALL_RATE, ERROR_RATE, SeriesKey
from opentrail.insights.replay import replay
from opentrail.ports.insights.call_counts import Changes, CountPlace
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


@pytest.mark.parametrize("changed", [{"eventName": "DeleteTrail"}, {"awsRegion": "ap-south-1"}])
def test_an_api_never_seen_there_is_told_of_once(changed):
    world = World()
    worker = world.worker()
    world.import_past()
    settle(worker, world)

    for at in range(60):
        if at % 20 == 5:
            world.calls(25, **changed)
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
    assert world.told() == []


def names(world, count, *, first=0):
    """Calls of so many APIs, each once."""
    world.events.append([
        world.record(world.clock.now(), eventName=f"Made{at}") for at in range(first, first + count)
    ])  # fmt: skip


def remembered(worker):
    watching = worker._watching
    return len(watching.first), len(watching.detection), len(worker._changed_past)


def test_names_that_found_no_place_are_not_remembered():
    world = World(MemoryCallCounts(most_series=20))
    worker = world.worker()
    settle(worker, world)

    for start in range(0, 200, 50):
        names(world, 50, first=start)
        run(world, worker, 3)

    assert remembered(worker) == (10, 10, 0)


def test_series_that_are_forgotten_leave_no_trace_and_their_rows_are_used_again(tmp_path):
    store = SqliteCallCounts(tmp_path / "counts.sqlite", most_series=20)
    world = World(store)
    old = int((NOW - timedelta(days=95)).timestamp() // 60)
    key = SeriesKey(ACCOUNT, "eu-west-1", "Management", "ec2.amazonaws.com", "", CALL_RATE, "")
    past = {(key._replace(event_name=f"Old{at}"), old): 1 for at in range(10)}
    store.commit(Changes(past), CountPlace(0, int(NOW.timestamp() // 60) - 1))
    worker = world.worker()
    settle(worker, world)

    names(world, 10)
    run(world, worker, 3)

    assert remembered(worker) == (10, 10, 0)
    assert worker._watching.detection._windows.rows == 10
    again = world.worker()
    settle(again, world)
    assert worker._watching._learning._since == again._watching._learning._since
    store.close()


def test_a_pause_of_a_day_is_judged_as_if_there_had_been_none():
    def story(steps_each):
        world = World()
        worker = world.worker()
        world.import_past()
        settle(worker, world)
        for at in range(30 * 60):
            if calls := 30 if at in range(1380, 1385) or at in range(1600, 1605) else at % 60 == 10:
                world.calls(int(calls))
            world.clock.advance(MINUTE)
            if at % steps_each == steps_each - 1:
                settle(worker, world) if steps_each > 1 else worker.step()
        return world.told()

    assert story(900) == story(1)
    assert len(story(900)) == 4


def live_calls(world, day, at):
    """Of three days: a night's burst that is cleaned, one over a midnight, errors, a new API."""
    if at % 60 == (7 * day) % 50 or (day, at // 5) in {(0, 240), (1, 287), (2, 0), (2, 150)}:
        world.calls(30 if at % 60 != (7 * day) % 50 else 1)
    if day == 2 and at in range(300, 304):
        world.calls(40, errorCode="AccessDenied", readOnly=True)
    if day == 2 and at in range(700, 703):
        world.calls(25, eventName="DeleteTrail")
    if at % 5 == 0 and not (day == 2 and 900 <= at < 1000):
        world.calls(4, eventName="Steady")
    if day == 2 and at >= 1430:
        world.calls(50, eventName="Lasting")


@pytest.mark.contract
def test_a_replay_finds_what_was_found_live():
    world = World()
    now = int(NOW.timestamp() // 60)
    steady = SeriesKey(
        ACCOUNT, "eu-west-1", "Management", "ec2.amazonaws.com", "Steady", CALL_RATE, ""
    )
    rare = steady._replace(event_name="RunInstances")
    past = {(steady, now - at): 4 for at in range(5, 28 * 1440, 5)}
    past |= {(rare, now - at): 1 for at in range(60, 28 * 1440, 60)}
    world.counts.commit(Changes(past), CountPlace(0, now - 1))
    worker = world.worker()
    settle(worker, world)
    for minute in range(3 * 1440):
        live_calls(world, *divmod(minute, 1440))
        world.clock.advance(MINUTE)
        worker.step()

    start = int((NOW + timedelta(days=2)).timestamp() // 60)
    end = world.counts.place().judged + 1
    first = {one.key: one.first for one in world.counts.series()}
    found = replay(world.counts, first, start=start, end=end, sensitivity=NORMAL)

    live = [one for one in world.counts.alerts(since=start) if one.seen >= start]
    assert found == sorted(live, key=lambda one: (one.seen, one.id))
    assert {one.kind for one in found} >= {Kind.HIGH, Kind.NEVER_SEEN, Kind.DROP}
    assert any(one.series.error_code for one in found)
    assert not found[-1].is_over
