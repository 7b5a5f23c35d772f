"""A store of events and log groups, and an engine that answers queries over them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.log_events.memory import MemoryLogEventStore
from opentrail.adapters.queries.database import Limits
from opentrail.adapters.queries.engine import QueryEngine
from opentrail.clock import Clock, SystemClock
from opentrail.logs.names import GroupKey
from opentrail.ports.events import Search, StoredEvent
from opentrail.ports.log_events import LogEvent
from opentrail.ports.queries import QueriedGroup, QueryRequest, QueryStatistics
from opentrail.trail.feeds import FeedSpan

ACCOUNT = "111122223333"
GROUP = GroupKey(ACCOUNT, "us-east-1", "app")
END = 4_000_000_000_000
NOW = 1_800_000_000_000
LIMITS = Limits(memory_bytes=256 * 1024 * 1024, threads=2)


def record(number: int, **values: Any) -> bytes:
    """A record, a second after the one before."""
    when = datetime.fromtimestamp(1_783_000_000 + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    usual = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1"},
        "eventTime": when, "eventSource": "s3.amazonaws.com", "eventName": "PutObject",
        "awsRegion": "us-east-1", "sourceIPAddress": "10.0.0.1", "userAgent": "aws-cli",
        "requestParameters": {"bucketName": "logs", "key": f"key-{number}"},
        "eventID": f"{number:08x}-0000-4000-8000-000000000000", "requestID": f"request-{number}",
        "eventType": "AwsApiCall", "eventCategory": "Data", "recipientAccountId": ACCOUNT,
    }  # fmt: skip
    return json.dumps(
        {name: value for name, value in (usual | values).items() if value is not ...}
    ).encode()


class InsightsWorld:
    """One engine; queries one after the other."""

    def __init__(self, data: Path, *, limits: Limits = LIMITS, clock: Clock | None = None) -> None:
        self.store = SegmentEventStore(data / "events", clock or SystemClock())
        self.log_events = MemoryLogEventStore()
        self.engine = QueryEngine(data / "events", self.log_events, data / "scratch", limits)
        self.statistics = QueryStatistics()

    def put(self, *messages: str | tuple[int, str], group: GroupKey = GROUP) -> None:
        """Log events, at their times or a second after the other."""
        timed = [
            one if isinstance(one, tuple) else (1_700_000_000_000 + 1000 * number, one)
            for number, one in enumerate(messages)
        ]
        self.log_events.create_stream(group, "stream-1", 0)
        events = [LogEvent(when, text) for when, text in timed]
        self.log_events.put(group, "stream-1", events, 1_700_000_009_000)

    def ask(
        self,
        query: str,
        *,
        groups: Sequence[QueriedGroup] | None = None,
        start: int = 0,
        end: int = END,
        limit: int | None = None,
        accounts: tuple[str, ...] | None = None,
    ) -> list[dict[str, str]]:
        """The rows; `groups` None asks the store."""
        request = QueryRequest(
            text=query, start=start, end=end, now=NOW, limit=limit, accounts=accounts,
            groups=None if groups is None else tuple(groups),
        )  # fmt: skip
        rows: list[dict[str, str]] = []
        self.statistics = self.engine.start(request).answer(
            lambda found: rows.extend(map(dict, found))
        )
        return rows

    def ask_group(self, query: str, **values: int) -> list[dict[str, str]]:
        return self.ask(query, groups=[queried()], **values)

    def engine_events(self) -> tuple[StoredEvent, ...]:
        """Every event of the store."""
        return self.store.search(Search(limit=None))

    def close(self) -> None:
        self.engine.close()
        self.store.close()


def queried(
    group: GroupKey = GROUP, spans: Sequence[FeedSpan] = (), shown_from: int = 0
) -> QueriedGroup:
    return QueriedGroup(
        account_id=group.account_id, region=group.region, name=group.name, spans=tuple(spans),
        shown_from=shown_from,
    )  # fmt: skip


def plain(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Without pointers."""
    return [{name: text for name, text in row.items() if name != "@ptr"} for row in rows]
