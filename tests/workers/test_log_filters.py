"""Events of log groups become datapoints and deliveries, each once, whatever breaks meanwhile."""

import base64
import gzip
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_log_feeds import GROUP, TO_GROUP, FedWalk
from workers_world import ACCOUNT, MINUTE, OTHER

from opentrail.adapters.metrics import MemoryMetricStore
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.alarms.metric_filter import METRIC_FILTER_KIND, MetricFilter
from opentrail.errors import Unavailable
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.logs.names import GroupKey
from opentrail.logs.subscription import SUBSCRIPTION_KIND, SubscriptionFilter
from opentrail.ports.log_events import LogEvent
from opentrail.ports.metrics import Datapoint, Series
from opentrail.ports.state import Change
from opentrail.ports.targets.outbox import Delivery, DeliveryQuery, DeliveryState
from opentrail.workers.logs import LogFilterWorker
from opentrail.workers.logs import samples as samples_module
from opentrail.workers.logs.expiring import LogEventsKeeper
from opentrail.workers.logs.worker import Stores

SERIES = Series(ACCOUNT, "us-east-1", "ns", "m")
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"


class Failing:
    """Fails as often as it is told: before the disk has it, or after."""

    before = after = 0

    def begin(self) -> None:
        if self.before:
            self.before -= 1
            raise Unavailable("no room")

    def end(self) -> None:
        if self.after:
            self.after -= 1
            raise Unavailable("no answer")


class Metrics(Failing, MemoryMetricStore):
    def put(
        self, points: Sequence[Datapoint], *, follower: str = "", place: int | None = None
    ) -> None:
        self.begin()
        super().put(points, follower=follower, place=place)
        self.end()


class Box(Failing, MemoryOutbox):
    def put(
        self, deliveries: Sequence[Delivery], *, follower: str = "", place: int | None = None
    ) -> int:
        self.begin()
        new = super().put(deliveries, follower=follower, place=place)
        self.end()
        return new


