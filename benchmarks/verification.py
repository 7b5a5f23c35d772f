"""(d) `opentrail verify` against `aws cloudtrail validate-logs`, on the same bucket in SeaweedFS.

The workers make the bucket: hours of log files with their digests. Both programs run as a user
runs them, start of the program included.
"""

import json
import logging
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import structlog

from loads import ROOT

sys.path[:0] = [str(ROOT / "tests" / "contract"), str(ROOT / "benchmarks")]
from backends import KEY, SECRET, adopt_key, backends  # noqa: E402 - shared with the tests
from running import ACCOUNT, BIN, Running, make  # noqa: E402
from vault import HOUR, Vault, make_bucket, ten_hours_ago  # noqa: E402

from log_files import records  # noqa: E402
from opentrail.clock import ManualClock, iso_seconds  # noqa: E402

BUCKET = "audit"
HOURS = 5
SHAPES = {"many small files": (600, 100), "few large files": (30, 6000)}
"""Log files an hour and records a file: a quiet account's and a busy one's."""


def run() -> dict[str, object]:
    """Seconds, files/s and MB/s of plain bytes, for each shape of a bucket."""
    return {shape: _bucket(*sizes) for shape, sizes in SHAPES.items()}


def _bucket(files: int, records_a_file: int) -> dict[str, object]:
    _quiet()
    with backends() as behind, tempfile.TemporaryDirectory(dir=ROOT) as name:
        settings = behind.settings | {"OPENTRAIL_DELIVERY_INTERVAL_SECONDS": "3600"}
        server = make(Path(name) / "data", *behind.arguments, **settings)
        make_bucket(behind, BUCKET)
        server.start()
        trails = server.client("cloudtrail")
        trails.create_trail(Name="main", S3BucketName=BUCKET, EnableLogFileValidation=True)
        trails.start_logging(Name="main")
        server.stop()
        vault = Vault(
            server, behind, BUCKET, ManualClock(ten_hours_ago()), interval=timedelta(seconds=1)
        )
        _fill(vault, files, records_a_file)
        trust = str(server.data / "trust.json")
        server.run("opentrail", "signing-keys", "export", trust)
        vault.forget_chains()
        vault.close()
        server.start()
        try:
            adopt_key(server)
            return _measured(server, behind.s3, trust, iso_seconds(vault.clock.now()))
        finally:
            server.stop()


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def _fill(vault: Vault, files: int, records_a_file: int) -> None:
    raws = [record.raw for record in records(records_a_file)]
    for _ in range(HOURS):
        end = vault.clock.now() + HOUR
        for _ in range(files):
            for raw in raws:
                found = json.loads(raw)
                found["eventID"] = f"{vault.number:032x}"
                found["eventTime"] = iso_seconds(vault.clock.now())
                found["managementEvent"], found["eventCategory"] = True, "Management"
                vault.number += 1
                vault.waiting.append(json.dumps(found, separators=(",", ":")).encode())
            vault.flush()
        vault.clock.advance(end - vault.clock.now())
        vault.step()


def _measured(server: Running, endpoint: str, trust: str, until: str) -> dict[str, object]:
    aws = [str(BIN / "aws"), "cloudtrail", "validate-logs", "--trail-arn",
           f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main",
           "--start-time", "2020-01-01T00:00:00Z", "--end-time", until]  # fmt: skip
    ours = [str(BIN / "opentrail"), "verify", f"s3://{BUCKET}", "--keys", trust, "--to", until,
            "--format", "json"]  # fmt: skip
    environment = server.environment() | {"AWS_ENDPOINT_URL_S3": endpoint}
    direct = environment | {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": KEY,
                            "AWS_SECRET_ACCESS_KEY": SECRET}  # fmt: skip
    theirs = min(_seconds(aws, environment)[0] for _ in range(2))
    took, output = min(_seconds(ours, direct) for _ in range(3))
    report = json.loads(output)
    assert report["verdict"] == "VALID", report["findings"][:3]
    files, megabytes = report["log_files"], report["log_file_bytes"] / 1e6
    return {
        "log files": files,
        "MB": round(megabytes),
        "opentrail verify": {
            "s": round(took, 2), "files/s": round(files / took), "MB/s": round(megabytes / took)
        },
        "aws cloudtrail validate-logs": {
            "s": round(theirs, 2),
            "files/s": round(files / theirs),
            "MB/s": round(megabytes / theirs),
        },
        "ratio (aim >= 10)": round(theirs / took, 1),
    }  # fmt: skip


def _seconds(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    assert done.returncode == 0, (done.stdout + done.stderr)[:2000]
    return took, done.stdout
