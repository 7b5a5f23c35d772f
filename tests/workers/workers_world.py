"""The workers and what they stand on, in memory, at a clock that tests move."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

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

    def trust(self, heads: tuple[ChainHead, ...] = ()) -> Trust:
        """The signer's keys, and these heads."""
        keys = tuple(
            TrustedKey(region=key.region, fingerprint=key.fingerprint, value=key.value,
                       valid_from=key.valid_from, valid_to=key.valid_to)
            for key in self.signer.all_keys()
        )  # fmt: skip
        return Trust(keys=keys, heads=heads)

    def verify(self, **scope: Any) -> Report:
        heads = tuple(
            msgspec.json.decode(one.body, type=ChainHead) for one in self.state.list(HEAD_KIND)
        )
        made = Scope(bucket="audit", until=self.clock.now(), **scope)
        return Verification(self.store, self.trust(heads), made).run()
