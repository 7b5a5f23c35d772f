"""Killed at any moment: every acknowledged call is in exactly one log file."""

import gzip
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from backends import KEY, SECRET, Backends, adopt_key, backends
from botocore.exceptions import BotoCoreError, ClientError
from running import ACCOUNT, Running, make, wait_for

from opentrail.adapters.ids import SystemIds
from opentrail.adapters.journal import SegmentJournalWriter
from opentrail.clock import SystemClock, iso_seconds

pytestmark = [pytest.mark.contract, pytest.mark.timeout(420)]

KILLS = 30
CALLERS = 4


@pytest.fixture(scope="module")
def behind() -> Iterator[Backends]:
    with backends() as made:
        yield made


def s3_behind(behind: Backends) -> Any:
    """The store itself, past the gateway."""
    return boto3.client("s3", endpoint_url=behind.s3, region_name="us-east-1",
                        aws_access_key_id=KEY, aws_secret_access_key=SECRET)  # fmt: skip


class Callers:
    """Threads that call as fast as they can, and know what was answered."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.acknowledged: list[str] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._call, args=(n,)) for n in range(CALLERS)]

    def _call(self, name: int) -> None:
        sts = self.server.client("sqs")
        number = 0
        while not self.stop.is_set():
            number += 1
            mark = f"mark-{name}-{number}"
            try:
                sts.list_queues(QueueNamePrefix=mark)
            except (ClientError, BotoCoreError):
                time.sleep(0.02)
            else:
                self.acknowledged.append(mark)


def marks_delivered(behind: Backends, bucket: str) -> Counter[str]:
    s3 = s3_behind(behind)
    found: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", ()):
            if "/CloudTrail/" not in one["Key"]:
                continue
            body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            for record in json.loads(gzip.decompress(body))["Records"]:
                ids[record["eventID"]] += 1
                mark = (record["requestParameters"] or {}).get("queueNamePrefix")
                if mark:
                    found[mark] += 1
    assert not [one for one, count in ids.items() if count > 1]
    return found


def start_trail(server: Running, behind: Backends, bucket: str) -> None:
    s3_behind(behind).create_bucket(Bucket=bucket)
    trails = server.client("cloudtrail")
    trails.create_trail(Name=bucket, S3BucketName=bucket, EnableLogFileValidation=True)
    trails.start_logging(Name=bucket)


def check_everything(
    server: Running, behind: Backends, bucket: str, acknowledged: list[str]
) -> None:
    last = acknowledged[-1]
    wait_for(lambda: marks_delivered(behind, bucket)[last], seconds=60)
    server.client("cloudtrail").stop_logging(Name=bucket)
    time.sleep(2.5)
    found = marks_delivered(behind, bucket)
    missing = [(mark, found[mark]) for mark in acknowledged if found[mark] != 1]
    assert not missing, f"{len(missing)} of {len(acknowledged)} not exactly once: {missing[:5]}"
    adopt_key(server)
    trust = str(server.data / "trust.json")
    server.run("opentrail", "signing-keys", "export", trust)
    verified = server.run("opentrail", "verify", f"s3://{bucket}", "--keys", trust, check=False)
    assert verified.returncode == 0, verified.stdout
    assert "digest files valid" in validate_with_aws(server, bucket)


def validate_with_aws(server: Running, bucket: str) -> str:
    """What validate-logs says; it asks OpenTrail for keys and, through it, for objects."""
    done = server.run(
        "aws", "cloudtrail", "validate-logs", "--trail-arn",
        f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{bucket}",
        "--start-time", "2020-01-01T00:00:00Z",
    )  # fmt: skip
    return done.stdout


def test_thirty_kills_under_load_lose_and_repeat_nothing(tmp_path: Path, behind: Backends) -> None:
    server = make(
        tmp_path / "data", *behind.arguments,
        OPENTRAIL_DELIVERY_INTERVAL_SECONDS="0.3", OPENTRAIL_DIGEST_INTERVAL_SECONDS="5",
        **behind.settings,
    )  # fmt: skip
    chance = random.Random(11)
    server.start()
    start_trail(server, behind, "killed")
    callers = Callers(server)
    for thread in callers.threads:
        thread.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.2, 1.2))
        server.kill()
        server.start()
    time.sleep(1)
    callers.stop.set()
    for thread in callers.threads:
        thread.join()

    assert len(callers.acknowledged) > 10 * KILLS
    check_everything(server, behind, "killed", callers.acknowledged)
    server.stop()


def test_a_kill_at_every_step_of_the_workers_loses_and_repeats_nothing(
    tmp_path: Path, behind: Backends
) -> None:
    server = make(
        tmp_path / "data", *behind.arguments,
        OPENTRAIL_DELIVERY_INTERVAL_SECONDS="0.2", OPENTRAIL_DIGEST_INTERVAL_SECONDS="2",
        **behind.settings,
    )  # fmt: skip
    server.start()
    start_trail(server, behind, "stepped")
    server.client("sqs").list_queues(QueueNamePrefix="first")
    acknowledged = ["first"]
    server.stop()
    (sample,) = server.records(name="ListQueues")
    crashes = 0
    for step in range(1, 31):
        append(server, sample, f"step-{step}")
        acknowledged.append(f"step-{step}")
        crashes += run_workers_until_crash(server, behind, step)
    server.start()
    server.client("sqs").list_queues(QueueNamePrefix="last")
    acknowledged.append("last")

    assert crashes >= 25
    check_everything(server, behind, "stepped", acknowledged)
    server.stop()


def append(server: Running, sample: dict[str, Any], mark: str) -> None:
    """A call's record in the journal of a stopped server, whose workers so leave it alone."""
    record = sample | {
        "requestParameters": {"queueNamePrefix": mark},
        "eventID": SystemIds().event_id(),
        "eventTime": iso_seconds(SystemClock().now()),
    }
    writer = SegmentJournalWriter(server.data / "journal")
    writer.append([json.dumps(record).encode()])
    writer.close()


def run_workers_until_crash(server: Running, behind: Backends, step: int) -> bool:
    """Whether the workers alone, killed at that step, came that far."""
    environment = server.environment() | {
        "CRASH_AT": str(step), "OPENTRAIL_UPSTREAMS": f"s3={behind.s3}",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crashing.py"))],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return process.wait(15) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
