"""In front of somebody's own services: their outages, OpenTrail's restarts, and how fast it is."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from backends import Backends, adopt_key, backends
from botocore.exceptions import ClientError
from running import BIN, Running, running, wait_for
from test_session import delivered
from vault import make_bucket

pytestmark = pytest.mark.contract

CALLS_A_SECOND = 200
SECONDS = 10
PROBE_EVERY = 20
PROMISE_SECONDS = 2.0


@contextmanager
def in_front_of(behind: Backends, data: Path) -> Iterator[Running]:
    with running(data, *behind.arguments, **behind.settings) as server:
        adopt_key(server)
        yield server


def test_records_wait_while_the_store_is_away_and_are_delivered_afterwards(tmp_path: Path) -> None:
    with backends() as behind, in_front_of(behind, tmp_path / "data") as server:
        make_bucket(behind, "away")
        trails, iam = server.client("cloudtrail"), server.client("iam")
        trails.create_trail(Name="away", S3BucketName="away")
        trails.start_logging(Name="away")
        wait_for(lambda: "LatestDeliveryTime" in trails.get_trail_status(Name="away"))

        behind.pause_store()
        for number in range(20):
            iam.list_users(PathPrefix=f"/{number}/")
        status = wait_for(
            lambda: (
                (found := trails.get_trail_status(Name="away")).get("LatestDeliveryError") and found
            )
        )
        with pytest.raises(ClientError) as refused:
            server.client("s3").list_buckets()
        behind.resume_store()

        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
        assert status["LatestDeliveryAttemptTime"] >= status["LatestDeliveryAttemptSucceeded"]
        wait_for(lambda: len(prefixes(server, "away")) >= 20, seconds=60)
        assert sorted(prefixes(server, "away")) == sorted(f"/{number}/" for number in range(20))
        wait_for(lambda: not trails.get_trail_status(Name="away").get("LatestDeliveryError"))
        failed = server.records(name="ListBuckets")[-1]
        assert (failed["errorCode"], "upstream" in failed["errorMessage"]) == ("BadGateway", True)


def prefixes(server: Running, bucket: str) -> list[str]:
    found: list[str] = []
    for one in delivered(server, bucket):
        parameters: Any = one["requestParameters"]
        if one["eventName"] == "ListUsers":
            found.append(parameters["pathPrefix"])
    return found


def test_a_second_start_keeps_all_data(tmp_path: Path) -> None:
    with running(tmp_path / "data") as first:
        first.client("s3").create_bucket(Bucket="kept")
        first.client("s3").put_object(Bucket="kept", Key="k", Body=b"still here")
        first.client("cloudtrail").create_trail(Name="kept", S3BucketName="kept")
        first.client("cloudtrail").start_logging(Name="kept")
        wait_for(lambda: found(first, "CreateBucket"))
        events = found(first, "CreateBucket")
        recorded = first.records()

    with running(tmp_path / "data") as second:
        assert second.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == (
            b"still here"
        )
        assert second.client("cloudtrail").get_trail_status(Name="kept")["IsLogging"]
        assert found(second, "CreateBucket") == events
        assert second.records()[: len(recorded)] == recorded
        assert second.exports["AWS_ACCESS_KEY_ID"] == first.exports["AWS_ACCESS_KEY_ID"]


def found(server: Running, name: str) -> list[str]:
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    events = server.client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    return [event["CloudTrailEvent"] for event in events]


@pytest.mark.alone
def test_events_are_found_within_two_seconds_at_200_calls_a_second(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_DELIVERY_INTERVAL_SECONDS="60") as server:
        tail = Tail(server)
        looked_up = Lookups(server)
        answered: dict[str, float] = {}
        clients = [server.client("s3") for _ in range(8)]

        def call(number: int) -> None:
            name = f"probe-{number}" if number % PROBE_EVERY == 0 else f"other-{number}"
            try:
                clients[number % len(clients)].get_bucket_location(Bucket=name)
            except ClientError:
                if number % PROBE_EVERY == 0:
                    answered[name] = time.monotonic()
                    looked_up.expect(name, answered[name])

        began = time.monotonic()
        with ThreadPoolExecutor(len(clients)) as pool:
            for number in range(CALLS_A_SECOND * SECONDS):
                time.sleep(max(0.0, began + number / CALLS_A_SECOND - time.monotonic()))
                pool.submit(call, number)
        took = time.monotonic() - began
        waits = looked_up.waits()
        seen = tail.close(set(answered))

        assert took < SECONDS * 1.5, f"the load itself took {took:.1f} s"
        assert len(answered) == CALLS_A_SECOND * SECONDS // PROBE_EVERY
        assert percentile_99(waits) <= PROMISE_SECONDS, sorted(waits)[-5:]
        tailed = [seen[name] - answered[name] for name in answered]
        assert percentile_99(tailed) <= PROMISE_SECONDS, sorted(tailed)[-5:]


def percentile_99(values: list[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


class Tail:
    """`opentrail events tail` in its own process; when each bucket's name was printed."""

    def __init__(self, server: Running) -> None:
        self._seen: dict[str, float] = {}
        self._process = subprocess.Popen(
            [str(BIN / "opentrail"), "events", "tail", "--format", "jsonl", "--since", "1m"],
            env=server.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            parameters = json.loads(line)["requestParameters"] or {}
            self._seen.setdefault(parameters.get("bucketName", ""), time.monotonic())

    def close(self, wanted: set[str]) -> dict[str, float]:
        wait_for(lambda: wanted <= self._seen.keys(), seconds=10)
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._seen


class Lookups:
    """Asks LookupEvents for each probe until it is found."""

    def __init__(self, server: Running) -> None:
        self._client = server.client("cloudtrail")
        self._pool = ThreadPoolExecutor(4)
        self._waits: list[Any] = []

    def expect(self, name: str, since: float) -> None:
        self._waits.append(self._pool.submit(self._wait, name, since))

    def _wait(self, name: str, since: float) -> float:
        attribute = {"AttributeKey": "ResourceName", "AttributeValue": name}
        while not self._client.lookup_events(LookupAttributes=[attribute])["Events"]:
            time.sleep(0.05)
        return time.monotonic() - since

    def waits(self) -> list[float]:
        found = [one.result(timeout=30) for one in self._waits]
        self._pool.shutdown()
        return found


def test_a_stop_and_a_start_leave_a_valid_chain(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_DIGEST_INTERVAL_SECONDS="3") as server:
        trails, iam = server.client("cloudtrail"), server.client("iam")
        server.client("s3").create_bucket(Bucket="restarted")
        trails.create_trail(Name="again", S3BucketName="restarted", EnableLogFileValidation=True)
        arn = trails.get_trail(Name="again")["Trail"]["TrailARN"]

        trails.start_logging(Name="again")
        iam.list_users(PathPrefix="/one/")
        wait_for(lambda: digests(server) >= 2)
        trails.stop_logging(Name="again")
        before = trails.get_trail_status(Name="again")["StopLoggingTime"]
        wait_for(lambda: "StopLogging" in names(server))
        wait_for(lambda: all_closed(server))
        time.sleep(3)
        trails.start_logging(Name="again")
        iam.list_users(PathPrefix="/two/")
        count = digests(server)
        wait_for(lambda: digests(server) >= count + 2)
        validated = server.run(
            "aws", "cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time",
            "2020-01-01T00:00:00Z", "--verbose")  # fmt: skip
        verified = server.run("opentrail", "verify", "s3://restarted", "--format", "json")

        assert before is not None
        assert "INVALID" not in validated.stdout + validated.stderr
        assert "No log files" not in validated.stdout
        assert sorted(prefixes(server, "restarted")) == ["/one/", "/two/"]
        report = json.loads(verified.stdout)
        assert report["verdict"] == "VALID"
        assert "not-logging" in [one["state"] for one in report["intervals"]]


def digests(server: Running) -> int:
    listed = server.client("s3").list_objects_v2(Bucket="restarted")
    return sum("/CloudTrail-Digest/" in one["Key"] for one in listed.get("Contents", ()))


def names(server: Running) -> list[Any]:
    return [one["eventName"] for one in delivered(server, "restarted")]


def all_closed(server: Running) -> bool:
    """Whether no digest is made any more: the last one was the final one."""
    count = digests(server)
    time.sleep(4)
    return digests(server) == count


def test_a_trusted_proxys_word_is_taken_and_nobody_elses(tmp_path: Path) -> None:
    def source(server: Running) -> str:
        client = server.client("cloudtrail")
        client.meta.events.register("before-send", forward)
        client.list_trails()
        found: str = server.records(name="ListTrails")[-1]["sourceIPAddress"]
        return found

    def forward(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-For"] = "203.0.113.9"

    upstreams = ("--upstream", "*=http://127.0.0.1:9", "--upstream", "s3=http://127.0.0.1:9")
    with running(tmp_path / "plain", *upstreams) as server:
        assert source(server) == "127.0.0.1"
    with running(
        tmp_path / "behind", *upstreams, OPENTRAIL_TRUSTED_PROXIES="127.0.0.0/8"
    ) as server:
        assert source(server) == "203.0.113.9"
