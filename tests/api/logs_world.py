"""CloudWatch Logs in this process, asked by boto3."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_world import ACCOUNT, ApiWorld
from botocore.exceptions import ClientError

from opentrail.adapters.ids import CountingIds
from opentrail.adapters.log_events import MemoryLogEventStore
from opentrail.adapters.queries.book import SqliteQueryBook
from opentrail.api.logs import LogsBackends, QueriesBackends, logs_service
from opentrail.logs.names import GroupKey
from opentrail.ports.state import Change
from opentrail.trail.feeds import FEED_KIND, FeedSpan
from opentrail.trail.trail import Trail

GROUP = GroupKey(ACCOUNT, "us-east-1", "g")
STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"


def now() -> int:
    return int(time.time() * 1000)


@dataclass
class LogsWorld:
    """The service and what it stands on."""

    world: ApiWorld
    log_events: MemoryLogEventStore = field(default_factory=MemoryLogEventStore)

    def __post_init__(self) -> None:
        backends = LogsBackends(
            state=self.world.state, events=self.world.events, log_events=self.log_events,
            journal=self.world.journal,
        )  # fmt: skip
        self.book = SqliteQueryBook(self.world.keys / "queries.sqlite")
        queries = QueriesBackends(logs=backends, book=self.book, ids=CountingIds())
        self.world.others = (logs_service(queries),)
        self.world.serve()

    def client(self, **options: Any) -> Any:
        return self.world.client(service="logs", **options)

    def feed(self, sequence: int = 0, before: int | None = None, **values: Any) -> None:
        """A trail delivers to the group from a sequence of the store on."""
        usual: dict[str, Any] = {
            "arn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t", "name": "t",
            "account_id": ACCOUNT, "home_region": "us-east-1", "s3_bucket_name": "b",
            "created": "2026-01-01T00:00:00Z", "is_multi_region_trail": True,
        }  # fmt: skip
        trail = msgspec.convert(usual | values, Trail)
        span = FeedSpan(
            group_arn=GROUP.arn, trail=trail, sequence_from=sequence, sequence_before=before
        )
        self.world.state.apply([Change(FEED_KIND, span.state_key, msgspec.json.encode(span))])


def made(tmp_path: Path) -> LogsWorld:
    return LogsWorld(ApiWorld(tmp_path))


def transformation(**values: Any) -> list[dict[str, Any]]:
    return [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"} | values]


def refused(call: Any, /, **values: Any) -> tuple[str, str]:
    """(code, message) of the error."""
    with pytest.raises(ClientError) as caught:
        call(**values)
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]
