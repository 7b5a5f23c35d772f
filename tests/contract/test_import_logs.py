"""`opentrail import` from SeaweedFS and directories into the real store, killed and followed."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from backends import KEY, SECRET, Backends, backends
from import_samples import log_file, log_key, record, records
from workers_world import Walk

from opentrail.adapters.ledger import SqliteLedger
from opentrail.adapters.objects import LocalObjectStore
from opentrail.app.settings import Settings
from opentrail.app.wiring import open_event_reader
from opentrail.digest.trust import write_trust
from opentrail.ports.events import Search

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def services() -> Iterator[Backends]:
    with backends() as made:
        yield made


def environment(data: Path, services: Backends | None = None) -> dict[str, str]:
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AWS_", "OPENTRAIL_"))
    }
    kept |= {"OPENTRAIL_DATA": str(data), "AWS_EC2_METADATA_DISABLED": "true"}
    if services is not None:
        kept |= {
            "AWS_ENDPOINT_URL_S3": services.s3,
            "AWS_ENDPOINT_URL": services.moto,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
    return kept


def start(arguments: list[str], env: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "opentrail", *arguments],
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(arguments: list[str], env: Mapping[str, str], code: int = 0) -> dict[str, Any]:
    process = start(["import", *arguments, "--format", "json"], env)
    out, problems = process.communicate(timeout=120)
    assert process.returncode == code, problems
    return json.loads(out) if out else {}


def stored(data: Path) -> list[bytes]:
    reader = open_event_reader(Settings(data=data))
    return sorted(one.raw for one in reader.stream(Search(limit=None)))


def client(name: str, services: Backends) -> Any:
    return boto3.client(
        name,
        endpoint_url=services.s3 if name == "s3" else services.moto,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )


def tree() -> tuple[dict[str, bytes], list[bytes]]:
    """Objects of several trails and layouts in one bucket, and the records in them."""
    raws = records(200)
    digest = log_key(1, folder="CloudTrail-Digest")
    objects = {
        log_key(1): log_file(raws[:50]),
        log_key(2, prefix="trails/a/"): log_file(raws[50:100]),
        log_key(3, account="444455556666").replace("AWSLogs/", "AWSLogs/o-abcdefghij/"): log_file(
            raws[100:120]
        ),
        log_key(4, folder="CloudTrail-Insight"): log_file(raws[120:130]),
        log_key(5, folder="CloudTrail-NetworkActivity"): log_file(raws[130:140]),
        log_key(6, folder="CloudTrail-Aggregated"): gzip.compress(
            b"[" + b",".join(raws[140:150]) + b"]"
        ),
        "export/0b2c/000000.gz": gzip.compress(
            b"".join(b"2026-03-02T10:00:00.000Z " + one + b"\n" for one in raws[150:170])
        ),
        "export/aws-logs-write-test": b"Permission Check Successful",
        "odd/ü a+b%/=?&'\u65e5.jsonl": b"\n".join(raws[170:200]),
        log_key(7): log_file(raws[:50]),
        digest: b"not read",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2026/03/02/q/result_1.csv.gz": b"x",
        "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2026/03/02/x.log.gz": b"x",
    }
    return objects, raws


def test_a_bucket_of_every_layout_is_imported_once(services: Backends, tmp_path: Path) -> None:
    s3 = client("s3", services)
    s3.create_bucket(Bucket="layouts")
    objects, raws = tree()
    for key, body in objects.items():
        s3.put_object(Bucket="layouts", Key=key, Body=body)
    env = environment(tmp_path, services)

    first = run(["s3://layouts"], env)
    again = run(["s3://layouts"], env)
    part = run(["s3://layouts/trails/"], env)

    assert stored(tmp_path) == sorted(raws)
    assert first["objects"] == {
        "listed": 13,
        "imported": 9,
        "unchanged": 0,
        "skipped": 4,
        "failed": 0,
        "changed": 0,
        "damaged": 0,
    }
    assert (first["records"]["added"], first["records"]["duplicates"]) == (200, 50)
    assert (again["bytes_read"], again["objects"]["unchanged"]) == (0, 10)
    assert part["objects"]["unchanged"] == 1


def test_what_a_directory_holds_is_byte_for_byte_in_the_store(tmp_path: Path) -> None:
    objects, raws = tree()
    source = tmp_path / "logs"
    for key, body in objects.items():
        path = source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (source / os.fsdecode(b"\xff\xfe.json")).write_bytes(record(999))
    os.mkfifo(source / "pipe")

    report = run([str(source)], environment(tmp_path / "data"))
    alone = run([str(source / log_key(1))], environment(tmp_path / "data"))

    assert stored(tmp_path / "data") == sorted([*raws, record(999)])
    assert report["skipped"]["not a regular file"] == 1
    assert report["objects"]["failed"] == 0
    # Known by another name than in the directory, so it is read, and nothing is added.
    assert (alone["records"]["added"], alone["records"]["duplicates"]) == (0, 50)


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "logs"
    expected = []
    for number in range(400):
        some = records(20, first=number * 20)
        expected += some
        path = source / log_key(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log_file(some))
    (source / log_key(500)).write_bytes(log_file([record(9000), b"{"]))
    env = environment(tmp_path / "data")
    chance = random.Random(5)
    kills = 0

    for round_ in range(8):
        process = start(["import", str(source)], env)
        while process.poll() is None and _runs(tmp_path / "data") <= round_:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.25))
        kills += process.poll() is None
        process.kill()
        process.communicate()
    noted = _is_noted(tmp_path / "data", source, log_key(500))
    report = run([str(source)], env, code=0 if noted else 1)

    assert kills > 3
    assert stored(tmp_path / "data") == sorted([*expected, record(9000)])
    assert run([str(source)], env)["bytes_read"] == 0
    assert report["objects"]["listed"] == 401
    [kept] = list((tmp_path / "data" / "quarantine").glob("*.jsonl"))
    assert len(kept.read_bytes().splitlines()) == 1


def _runs(data: Path) -> int:
    path = data / "imports.sqlite"
    return len(SqliteLedger(path).runs()) if path.exists() else 0


def _is_noted(data: Path, source: Path, key: str) -> bool:
    return bool(SqliteLedger(data / "imports.sqlite").look_up(f"file://{source}", [key]))


def test_interrupted_it_says_so_and_goes_on(services: Backends, tmp_path: Path) -> None:
    s3 = client("s3", services)
    s3.create_bucket(Bucket="many")
    for number in range(300):
        s3.put_object(Bucket="many", Key=log_key(number), Body=log_file([record(number)]))
    code, problems = 0, ""
    for attempt in range(5):  # one that ends before the signal comes is tried anew
        data = tmp_path / str(attempt)
        process = start(["import", "s3://many", "--jobs", "1"], environment(data, services))
        while process.poll() is None and not _runs(data):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, problems = process.communicate(timeout=30)
        code = process.returncode
        if code:
            break
    held = stored(data)
    run(["s3://many"], environment(data, services))

    assert code == 130, problems
    assert "interrupted; the same command goes on" in problems
    assert len(held) < 300
    assert stored(data) == sorted(record(number) for number in range(300))


def test_a_queue_tells_of_new_objects(services: Backends, tmp_path: Path) -> None:
    s3, sqs = client("s3", services), client("sqs", services)
    s3.create_bucket(Bucket="told")
    s3.put_object(Bucket="told", Key=log_key(1), Body=log_file([record(1)]))
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    process = start(
        ["import", "s3://told", "--follow", "--notifications", queue, "--format", "json"],
        environment(tmp_path, services),
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    key = "a b/ü+.json.gz"
    s3.put_object(Bucket="told", Key=key, Body=log_file([record(2)]))
    event = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "told"}, "object": {"key": "a+b/%C3%BC%2B.json.gz"}},
    }
    for body in (
        {"Service": "Amazon S3", "Event": "s3:TestEvent"},
        {"Type": "Notification", "Message": json.dumps({"Records": [event]})},
    ):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))

    second = json.loads(process.stdout.readline())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _waiting(sqs, queue):
        time.sleep(0.2)
    process.terminate()
    process.communicate(timeout=30)

    assert (first["records"]["added"], second["records"]["added"]) == (1, 1)
    assert stored(tmp_path) == [record(1), record(2)]
    assert _waiting(sqs, queue) == 0
    assert process.returncode == 0


def _waiting(sqs: Any, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(map(int, told.values()))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["/nowhere/at/all"], 2),
        (["s3://"], 2),
        (["--format", "xml", "."], 2),
        (["s3://no-such-bucket-here"], 3),
        (["--endpoint-url", "http://127.0.0.1:9", "s3://away"], 3),
    ],
)
def test_what_is_no_source_ends_with_a_message(
    services: Backends, tmp_path: Path, arguments: list[str], code: int
) -> None:
    process = start(["import", *arguments], environment(tmp_path, services))

    _, problems = process.communicate(timeout=60)

    assert process.returncode == code
    assert problems.startswith("opentrail: ")
    assert "Traceback" not in problems


def test_a_copied_bucket_is_verified_on_the_way_in(tmp_path: Path) -> None:
    walk = Walk(tmp_path / "keys")
    walk.trail()
    for _ in range(2):
        walk.call()
        walk.minutes(65)
    source, trust = tmp_path / "copy", tmp_path / "trust.json"
    for key, content in walk.store.buckets["audit"].items():
        LocalObjectStore(source).put("", key, content)
    trust.write_bytes(write_trust(walk.trust()))
    arguments = [str(source), "--verify", "--keys", str(trust)]

    good = run(arguments, environment(tmp_path / "data"))
    log_files = [one for one in source.rglob("*.json.gz") if "CloudTrail-Digest" not in str(one)]
    log_files[0].write_bytes(log_file([record(1)]))
    bad = run(arguments, environment(tmp_path / "data"), code=1)

    assert good["proof"]["records_proven"] == 2
    assert good["proof"]["objects"] == {"proven": 2}
    assert bad["proof"]["objects"] == {"proven": 1, "hash-differs": 1}
    assert bad["objects"]["changed"] == 1


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "logs"
    source.mkdir()
    (source / "a.json").write_bytes(record(1))

    process = start(["import", str(source), "--dry-run"], environment(tmp_path / "data"))
    out, _ = process.communicate(timeout=60)

    assert out.split() == ["read", "a.json", "new"]
    assert stored(tmp_path / "data") == []


def test_the_report_is_for_people_too(tmp_path: Path) -> None:
    source = tmp_path / "logs"
    source.mkdir()
    (source / "a\x1b[31m.json").write_bytes(b"[" + record(1) + b"," + record(2)[:-5])
    (source / "b.json").write_bytes(b"[" + record(1) + b'{"eventVersion":"1.0","a":NaN}]')

    def told(*arguments: str) -> str:
        process = start(list(arguments), environment(tmp_path / "data"))
        return process.communicate(timeout=60)[0]

    report = told("import", str(source))

    assert "2 listed = 2 imported + 0 unchanged + 0 skipped + 0 failed" in report
    assert "4 found = 1 added + 1 duplicates + 2 quarantined" in report
    assert "! a\\x1b[31m.json at byte" in report
    assert "\x1b" not in report
    assert told("imports", "show", "1") == report
    assert "finished" in told("imports", "list")
    assert "damaged" not in told("imports", "show", "1", "--objects")
    assert "\x1b" not in told("imports", "show", "1", "--objects")
