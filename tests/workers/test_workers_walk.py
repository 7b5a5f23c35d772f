"""The delivery walk in memory, hour by hour: log files, digests, chains, outages, lateness."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opentrail.adapters.destinations import MemoryDestinations
from opentrail.adapters.ids import CountingIds
from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.objects import MemoryObjectStore
from opentrail.adapters.signers import FileSigner
from opentrail.adapters.spool import MemorySpool
from opentrail.adapters.state import MemoryStateStore
from opentrail.clock import ManualClock, iso_seconds
from opentrail.digest.chain_state import HEAD_KIND, ChainHead
from opentrail.digest.document import Digest, read_digest
from opentrail.digest.findings import Kind, Verdict
from opentrail.digest.name import read_digest_key
from opentrail.digest.report import Report
from opentrail.digest.trust import Trust, TrustedKey
from opentrail.errors import Unavailable
from opentrail.logfile.name import read_log_file_key
from opentrail.ports.objects import ObjectContent
from opentrail.ports.state import Change
from opentrail.trail.status import STATUS_KIND, TrailStatus, status_key
from opentrail.trail.timeline import TIMELINE_KIND, Timeline
from opentrail.trail.trail import TRAIL_KIND, Trail
from opentrail.workers.chains import ChainKeeper
from opentrail.workers.delivery import FOLLOWER, DeliverySettings, DeliveryWorker
from opentrail.workers.digests import DigestSettings, DigestWorker
from opentrail.workers.notifications import NotificationWorker
from opentrail.workers.sending import SendingWorker
from opentrail.workers.verification import Scope, Verification

ACCOUNT, OTHER = "123456789012", "999999999999"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 11, 24, 9, 0, 7, tzinfo=UTC)


class Moody(MemoryObjectStore):
    """A store that is away at times."""

    away = False

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        if self.away:
            raise Unavailable("away", code="ServiceUnavailable")
        super().put(bucket, key, content)


@dataclass
class Walk:
    """The workers over memory."""

    keys: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    state: MemoryStateStore = field(default_factory=MemoryStateStore)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    spool: MemorySpool = field(default_factory=MemorySpool)
    store: Moody = field(default_factory=lambda: Moody("audit"))
    outside: MemoryDestinations = field(default_factory=MemoryDestinations)
    number: int = 0

    def __post_init__(self) -> None:
        self.signer = FileSigner(self.keys, self.state)
        self.restart()

    def restart(self) -> None:
        """Workers that remember nothing but what was kept."""
        self.delivery = DeliveryWorker(
            journal=self.journal, state=self.state, spool=self.spool, clock=self.clock,
            ids=CountingIds(), settings=DeliverySettings(MINUTE),
        )  # fmt: skip
        self.sending = SendingWorker(
            state=self.state, spool=self.spool, store=self.store, clock=self.clock,
            log_groups=self.outside.all().log_groups,
        )  # fmt: skip
        self.telling = NotificationWorker(
            state=self.state, topics=self.outside.all().topics, clock=self.clock
        )
        self.keeper = ChainKeeper(
            state=self.state, clock=self.clock, regions=("us-east-1", "eu-west-1"),
            follower=FOLLOWER,
        )  # fmt: skip
        self.digests = DigestWorker(
            state=self.state, store=self.store, signer=self.signer, clock=self.clock,
            settings=DigestSettings(HOUR),
        )  # fmt: skip

    def trail(self, **values: Any) -> Trail:
        """The trail, now so."""
        usual = {
            "arn": ARN, "name": "main", "account_id": ACCOUNT, "home_region": "us-east-1",
            "s3_bucket_name": "audit", "created": START, "is_logging": True,
            "log_file_validation_enabled": True,
        }  # fmt: skip
        made = Trail(**(usual | values))
        self.turn(made)
        self.state.apply([Change(TRAIL_KIND, ARN, msgspec.json.encode(made))])
        return made

    def turn(self, trail: Trail | None) -> None:
        document = self.state.get(TIMELINE_KIND, ARN)
        timeline = (
            Timeline() if document is None else msgspec.json.decode(document.body, type=Timeline)
        )
        turned = timeline.turned(self.journal.end(), trail)
        self.state.apply([Change(TIMELINE_KIND, ARN, msgspec.json.encode(turned))])

    def call(self, **values: Any) -> str:
        """A recorded call; its id."""
        self.number += 1
        record = {
            "eventVersion": "1.11", "eventTime": iso_seconds(self.clock.now()),
            "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "awsRegion": "us-east-1", "eventID": f"id-{self.number}", "readOnly": False,
            "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        } | values  # fmt: skip
        self.journal.append([json.dumps(record).encode()])
        return f"id-{self.number}"

    def step(self) -> None:
        for worker in (self.delivery, self.sending, self.telling, self.keeper, self.digests):
            worker.step()

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(MINUTE)
            self.step()

    def log_files(self) -> dict[str, list[str]]:
        """Event ids by key."""
        found = {}
        for key, content in self.store.buckets["audit"].items():
            if read_log_file_key(key) is not None:
                records = json.loads(gzip.decompress(content.body))["Records"]
                found[key] = [one["eventID"] for one in records]
        return found

    def ids(self) -> list[str]:
        return [one for ids in self.log_files().values() for one in ids]

    def chain(self, *, backfill: bool = False, region: str = "us-east-1") -> list[Digest]:
        found = []
        for key, content in sorted(self.store.buckets["audit"].items()):
            name = read_digest_key(key)
            if name is not None and name.backfill is backfill and name.region == region:
                found.append(read_digest(content.body)[0])
        return found

    def status(self) -> TrailStatus:
        document = self.state.get(STATUS_KIND, status_key(ARN, "us-east-1"))
        return (
            TrailStatus()
            if document is None
            else msgspec.json.decode(document.body, type=TrailStatus)
        )

    def verify(self, **scope: Any) -> Report:
        keys = tuple(
            TrustedKey(region=key.region, fingerprint=key.fingerprint, value=key.value,
                       valid_from=key.valid_from, valid_to=key.valid_to)
            for key in self.signer.all_keys()
        )  # fmt: skip
        heads = tuple(
            msgspec.json.decode(one.body, type=ChainHead) for one in self.state.list(HEAD_KIND)
        )
        trust = Trust(keys=keys, heads=heads)
        made = Scope(bucket="audit", until=self.clock.now(), **scope)
        return Verification(self.store, trust, made).run()


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    made = Walk(tmp_path)
    made.call()  # before the trail: nobody takes it
    made.step()
    made.trail()
    return made


def test_records_wait_for_the_interval_and_come_into_one_file(walk: Walk) -> None:
    ids = [walk.call(), walk.call()]
    walk.step()
    assert walk.log_files() == {}

    walk.minutes(1)

    assert list(walk.log_files().values()) == [ids]


def test_accounts_and_regions_have_files_and_folders_of_their_own(walk: Walk) -> None:
    walk.trail(is_multi_region_trail=True)
    here, there = walk.call(), walk.call(awsRegion="eu-west-1")
    walk.call(recipientAccountId=OTHER)
    walk.minutes(2)

    folders = {key.split("/")[3]: ids for key, ids in walk.log_files().items()}
    assert folders == {"us-east-1": [here], "eu-west-1": [there]}


def test_records_before_start_and_behind_stop_are_not_delivered(walk: Walk) -> None:
    walk.trail(is_logging=False)
    walk.call()
    walk.trail(is_logging=True)
    taken = walk.call()
    walk.trail(is_logging=False)
    walk.call()
    walk.minutes(2)

    assert walk.ids() == [taken]


def test_a_restart_delivers_each_record_once(walk: Walk) -> None:
    ids = []
    for _ in range(5):
        ids.append(walk.call())
        walk.step()
        walk.restart()
        walk.clock.advance(MINUTE)
        walk.delivery.step()
        walk.restart()
        walk.step()
    walk.minutes(3)

    assert sorted(walk.ids()) == sorted(ids)


def test_an_unreadable_record_does_not_hold_up_the_others(walk: Walk) -> None:
    first = walk.call()
    walk.journal.append([b"not a record"])
    second = walk.call()
    walk.minutes(2)

    assert walk.ids() == [first, second]


def test_records_wait_while_the_store_is_away(walk: Walk) -> None:
    walk.store.away = True
    ids = []
    for _ in range(3):
        ids.append(walk.call())
        walk.minutes(1)
    assert walk.ids() == []
    assert walk.status().latest_delivery_error == "ServiceUnavailable"

    walk.store.away = False
    walk.minutes(5)

    assert sorted(walk.ids()) == ids
    assert walk.status().latest_delivery_error == ""
    assert walk.spool.names() == ()


def test_every_hour_has_a_digest_the_empty_ones_too(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(181)

    chain = walk.chain()
    assert [len(digest.log_files) for digest in chain] == [1, 0, 0]
    assert chain[0].previous_key is None
    assert [digest.previous_key for digest in chain[1:]] == [one.key for one in chain[:-1]]
    assert [digest.start_time for digest in chain[1:]] == [one.end_time for one in chain[:-1]]
    assert walk.verify().verdict is Verdict.VALID


def test_a_multi_region_trail_has_a_chain_in_every_region(walk: Walk) -> None:
    walk.trail(is_multi_region_trail=True)
    walk.step()
    walk.minutes(61)

    assert len(walk.chain()) == len(walk.chain(region="eu-west-1")) == 1
    assert walk.verify().verdict is Verdict.VALID


def test_a_trail_without_validation_has_no_digest(walk: Walk) -> None:
    walk.trail(log_file_validation_enabled=False)
    walk.call()
    walk.minutes(130)

    assert len(walk.ids()) == 1
    assert walk.chain() == []


def test_stopping_signs_what_is_left_and_starting_begins_anew(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(20)
    walk.trail(is_logging=False)
    walk.minutes(5)
    final = walk.chain()
    walk.minutes(180)
    assert walk.chain() == final
    assert sum(len(one.log_files) for one in final) == 1

    walk.trail(is_logging=True)
    walk.call()
    walk.minutes(62)

    chain = walk.chain()
    assert chain[-1].previous_key is None
    assert walk.verify().verdict is Verdict.VALID
    assert "not-logging" in {one.state for one in walk.verify().intervals}


def test_deleting_signs_what_is_left(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(2)
    walk.turn(None)
    walk.state.apply([Change(TRAIL_KIND, ARN, None)])
    walk.minutes(5)

    assert sum(len(one.log_files) for one in walk.chain()) == 1
    assert walk.state.list(TIMELINE_KIND) == ()
    assert walk.verify().verdict is Verdict.VALID


def test_a_file_that_comes_after_its_hours_digest_is_in_a_backfill_digest(walk: Walk) -> None:
    walk.step()
    walk.minutes(57)
    walk.call()
    walk.minutes(1)
    late = walk.call()
    walk.store.away = True
    walk.delivery.step()
    walk.clock.advance(MINUTE)
    walk.delivery.step()
    outgoing = walk.state.list("outgoing")
    assert outgoing
    walk.store.away = False
    walk.clock.advance(3 * MINUTE)
    walk.digests.step()  # the hour is signed before its last file is away
    walk.minutes(10)

    assert late in walk.ids()
    assert len(walk.chain(backfill=True)) == 1
    walk.minutes(60)
    assert walk.verify().verdict is Verdict.VALID


def test_a_long_outage_is_caught_up_in_order(walk: Walk) -> None:
    walk.step()
    walk.store.away = True
    for _ in range(4):
        walk.call()
        walk.minutes(60)
    assert walk.status().latest_digest_delivery_error == "ServiceUnavailable"

    walk.store.away = False
    walk.minutes(70)

    assert len(walk.ids()) == 4
    ends = [one.end_time for one in walk.chain()]
    assert len(ends) == 5
    assert ends == sorted(ends)
    assert walk.verify().verdict is Verdict.VALID


def test_a_new_key_signs_from_now_on(walk: Walk) -> None:
    walk.step()
    walk.minutes(61)
    walk.signer.rotate("us-east-1", walk.clock.now())
    walk.minutes(61)

    first, second = walk.chain()
    assert first.fingerprint != second.fingerprint
    assert walk.verify().verdict is Verdict.VALID


# Verification in memory (the tamperings themselves: tests/contract)


def test_nothing_is_never_valid(tmp_path: Path) -> None:
    report = Walk(tmp_path).verify()

    assert report.verdict is Verdict.UNVERIFIABLE
    assert [one.kind for one in report.findings] == [Kind.NOTHING_FOUND]


def test_a_store_that_is_away_makes_nothing_valid(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(61)

    def away(*_: object) -> Any:
        raise Unavailable("away")

    walk.store.get = away  # type: ignore[method-assign] # a fault from outside

    report = walk.verify()
    assert report.verdict in (Verdict.UNVERIFIABLE, Verdict.INVALID)
    assert Kind.STORE_UNAVAILABLE in {one.kind for one in report.findings}


def test_a_range_is_judged_by_itself(walk: Walk) -> None:
    walk.step()
    for _ in range(4):
        walk.call()
        walk.minutes(60)
    first = next(key for key in walk.log_files())
    del walk.store.buckets["audit"][first]

    assert walk.verify().verdict is Verdict.INVALID
    assert walk.verify(start=START + 2 * HOUR).verdict is Verdict.VALID


def test_another_trails_name_is_left_alone(walk: Walk) -> None:
    walk.step()
    walk.minutes(61)

    assert walk.verify(trail="main").digests == 1
    assert walk.verify(trail="other").digests == 0