class FilteredWalk(FedWalk):
    """As FedWalk, with filters."""

    def __post_init__(self) -> None:
        self.metrics, self.outbox = Metrics(), Box()
        super().__post_init__()
        self.group()

    def restart(self) -> None:
        super().restart()
        stores = Stores(
            journal=self.journal, state=self.state, log_events=self.log_events,
            metrics=self.metrics, outbox=self.outbox,
        )  # fmt: skip
        self.filtering = LogFilterWorker(stores, self.clock)

    def filter(
        self, pattern: str = "{ $.eventName = RunInstances }", **values: Any
    ) -> MetricFilter:
        usual = {
            "account_id": ACCOUNT, "region": "us-east-1", "group": "trails", "name": "f",
            "pattern": pattern, "metric_namespace": "ns", "metric_name": "m", "value": "1",
            "created": self.milliseconds(), "since": self.milliseconds(),
            "not_before": self.journal.end(),
        }  # fmt: skip
        made = MetricFilter(**(usual | values))
        self.state.apply([Change(METRIC_FILTER_KIND, made.state_key, msgspec.json.encode(made))])
        return made

    def subscribe(
        self, pattern: str = "{ $.eventName = RunInstances }", **values: Any
    ) -> SubscriptionFilter:
        usual = {
            "account_id": ACCOUNT, "region": "us-east-1", "group": "trails", "name": "s",
            "pattern": pattern, "destination_arn": QUEUE, "created": self.milliseconds(),
            "since": self.milliseconds(),
            "not_before": self.journal.end(),
        }  # fmt: skip
        made = SubscriptionFilter(**(usual | values))
        self.state.apply([Change(SUBSCRIPTION_KIND, made.state_key, msgspec.json.encode(made))])
        return made

    def milliseconds(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def put(self, *messages: str, stream: str = "own", key: str = "") -> None:
        self.log_events.create_stream(GROUP, stream, self.milliseconds())
        events = [LogEvent(self.milliseconds(), one) for one in messages]
        self.log_events.put(GROUP, stream, events, self.milliseconds(), key)

    def work(self, times: int = 3) -> None:
        for _ in range(times):
            self.filtering.step()

    def count(self, series: Series = SERIES) -> float:
        end = int(self.clock.now().timestamp()) + 60
        return sum(one.count for one in self.metrics.read(series, 0, end, 60))

    def total(self, series: Series = SERIES) -> float:
        end = int(self.clock.now().timestamp()) + 60
        return sum(one.sum for one in self.metrics.read(series, 0, end, 60))

    def sent(self) -> list[dict[str, Any]]:
        found = []
        for kept in reversed(self.outbox.list(DeliveryQuery(limit=1000))):
            wrapped = json.loads(kept.delivery.payload)["awslogs"]["data"]
            found.append(json.loads(gzip.decompress(base64.b64decode(wrapped))))
        return found


@pytest.fixture
def walk(tmp_path: Path) -> FilteredWalk:
    return FilteredWalk(tmp_path)


def test_records_that_the_trail_takes_are_counted_when_the_pattern_matches(
    walk: FilteredWalk,
) -> None:
    walk.trail(**TO_GROUP)
    walk.filter()
    walk.call()
    walk.call(eventName="StopInstances")
    walk.call(recipientAccountId=OTHER)
    walk.call(awsRegion="eu-west-1")
    walk.call(padding="x" * 300_000)
    walk.call()
    walk.work()

    assert walk.count() == 2
    (bucket,) = walk.metrics.read(SERIES, 0, 2**40, 60)
    assert bucket.time == int(walk.clock.now().timestamp()) // 60 * 60
    assert (bucket.minimum, bucket.maximum, bucket.unit) == (1, 1, "None")


def test_a_filter_counts_from_its_making_and_a_trail_while_it_points_there(
    walk: FilteredWalk,
) -> None:
    walk.trail(**TO_GROUP)
    walk.call()
    walk.filter()
    walk.call()
    walk.trail()
    walk.call()
    walk.trail(**TO_GROUP)
    walk.call()
    walk.turn(None)
    walk.call()
    walk.work(8)

    assert walk.count() == 2


def test_values_units_and_dimensions_are_those_of_the_transformation(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.filter(
        "{ $.size > 0 }",
        value="$.size",
        unit="Bytes",
        dimensions=(("User", "$.userIdentity.userName"),),
    )
    for user, size in (("alice", 10), ("bob", 2.5), ("alice", 30)):
        walk.call(size=size, userIdentity={"userName": user})
    walk.call(size=7)
    walk.work()

    alice = Series(ACCOUNT, "us-east-1", "ns", "m", (("User", "alice"),))
    bob = Series(ACCOUNT, "us-east-1", "ns", "m", (("User", "bob"),))
    assert (walk.count(alice), walk.total(alice), walk.total(bob)) == (2, 40, 2.5)
    (bucket,) = walk.metrics.read(alice, 0, 2**40, 60)
    assert (bucket.unit, bucket.minimum, bucket.maximum) == ("Bytes", 10, 30)
    assert walk.count() == 0


def test_two_trails_of_one_group_count_a_record_once(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    other = msgspec.structs.replace(walk.trail(**TO_GROUP), arn=f"{walk.trail(**TO_GROUP).arn}2")
    timeline = walk.state.list("timeline")[0]
    walk.state.apply([Change("timeline", other.arn, timeline.body)])
    walk.filter()
    walk.call()
    walk.work()

    assert walk.count() == 1


def test_subscriptions_get_what_lambda_gets_once_with_one_key(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.subscribe(role_arn="arn:aws:iam::1:role/r")
    event_id = walk.call(userIdentity={"accessKeyId": "AKIA1"})
    walk.call(eventName="Other")
    walk.work()

    (kept,) = walk.outbox.list(DeliveryQuery())
    assert kept.delivery.target == QUEUE
    assert kept.delivery.event_ids == (event_id,)
    assert kept.delivery.access_key_id == "AKIA1"
    assert kept.delivery.attribute("role") == "arn:aws:iam::1:role/r"
    assert kept.delivery.cause == f"{GROUP.arn}:subscription-filter:s"
    (said,) = walk.sent()
    assert said["messageType"] == "DATA_MESSAGE"
    assert said["owner"] == ACCOUNT
    assert (said["logGroup"], said["logStream"]) == ("trails", f"{ACCOUNT}_CloudTrail_us-east-1")
    assert said["subscriptionFilters"] == ["s"]
    (event,) = said["logEvents"]
    assert json.loads(event["message"])["eventID"] == event_id
    assert len(event["id"]) == 56
    assert event["timestamp"] == walk.milliseconds()


def test_what_a_subscription_sets_off_does_not_set_it_off_again(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.subscribe()
    walk.call(userIdentity={"accessKeyId": "AKIA1"})
    walk.work()
    (first,) = walk.outbox.list(DeliveryQuery())
    walk.outbox.acts_with(first.delivery.id, "AKIAFUNCTION")
    walk.call(userIdentity={"accessKeyId": "AKIAFUNCTION"})
    walk.call(userIdentity={"accessKeyId": "AKIA2"})
    walk.work()

    states = [one.state for one in reversed(walk.outbox.list(DeliveryQuery()))]
    assert states == [DeliveryState.WAITING, DeliveryState.LOOP, DeliveryState.WAITING]


def test_a_function_that_writes_to_the_group_it_hears_from_is_not_asked_for_ever(
    walk: FilteredWalk,
) -> None:
    walk.subscribe("ERROR")
    walk.put("ERROR first", key="AKIA1")
    walk.work()
    (first,) = walk.outbox.list(DeliveryQuery())
    walk.outbox.acts_with(first.delivery.id, "AKIAFUNCTION")
    walk.put("ERROR handled", key="AKIAFUNCTION")
    walk.put("ERROR second", key="AKIA1")
    walk.work()

    states = [one.state for one in reversed(walk.outbox.list(DeliveryQuery()))]
    assert states == [DeliveryState.WAITING, DeliveryState.LOOP, DeliveryState.WAITING]


def test_put_events_are_counted_and_sent_in_batches(walk: FilteredWalk) -> None:
    walk.put("ERROR before")
    walk.work()
    walk.clock.advance(timedelta(seconds=1))
    walk.filter("ERROR")
    walk.subscribe("ERROR")
    walk.put("ERROR 1", "fine", "ERROR 2")
    walk.put("ERROR 3", stream="t")
    walk.work()
    walk.put(*["ERROR" + "x" * 100_000] * 5)
    walk.work()

    assert walk.count() == 8
    sent = [(one["logStream"], [e["message"][:7] for e in one["logEvents"]]) for one in walk.sent()]
    assert sent[:2] == [("own", ["ERROR 1", "ERROR 2"]), ("t", ["ERROR 3"])]
    assert [len(messages) for _, messages in sent[2:]] == [2, 2, 1]


def test_every_event_counts_once_whichever_store_fails_when(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.filter()
    walk.subscribe()
    calls = 0
    for store in (walk.metrics, walk.outbox):
        for kind in ("before", "after"):
            for dies in (False, True):
                setattr(store, kind, 1)
                calls += 2
                walk.call()
                walk.call()
                walk.put("{}", '{"eventName": "RunInstances"}')
                with pytest.raises(Unavailable):
                    walk.work(10)
                if dies:
                    walk.restart()
                walk.call()
                calls += 1
                walk.work()

    puts = calls // 3
    assert walk.count() == calls + puts
    messages = [one["message"] for said in walk.sent() for one in said["logEvents"]]
    assert len(messages) == calls + puts
    ids = [json.loads(one).get("eventID") for one in messages]
    assert len({one for one in ids if one}) == calls


def test_what_came_before_the_worker_is_counted_from_the_filters_making_on(
    walk: FilteredWalk,
) -> None:
    walk.trail(**TO_GROUP)
    walk.call()
    walk.put("RunInstances")
    walk.clock.advance(timedelta(seconds=1))
    walk.filter()
    walk.filter("RunInstances", name="text")
    walk.call()
    walk.put("RunInstances")
    walk.restart()
    walk.call()
    walk.work()

    assert walk.count() == 5
    assert walk.filtering.place == walk.journal.end()


def test_a_minute_with_events_and_no_match_has_the_default_once(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.filter(default=0.0)
    walk.call(eventName="Other")
    walk.work()
    assert walk.count() == 0
    walk.clock.advance(MINUTE)
    walk.work()
    walk.call()
    walk.call(eventName="Other")
    walk.work()
    walk.clock.advance(3 * MINUTE)
    walk.put("nothing")
    walk.work()
    walk.clock.advance(MINUTE)
    walk.work()
    walk.clock.advance(5 * MINUTE)
    walk.work()

    buckets = walk.metrics.read(SERIES, 0, 2**40, 60)
    assert [(one.sum, one.count) for one in buckets] == [(0, 1), (1, 1), (0, 1)]


def test_a_filter_that_makes_too_many_metrics_makes_no_more_for_an_hour(
    walk: FilteredWalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_module, "MOST_DIMENSIONS_AN_HOUR", 3)
    walk.trail(**TO_GROUP)
    walk.filter("{ $.who = * }", dimensions=(("Who", "$.who"),))
    for number in range(6):
        walk.call(who=f"{number}")
    walk.call(who="0")
    walk.work()

    def counts() -> list[float]:
        named = [Series(ACCOUNT, "us-east-1", "ns", "m", (("Who", f"{n}"),)) for n in range(6)]
        return [walk.count(one) for one in named]

    assert counts() == [2, 1, 1, 0, 0, 0]
    walk.clock.advance(timedelta(hours=1))
    walk.call(who="5")
    walk.work()
    assert counts() == [2, 1, 1, 0, 0, 1]


def test_a_changed_filter_is_asked_of_what_comes_after_the_change(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    first = walk.filter()
    walk.call()
    walk.put('{"eventName": "RunInstances"}')
    walk.clock.advance(timedelta(seconds=1))
    walk.filter("{ $.eventName = Other }", replaced=first)
    walk.call()
    walk.put('{"eventName": "RunInstances"}')
    walk.work()
    assert walk.count() == 2

    walk.call(eventName="Other")
    walk.put('{"eventName": "Other"}')
    walk.work()
    assert walk.count() == 4


def test_a_changed_subscription_sends_earlier_events_where_it_did(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    first = walk.subscribe("")
    walk.call()
    walk.put("own 1")
    walk.clock.advance(timedelta(seconds=1))
    other = f"{QUEUE}-other"
    walk.subscribe("", destination_arn=other, replaced=first)
    walk.call()
    walk.put("own 2")

    walk.work()

    made = walk.outbox.list(DeliveryQuery())
    assert sorted(one.delivery.target for one in made) == [QUEUE, QUEUE, other, other]


def test_a_group_that_is_gone_has_no_filters_at_work(walk: FilteredWalk) -> None:
    walk.trail(**TO_GROUP)
    walk.filter()
    walk.call()
    walk.work()
    walk.delete_group()
    walk.call()
    walk.work()

    assert walk.count() == 1


def test_events_that_are_kept_no_longer_go_and_their_group_alone(walk: FilteredWalk) -> None:
    walk.put("old")
    other = GroupKey(ACCOUNT, "us-east-1", "other")
    walk.log_events.create_stream(other, "s", 0)
    walk.log_events.put(other, "s", [LogEvent(0, "older")], 0)
    made = LogGroup(
        account_id=ACCOUNT, region="us-east-1", name="trails", created=0, retention_days=1
    )
    lasting = msgspec.structs.replace(made, name="other", retention_days=None)
    walk.state.apply(
        [
            Change(LOG_GROUP_KIND, one.key.state_key, msgspec.json.encode(one))
            for one in (made, lasting)
        ]
    )
    keeper = LogEventsKeeper(walk.state, walk.log_events, walk.clock)

    assert keeper.step() == 0
    walk.clock.advance(timedelta(days=1, minutes=1))
    assert keeper.step() == 1
    assert keeper.step() == 0
    assert len(walk.log_events.since(0, 10)) == 1


def test_what_a_group_held_goes_when_the_group_is_gone_for_a_while(walk: FilteredWalk) -> None:
    walk.put("kept")
    gone = GroupKey(ACCOUNT, "us-east-1", "gone")
    walk.log_events.create_stream(gone, "s", 0)
    walk.log_events.put(gone, "s", [LogEvent(0, "left")], 0)
    keeper = LogEventsKeeper(walk.state, walk.log_events, walk.clock)

    assert keeper.step() == 0
    assert len(walk.log_events.since(0, 10)) == 2  # the group may be one that is being made
    walk.clock.advance(timedelta(hours=2))
    keeper.step()

    assert [one.message for one in walk.log_events.since(0, 10)] == ["kept"]
    assert gone not in walk.log_events.groups().values()
