"""A data directory with events, and the commands that search it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from opentrail.adapters.events import SegmentEventStore
from opentrail.cli.main import commands
from opentrail.clock import SystemClock
from opentrail.errors import InvalidInput

START = 1_783_000_000


def record(number: int, **values: Any) -> bytes:
    when = datetime.fromtimestamp(START + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    usual = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1"},
        "eventTime": when, "eventSource": "s3.amazonaws.com", "eventName": "PutObject",
        "awsRegion": "us-east-1", "sourceIPAddress": "10.0.0.1", "userAgent": "aws-cli",
        "requestParameters": {"bucketName": "logs", "key": f"key-{number}"},
        "eventID": f"{number:08x}-0000-4000-8000-000000000000", "requestID": f"request-{number}",
        "eventType": "AwsApiCall", "eventCategory": "Data", "recipientAccountId": "111111111111",
    }  # fmt: skip
    return json.dumps(
        {name: value for name, value in (usual | values).items() if value is not ...}
    ).encode()


def fill(data: Path, raws: Sequence[bytes]) -> None:
    store = SegmentEventStore(data / "events", SystemClock())
    store.append(raws)
    store.close()


class World:
    """The commands, run in this process."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENTRAIL_DATA", str(data))
        self.data = data

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(commands, ["events", *words])
        if result.exception is not None and not isinstance(
            result.exception, SystemExit | InvalidInput
        ):
            raise result.exception
        return result

    def out(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.out(*words, "--format", "json"))
