"""Records become findings, findings deliveries: once each, whatever happens between two steps."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.findings import MemoryFindings, SqliteFindings
from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.adapters.rule_files import RuleDirectory
from opentrail.adapters.state import MemoryStateStore
from opentrail.clock import ManualClock, iso_seconds
from opentrail.errors import Unavailable
from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery
from opentrail.ports.state import Change
from opentrail.ports.targets.outbox import Delivery, DeliveryQuery
from opentrail.sigma.finding import Finding
from opentrail.sigma.muting import MUTE_KIND, Mute
from opentrail.sigma.remembering import Changes, WindowKey
from opentrail.sigma.windows import Window
from opentrail.workers.sigma import SigmaWorker
from opentrail.workers.sigma.worker import LOOK_EVERY
from sigma_samples import rule_text

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
STOPPED = rule_text(
    "s: {eventName: StopLogging}\ncondition: s", title="Stopped", extra="level: high\n"
)
FAILED = rule_text("s: {eventName: ConsoleLogin}\ncondition: s", name="login")
MANY = """
title: Many
level: critical
correlation:
  {type: event_count, rules: [login], group-by: [userIdentity.userName], timespan: 1h, condition: {gte: 3}}
"""
FEW = """
title: Few
correlation: {type: event_count, rules: [login], timespan: 10m, condition: {lt: 2}}
"""
TARGETS = """
[[targets]]
target = "https://siem.example.com/hook"
[[targets]]
target = "arn:aws:sns:us-east-1:1:security"
level = "critical"
"""


class World:
    """A worker over memory; what is acknowledged outlives it."""

    def __init__(self, path: Path, **files: str) -> None:
        self.rules = RuleDirectory(path / "rules")
        for name, text in files.items():
            self.write(name, text)
        self.journal = MemoryJournal()
        self.findings = MemoryFindings()
        self.outbox = MemoryOutbox()
        self.state = MemoryStateStore()
        self.clock = ManualClock(START)
        self.start()

    def write(self, name: str, text: str) -> None:
        file = "rules.toml" if name == "settings" else f"{name}.yml"
        self.rules.put(file, text.encode())

    def start(self) -> None:
        self.worker = SigmaWorker(
            journal=self.journal, rules=self.rules, findings=self.findings, outbox=self.outbox,
            state=self.state, clock=self.clock,
        )  # fmt: skip

    def call(self, name: str, **values: Any) -> None:
        number = self.journal.end()
        record = {
            "eventName": name, "eventID": f"e{number}", "recipientAccountId": "1",
            "awsRegion": "us-east-1", "eventTime": iso_seconds(self.clock.now()),
            "userIdentity": {"userName": "alice", "accessKeyId": "AKIA1"}, **values,
        }  # fmt: skip
        self.journal.append([json.dumps(record).encode()])

    def settle(self) -> None:
        self.clock.advance(LOOK_EVERY)
        while self.worker.step():
            pass

    def found(self, *, with_muted: bool = False) -> list[Finding]:
        return list(self.findings.page(FindingQuery(with_muted=with_muted, limit=1000)))

    def deliveries(self) -> list[Delivery]:
        return [kept.delivery for kept in self.outbox.list(DeliveryQuery(limit=1000))]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, stopped=STOPPED, login=FAILED, many=MANY, settings=TARGETS)


def test_a_record_becomes_a_finding_and_a_delivery(world: World) -> None:
    world.call("StopLogging")
    world.call("ListTrails")
    world.settle()

    (finding,) = world.found()
    (delivery,) = world.deliveries()
    assert (finding.rule_title, finding.event_ids) == ("Stopped", ("e0",))
    assert delivery.target == "https://siem.example.com/hook"
    assert delivery.event_ids == ("e0",)
    assert delivery.access_key_id == "AKIA1"
    assert delivery.cause == f"arn:aws:opentrail:us-east-1:1:sigma-rule/{finding.rule_id}"
    told = json.loads(delivery.payload)
    assert told["detail-type"] == "Sigma Finding"
    assert told["detail"]["values"]["eventName"] == "StopLogging"
    assert told["detail"]["event_ids"] == ["e0"]
    assert world.findings.place() == 2


def test_targets_take_the_levels_that_they_ask_for(world: World) -> None:
    for _ in range(3):
        world.call("ConsoleLogin")
    world.settle()

    assert [one.rule_title for one in world.found()] == ["Many"]
    assert len(world.deliveries()) == 2


def test_rules_are_used_within_a_second_of_their_change(world: World) -> None:
    world.settle()
    world.write("created", rule_text("s: {eventName: CreateUser}\ncondition: s", title="Created"))
    world.rules.remove("stopped.yml")
    world.clock.advance(timedelta(seconds=1))
    world.worker.step()

    world.call("CreateUser")
    world.call("StopLogging")
    world.settle()

    assert [one.rule_title for one in world.found()] == ["Created"]


def test_a_bad_file_leaves_the_others_at_work(world: World) -> None:
    world.write("bad", "title: [")
    world.write("settings", "[[targets]]\ntarget = 5\n")
    world.call("StopLogging")
    world.settle()

    assert len(world.found()) == 1
    assert world.deliveries() == []


def test_a_flood_is_told_once_and_counted(world: World) -> None:
    for _ in range(50):
        world.call("ConsoleLogin")
        world.settle()

    (finding,) = world.found()
    assert finding.count == 50
    assert len(world.deliveries()) == 2


def test_what_is_too_rare_is_found_when_the_time_is_over(tmp_path: Path) -> None:
    world = World(tmp_path, login=FAILED, few=FEW, settings=TARGETS)
    world.call("ConsoleLogin")
    world.settle()
    assert world.found() == []

    world.clock.advance(timedelta(minutes=16))
    world.settle()

    assert [one.rule_title for one in world.found()] == ["Few"]
    assert len(world.deliveries()) == 1


BACKLOG = 5 * 1024 * 1024
"""More than is read in one step."""


def backlog(world: World) -> None:
    """Records that no rule is about."""
    for _ in range(5):
        world.call("PutObject", requestParameters={"key": "k" * (BACKLOG // 5)})


@pytest.mark.parametrize("downtime", [timedelta(), timedelta(hours=3), timedelta(days=2)])
def test_what_was_found_live_is_found_after_a_downtime(tmp_path: Path, downtime: timedelta) -> None:
    world = World(tmp_path, login=FAILED, many=MANY)
    world.call("ConsoleLogin")
    world.settle()
    for _ in range(2):
        backlog(world)
        world.call("ConsoleLogin")

    world.clock.advance(downtime)
    world.start()
    world.settle()

    (finding,) = world.found()
    assert finding.count == 3


@pytest.mark.parametrize("downtime", [timedelta(minutes=16), timedelta(hours=3)])
def test_while_records_wait_nothing_is_told_to_be_missing(
    tmp_path: Path, downtime: timedelta
) -> None:
    world = World(tmp_path, login=FAILED, few=FEW, settings=TARGETS)
    world.call("ConsoleLogin")
    world.settle()
    backlog(world)
    world.call("ConsoleLogin")

    world.clock.advance(downtime)
    world.start()
    for _ in range(4):
        world.settle()
        world.clock.advance(timedelta(seconds=1))

    assert world.found() == []
    assert world.deliveries() == []


def test_a_window_that_grew_just_now_is_not_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path, login=FAILED, many=MANY)
    world.call("ConsoleLogin")
    world.settle()
    world.clock.advance(timedelta(hours=3))

    for _ in range(3):
        world.call("ConsoleLogin")
        world.settle()

    (finding,) = world.found()
    assert finding.count == 3


QUIET = """
title: Quiet
name: quiet
correlation: {type: event_count, rules: [login], group-by: [userIdentity.userName], timespan: 10m, condition: {lt: 2}}
"""
QUIETS = """
title: Quiets
correlation: {type: event_count, rules: [quiet], timespan: 1h, condition: {gte: 3}}
"""


def test_ends_of_windows_are_counted_by_windows_over_them(tmp_path: Path) -> None:
    world = World(tmp_path, login=FAILED, quiet=QUIET, quiets=QUIETS)
    for name in ("alice", "bob", "eve"):
        world.call("ConsoleLogin", userIdentity={"userName": name})
        world.settle()
        world.clock.advance(timedelta(minutes=1))
    world.clock.advance(timedelta(minutes=16))
    world.settle()

    assert "Quiets" in [one.rule_title for one in world.found()]


def mute(world: World, **values: Any) -> None:
    one = Mute(id="m", **({"rule_id": "*", "reason": "holiday"} | values))
    world.state.apply([Change(MUTE_KIND, one.id, msgspec.json.encode(one))])
    world.clock.advance(timedelta(seconds=1))
    world.worker.step()


def test_muted_findings_are_kept_and_told_to_nobody(world: World) -> None:
    mute(world, where="userIdentity.userName = alice")
    world.call("StopLogging")
    world.call("StopLogging", userIdentity={"userName": "eve"})
    world.settle()

    assert [one.event_ids for one in world.found()] == [("e1",)]
    muted = next(one for one in world.found(with_muted=True) if one.muted)
    assert (muted.event_ids, muted.muted) == (("e0",), "holiday")
    assert [one.event_ids for one in world.deliveries()] == [("e1",)]


def test_a_mute_is_of_one_rule_and_ends(world: World) -> None:
    mute(world, rule_id="other")
    world.call("StopLogging")
    world.settle()
    assert len(world.found()) == 1

    mute(world, until=int((START + timedelta(minutes=1)).timestamp()))
    world.call("StopLogging")
    world.settle()
    assert len(world.found()) == 1
    world.clock.advance(timedelta(minutes=2))
    world.call("StopLogging")
    world.settle()
    assert len(world.found()) == 2


def test_a_mute_that_cannot_be_read_mutes_nothing(world: World) -> None:
    mute(world, where="((")
    world.call("StopLogging")
    world.settle()

    assert len(world.found()) == 1


def test_records_that_are_none_are_passed(world: World) -> None:
    world.journal.append([b"no json", b"[]", b'{"eventName": 5}'])
    world.call(
        "StopLogging", userIdentity=[], recipientAccountId=None, eventTime="soon", eventID=None
    )
    world.settle()

    (finding,) = world.found()
    assert finding.event_ids[0].startswith("raw-")
    assert world.deliveries()[0].region == "us-east-1"


class Failing(MemoryFindings):
    """A store that fails when it is told to."""

    def __init__(self, failures: Sequence[bool]) -> None:
        super().__init__()
        self.failures = list(failures)

    def commit(self, changes: Changes, *, place: int | None = None) -> None:
        if self.failures and self.failures.pop():
            raise Unavailable("the disk is full")
        super().commit(changes, place=place)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(st.sampled_from(["StopLogging", "ConsoleLogin", "X", ""]), max_size=12),
    failures=st.lists(st.booleans(), max_size=12),
    restarts=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_failures_and_restarts_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    failures: list[bool],
    restarts: list[bool],
) -> None:
    files = {"stopped": STOPPED, "login": FAILED, "many": MANY, "settings": TARGETS}
    plain = World(tmp_path_factory.mktemp("plain"), **files)
    tried = World(tmp_path_factory.mktemp("tried"), **files)
    tried.findings = Failing(failures)
    tried.start()
    for name, restart in zip(names, restarts, strict=False):
        for world in (plain, tried):
            if name:
                world.call(name)
            else:
                world.clock.advance(timedelta(minutes=20))
        plain.settle()
        with suppress(Unavailable):
            tried.settle()
        if restart:
            tried.start()
    tried.findings.failures = []  # type: ignore[attr-defined]
    tried.settle()

    def told(world: World) -> list[tuple[Any, ...]]:
        return sorted((one.id, one.count, one.event_ids) for one in world.found())

    def incidents(world: World) -> list[tuple[Any, ...]]:
        found = world.findings.incidents(IncidentQuery(limit=1000))
        return sorted((one.id, one.findings, one.level, one.told) for one in found)

    assert told(tried) == told(plain)
    assert incidents(tried) == incidents(plain)
    assert {one.id for one in tried.deliveries()} == {one.id for one in plain.deliveries()}
    assert len(tried.deliveries()) == len(plain.deliveries())


ONCE = """
[[targets]]
target = "https://siem.example.com/hook"
once_an_incident = true
[[targets]]
target = "https://siem.example.com/all"
[[targets]]
target = "arn:aws:sns:us-east-1:1:bad"
level = "critical"
once_an_incident = true
"""


def test_findings_of_one_actor_are_an_incident_that_a_target_is_told_of_once(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, stopped=STOPPED, login=FAILED, many=MANY, settings=ONCE)
    for name in ("StopLogging", "StopLogging", "ConsoleLogin", "ConsoleLogin", "ConsoleLogin"):
        world.call(name)
        world.settle()
    world.call("StopLogging", userIdentity={"userName": "bob"})
    world.settle()

    alice, bob = sorted(world.findings.incidents(IncidentQuery()), key=lambda one: one.actor)
    assert (alice.actor, alice.findings, alice.level) == ("alice", 3, "critical")
    assert (bob.actor, bob.findings) == ("bob", 1)
    by_target = Counter(one.target for one in world.deliveries())
    assert by_target == {
        "https://siem.example.com/hook": 3,  # alice's first, alice's worse one, bob's
        "https://siem.example.com/all": 4,
        "arn:aws:sns:us-east-1:1:bad": 1,
    }
    detail = json.loads(world.deliveries()[0].payload)["detail"]
    assert detail["incident_id"] in {alice.id, bob.id}
    found = world.findings.page(FindingQuery(incident_id=alice.id))
    assert sorted(one.rule_title for one in found) == ["Many", "Stopped", "Stopped"]


def test_a_flood_after_a_finding_leaves_it_in_its_incident(world: World) -> None:
    for _ in range(6):
        world.call("ConsoleLogin")
        world.settle()

    (finding,) = world.found()
    (incident,) = world.findings.incidents(IncidentQuery())
    assert (finding.count, finding.incident_id) == (6, incident.id)


class Stumbling(MemoryFindings):
    """A store that once cannot tell of a window."""

    stumbles = True

    def window(self, key: WindowKey) -> Window | None:
        if self.stumbles:
            self.stumbles = False
            raise Unavailable("the disk is away")
        return super().window(key)


def test_a_finding_of_a_batch_that_failed_is_counted_once(world: World) -> None:
    world.findings = Stumbling()
    world.start()
    world.call("StopLogging")
    world.call("ConsoleLogin")
    with pytest.raises(Unavailable):
        world.settle()
    world.settle()

    (incident,) = world.findings.incidents(IncidentQuery())
    assert incident.findings == 1


def test_what_is_muted_is_in_no_incident(world: World) -> None:
    mute(world, where="userIdentity.userName = alice")
    world.call("StopLogging")
    world.settle()

    assert world.findings.incidents(IncidentQuery()) == ()
    (finding,) = world.found(with_muted=True)
    assert finding.incident_id == ""


def test_a_new_process_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    world = World(tmp_path, login=FAILED, many=MANY)
    for number in range(3):
        store = SqliteFindings(tmp_path / "findings.sqlite")
        world.findings = store  # type: ignore[assignment]
        world.start()
        world.call("ConsoleLogin")
        world.settle()
        assert len(world.found()) == (number == 2)
        store.close()
