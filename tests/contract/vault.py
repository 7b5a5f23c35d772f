"""A bucket with hours of log files and digests, made by the workers under a clock moved by hand."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from backends import KEY, SECRET, Backends
from running import ACCOUNT, Running

from opentrail.adapters.destinations import MemoryDestinations
from opentrail.adapters.ids import SystemIds
from opentrail.adapters.journal import SegmentJournalReader, SegmentJournalWriter
from opentrail.adapters.objects import S3ObjectStore, S3Place
from opentrail.adapters.signers import FileSigner
from opentrail.adapters.spool import LocalSpool
from opentrail.adapters.state import SqliteStateStore
from opentrail.clock import ManualClock, iso_seconds
from opentrail.digest.chain_state import CHAIN_KIND, HEAD_KIND
from opentrail.ports.objects import ObjectContent
from opentrail.ports.state import Change
from opentrail.workers.chains import ChainKeeper
from opentrail.workers.delivery import FOLLOWER, DeliverySettings, DeliveryWorker
from opentrail.workers.digests import DigestSettings, DigestWorker
from opentrail.workers.sending import SendingWorker

HOUR = timedelta(hours=1)
Snapshot = dict[str, ObjectContent]


def record(clock: ManualClock, number: int) -> bytes:
    return json.dumps(
        {
            "eventVersion": "1.11",
            "userIdentity": {"type": "Root", "accountId": ACCOUNT},
            "eventTime": iso_seconds(clock.now()),
            "eventSource": "iam.amazonaws.com",
            "eventName": f"Call{number}",
            "awsRegion": "us-east-1",
            "sourceIPAddress": "127.0.0.1",
            "requestParameters": None,
            "responseElements": None,
            "eventID": SystemIds().event_id(),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
    ).encode()


@dataclass
class Vault:
    """The workers of a stopped server, and its bucket."""

    server: Running
    behind: Backends
    bucket: str
    clock: ManualClock
    number: int = 0
    interval: timedelta = timedelta(seconds=60)
    waiting: list[bytes] = field(default_factory=list)
    kept: Snapshot = field(default_factory=dict)
    end: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        data: Path = self.server.data
        self.state = SqliteStateStore(data / "state.sqlite")
        self.forget_chains()
        self.journal = SegmentJournalWriter(data / "journal")
        reader = SegmentJournalReader(data / "journal")
        self.signer = FileSigner(data / "keys", self.state)
        place = S3Place(
            endpoint=self.behind.s3,
            region="us-east-1",
            access_key_id=KEY,
            secret_access_key=SECRET,
        )
        self.store = S3ObjectStore(place)
        spool = LocalSpool(data / "spool")
        self.delivery = DeliveryWorker(
            journal=reader, state=self.state, spool=spool, clock=self.clock, ids=SystemIds(),
            settings=DeliverySettings(self.interval),
        )  # fmt: skip
        self.sending = SendingWorker(
            state=self.state, spool=spool, store=self.store, clock=self.clock,
            log_groups=MemoryDestinations().all().log_groups,
        )  # fmt: skip
        self.keeper = ChainKeeper(
            state=self.state, clock=self.clock, regions=("us-east-1",), follower=FOLLOWER
        )
        self.digests = DigestWorker(
            state=self.state, store=self.store, signer=self.signer, clock=self.clock,
            settings=DigestSettings(HOUR),
        )  # fmt: skip
        self.step()

    def forget_chains(self) -> None:
        """What the running server may have begun at the real time."""
        for kind in (CHAIN_KIND, HEAD_KIND):
            for document in self.state.list(kind):
                self.state.apply([Change(kind, document.key, None)])

    def step(self) -> None:
        self.delivery.step()
        self.clock.advance(self.interval + timedelta(seconds=1))
        self.delivery.step()
        self.sending.step()
        self.keeper.step()
        self.digests.step()

    def hour(self, *, calls: int) -> None:
        """An hour with that many log files."""
        end = self.clock.now() + HOUR
        for _ in range(calls):
            self.number += 1
            self.journal.append([record(self.clock, self.number)])
            self.step()
            self.clock.advance(timedelta(minutes=20))
        self.clock.advance(end - self.clock.now())
        self.step()

    def flush(self) -> None:
        """One log file of all that waits."""
        self.journal.append(self.waiting)
        self.waiting = []
        self.step()

    def close(self) -> None:
        self.journal.close()
        self.state.close()

    # The bucket as a whole

    def snapshot(self) -> Snapshot:
        keys = [one.key for one in self.store.list(self.bucket, "")]
        return {key: self.store.get(self.bucket, key) for key in keys}

    def replace(self, wanted: Snapshot) -> None:
        """Make the bucket hold exactly `wanted`."""
        present = self.snapshot()
        client = make_client(self.behind)
        for key in present.keys() - wanted.keys():
            client.delete_object(Bucket=self.bucket, Key=key)
        for key, content in wanted.items():
            if present.get(key) != content:
                self.store.put(self.bucket, key, content)


def make_client(behind: Backends) -> Any:
    """The store itself, past the gateway."""
    return boto3.client("s3", endpoint_url=behind.s3, region_name="us-east-1",
                        aws_access_key_id=KEY, aws_secret_access_key=SECRET)  # fmt: skip


def make_bucket(behind: Backends, bucket: str) -> None:
    make_client(behind).create_bucket(Bucket=bucket)


def ten_hours_ago() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=7, microsecond=0) - 10 * HOUR
