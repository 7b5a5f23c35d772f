"""A log group that a trail feeds shows the records that the trail takes, those and no others."""

import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workers_world import ACCOUNT, ARN, MINUTE, OTHER, Walk

from opentrail.adapters.destinations import OwnLogGroups
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.adapters.ids import CountingIds
from opentrail.adapters.log_events import MemoryLogEventStore
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.logs.names import GroupKey
from opentrail.ports.events import Search
from opentrail.ports.state import Change
from opentrail.selectors import parse_advanced
from opentrail.trail.feeds import FEED_KIND, FeedSpan, FeedView, feed_prefix
from opentrail.workers.chains import ChainKeeper
from opentrail.workers.delivery import FOLLOWER, DeliverySettings, DeliveryWorker
from opentrail.workers.events import EventsWorker
from opentrail.workers.logs.feeds import FeedKeeper
from opentrail.workers.sending import SendingWorker

GROUP = GroupKey(ACCOUNT, "us-east-1", "trails")
TO_GROUP = {"cloud_watch_logs_log_group_arn": f"{GROUP.arn}:*"}
WRITES = parse_advanced([{"FieldSelectors": [
    {"Field": "eventCategory", "Equals": ["Management"]},
    {"Field": "readOnly", "Equals": ["false"]}]}])  # fmt: skip


class FedWalk(Walk):
    """As Walk, where log groups show the store of events."""

    def __post_init__(self) -> None:
        self.events = MemoryEventStore(self.clock)
        self.log_events = MemoryLogEventStore()
        super().__post_init__()

    def restart(self) -> None:
        super().restart()
        self.delivery = DeliveryWorker(
            journal=self.journal, state=self.state, spool=self.spool, clock=self.clock,
            ids=CountingIds(),
            settings=DeliverySettings(MINUTE, log_views=True, needed_from=lambda: self.events.place() or 0),
        )  # fmt: skip
        self.keeper = ChainKeeper(
            state=self.state, clock=self.clock, regions=("us-east-1", "eu-west-1"),
            follower=FOLLOWER, needed_from=lambda: self.events.place() or 0,
        )  # fmt: skip
        own = OwnLogGroups(self.state, self.log_events, self.clock)
        self.sending = SendingWorker(
            state=self.state, spool=self.spool, store=self.store, clock=self.clock,
            log_groups=own, log_views=own,
        )  # fmt: skip
        feeds = FeedKeeper(self.journal, self.state, self.events.sequence_end)
        self.taking = EventsWorker(self.journal, self.events, self.clock, feeds)

    def group(self) -> None:
        made = LogGroup(account_id=ACCOUNT, region="us-east-1", name="trails", created=0)
        change = Change(LOG_GROUP_KIND, GROUP.state_key, msgspec.json.encode(made))
        self.state.apply([change])

    def delete_group(self) -> None:
        spans = self.state.list(FEED_KIND, feed_prefix(GROUP.arn))
        self.state.apply(
            [
                Change(LOG_GROUP_KIND, GROUP.state_key, None),
                *(Change(FEED_KIND, one.key, None) for one in spans),
            ]
        )

    def take(self) -> None:
        """Everything recorded is in the store, and the spans are those of the end."""
        for _ in range(20):
            self.clock.advance(MINUTE / 60)
            self.taking.step()

    def spans(self) -> list[FeedSpan]:
        found = self.state.list(FEED_KIND, feed_prefix(GROUP.arn))
        return [msgspec.json.decode(one.body, type=FeedSpan) for one in found]

    def shown(self) -> dict[str, str]:
        """Stream by event id."""
        view = FeedView(self.spans())
        found = {}
        for one in self.events.search(Search(limit=None, newest_first=False)):
            stream = view.stream(one.position.sequence, one.raw)
            if stream is not None:
                found[json.loads(one.raw)["eventID"]] = stream
        return found


