"""A whole OpenTrail in its own process, and somebody else's programs pointed at it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from forking import Forking

from opentrail.adapters.identities import read_file
from opentrail.adapters.journal import SegmentJournalReader
from opentrail.app.processes import free_ports
from opentrail.app.telemetry.status import is_running, read_status

BIN = Path(sys.executable).parent
FORKING: dict[str, Forking] = {}
"""By program; conftest.py ends them."""

ACCOUNT = "123456789012"


@dataclass
class Running:
    """A server's directory, port and, while it runs, its process."""

    data: Path
    port: int
    settings: dict[str, str]
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    exports: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        log = (self.data / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "opentrail", "serve", *self.arguments],
            env=self.environment(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status = read_status(self.data)
            if status is not None and status.process == self.process.pid and is_running(status):
                break
            assert self.process.poll() is None, (self.data / "server.log").read_text()
            time.sleep(0.05)
        else:
            raise AssertionError((self.data / "server.log").read_text())
        key = read_file(self.data / "identities.toml").entries[0]
        self.exports = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def kill(self) -> None:
        """SIGKILL, as a crash does it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        return self.process.wait(40)

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "OPENTRAIL_DATA": str(self.data),
            "OPENTRAIL_PORT": str(self.port),
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.settings,
            **self.exports,
        }

    def client(self, service: str, region: str = "us-east-1", **options: Any) -> Any:
        """A boto3 client pointed at the server."""
        keys = {
            "aws_access_key_id": self.exports["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.exports["AWS_SECRET_ACCESS_KEY"],
        }
        return boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            config=Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=60
            ),
            **(keys | options),
        )

    def run(
        self, *command: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A command of the virtual environment (`aws`, `opentrail`)."""
        words = [str(BIN / command[0]), *command[1:]]
        if command[0] not in FORKING:
            FORKING[command[0]] = Forking(command[0])
        done = FORKING[command[0]].run(words, self.environment() | environment, timeout=120)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def records(self, *, name: str | None = None) -> list[dict[str, Any]]:
        """What the journal holds, in order."""
        journal = SegmentJournalReader(self.data / "journal")
        offset = journal.first()
        assert offset == 0, "a part of the journal was given up"
        found: list[dict[str, Any]] = []
        while entries := journal.read(offset, 10_000_000):
            found += [json.loads(one.raw) for one in entries]
            offset = entries[-1].next_offset
        return [one for one in found if name in (None, one["eventName"])]


def make(directory: Path, *arguments: str, **settings: str) -> Running:
    """A server that is not started yet."""
    defaults = {
        "OPENTRAIL_DELIVERY_INTERVAL_SECONDS": "1",
        "OPENTRAIL_DIGEST_INTERVAL_SECONDS": "3600",
        "OPENTRAIL_REGIONS": "us-east-1,eu-west-1",
        # Tests of bucket policies say so.
        "OPENTRAIL_BUCKET_POLICIES": "ignore",
    }
    (port,) = free_ports(1)
    return Running(directory, port, defaults | settings, arguments)


@contextmanager
def running(directory: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    """A server for the length of a block."""
    server = make(directory, *arguments, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def organization(server: Running) -> dict[str, Any] | None:
    """What DescribeOrganization tells; None until the server has seen that there is one."""
    client = server.client("organizations")
    try:
        found: dict[str, Any] = client.describe_organization()["Organization"]
    except client.exceptions.AWSOrganizationsNotInUseException:
        return None
    return found


def wait_for(condition: Any, *, seconds: float = 30) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