def test_a_group_shows_what_is_recorded_while_a_trail_points_to_it(tmp_path: Path) -> None:
    walk = FedWalk(tmp_path)
    walk.group()
    walk.trail()
    walk.call()
    walk.trail(**TO_GROUP)
    shown = [walk.call(), walk.call(), walk.call(awsRegion="eu-west-1")]
    walk.call(recipientAccountId=OTHER)
    walk.call(padding="x" * 300_000)
    walk.trail(**TO_GROUP, event_selectors=(), advanced_event_selectors=WRITES)
    walk.call(readOnly=True)
    shown.append(walk.call())
    walk.trail(**TO_GROUP, is_logging=False)
    walk.call()
    walk.take()

    assert list(walk.shown()) == shown[:2] + shown[3:]
    assert set(walk.shown().values()) == {f"{ACCOUNT}_CloudTrail_us-east-1"}
    assert len(walk.spans()) == 2
    assert not walk.log_events.streams(GROUP)
    assert len(FeedView(walk.spans()).sequences) == 2


def test_an_organizations_trail_shows_each_account_in_its_stream(tmp_path: Path) -> None:
    walk = FedWalk(tmp_path)
    walk.group()
    walk.trail(
        **TO_GROUP, organization_id="o-0123456789", member_account_ids=(OTHER,),
        is_multi_region_trail=True,
    )  # fmt: skip
    own, other = walk.call(), walk.call(recipientAccountId=OTHER, awsRegion="eu-west-1")
    walk.take()

    assert walk.shown() == {
        own: f"o-0123456789_{ACCOUNT}_CloudTrail_us-east-1",
        other: f"o-0123456789_{OTHER}_CloudTrail_eu-west-1",
    }


def test_delivery_is_told_in_the_status_and_writes_no_copy(tmp_path: Path) -> None:
    walk = FedWalk(tmp_path)
    walk.trail(**TO_GROUP)
    first = walk.call()
    walk.minutes(3)
    assert walk.status().latest_logs_delivery_error == "ResourceNotFoundException"
    assert walk.status().latest_logs_delivery_time is None
    assert walk.ids() == [first]

    walk.group()
    walk.take()
    walk.call()
    walk.take()
    walk.minutes(5)

    assert walk.status().latest_logs_delivery_error == ""
    assert walk.status().latest_logs_delivery_time is not None
    (stream,) = walk.log_events.streams(GROUP)
    assert stream.name == f"{ACCOUNT}_CloudTrail_us-east-1"
    assert stream.last is not None
    assert stream.stored_bytes == 0
    assert not walk.spool.names()


def test_a_group_made_anew_shows_nothing_of_the_one_before(tmp_path: Path) -> None:
    walk = FedWalk(tmp_path)
    walk.group()
    walk.trail(**TO_GROUP)
    walk.call()
    walk.take()
    walk.delete_group()
    walk.group()
    walk.take()
    later = walk.call()
    walk.take()

    assert list(walk.shown()) == [later]


STEPS = st.lists(
    st.sampled_from(
        ["call", "call", "read", "on", "off", "elsewhere", "writes", "gone", "take", "restart"]
    ),
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_the_view_is_what_the_log_files_hold_whatever_happens(
    tmp_path: Path, steps: list[str]
) -> None:
    walk = FedWalk(tmp_path)
    walk.group()
    pointed: list[str] = []
    state: dict[str, Any] = dict(TO_GROUP)
    walk.trail(**state)
    for step in steps:
        match step:
            case "call" | "read":
                made = walk.call(readOnly=step == "read")
                is_taken = step == "call" or "advanced_event_selectors" not in state
                if state.get("is_logging", True) and TO_GROUP.items() <= state.items() and is_taken:
                    pointed.append(made)
            case "on":
                state = dict(TO_GROUP)
                walk.trail(**state)
            case "off":
                state |= {"is_logging": False}
                walk.trail(**state)
            case "elsewhere":
                state = {}
                walk.trail(**state)
            case "writes":
                state |= {"event_selectors": (), "advanced_event_selectors": WRITES}
                walk.trail(**state)
            case "gone":
                state = {}
                walk.turn(None)
            case "take":
                walk.clock.advance(MINUTE / 60)
                walk.taking.step()
            case _:
                walk.minutes(1)
                walk.restart()
    walk.take()
    walk.restart()
    walk.take()

    assert list(walk.shown()) == pointed
    assert all(span.trail.arn == ARN for span in walk.spans())
