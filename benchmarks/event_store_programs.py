"""Programs of their own that the store is measured with; each is told a data directory.

`append DATA`: 1,000 new events a second, until killed, as the server appends them.
`ask DATA`: look-ups of a JSON list on stdin, in this process; prints the seconds of each.
`search DATA`: searches and facets, likewise.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.clock import SystemClock, iso_seconds
from opentrail.history.lookup import LookupQuery
from opentrail.ports.events import Search
from opentrail.search.parser import parse_filter

RATE = 1000
PAUSE_SECONDS = 0.4


def append(data: Path) -> None:
    """Batches as the server's worker makes them, and joining beside them as its keeper does."""
    store = SegmentEventStore(data / "events", SystemClock())
    threading.Thread(target=_join, args=(store,), daemon=True).start()
    size = int(RATE * PAUSE_SECONDS)
    number = 0
    due = time.monotonic()
    while True:
        store.append([_raw(number + one) for one in range(size)])
        number += size
        print(size, flush=True)
        due += PAUSE_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))


def _join(store: SegmentEventStore) -> None:
    while True:
        if not store.compact():
            time.sleep(1)


def _raw(number: int) -> bytes:
    now = datetime.now(UTC)
    return json.dumps(
        {
            "eventVersion": "1.11", "eventID": f"{now.timestamp():.6f}-{number}",
            "userIdentity": {"type": "IAMUser", "userName": f"arriving-{number % 50}",
                             "accessKeyId": f"AKIAARRIVING{number % 50:08}"},
            "eventTime": iso_seconds(now), "eventSource": "iam.amazonaws.com",
            "eventName": f"Arriving{number % 30}", "awsRegion": "us-east-1", "readOnly": False,
            "sourceIPAddress": "10.0.0.1", "userAgent": "bench", "eventType": "AwsApiCall",
            "requestParameters": {"userName": f"new-{number}"}, "managementEvent": True,
            "eventCategory": "Management", "recipientAccountId": "111122223333",
        }
    ).encode()  # fmt: skip


def ask(data: Path) -> None:
    """One look-up after the other; the reader is opened before the clock runs."""
    reader = SegmentEventReader(data / "events")
    now = datetime.now(UTC)

    def one(account: str, region: str, attribute: str, value: str) -> int:
        query = LookupQuery(
            account_id=account, region=region, attribute=attribute, value=value,
            start=now - timedelta(days=90), end=now + timedelta(minutes=10), limit=50,
            insight=False,
        )  # fmt: skip
        return len(reader.lookup(query, None))

    told(one)


def search(data: Path) -> None:
    """Searches (filter, limit), counts (filter) and facets (paths)."""
    reader = SegmentEventReader(data / "events")

    def one(kind: str, wanted: Any) -> int:
        if kind == "facets":
            facets = reader.facets(Search(), [tuple(path.split(".")) for path in wanted], top=10)
            return sum(len(facet.values) for facet in facets)
        where = parse_filter(wanted)
        if kind == "count":
            return reader.count(Search(where=where)).events
        return len(reader.search(Search(where=where, limit=50)))

    told(one)


def told(one: Callable[..., int]) -> None:
    """Ask as often and as fast as stdin says: {"rounds": n, "pause": seconds, "asked": [...]}."""
    order = json.load(sys.stdin)
    found = []
    for _ in range(order["rounds"]):
        found = []
        for words in order["asked"]:
            began = time.perf_counter()
            rows = one(*words)
            found.append((time.perf_counter() - began, rows))
            time.sleep(order["pause"])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    {"append": append, "ask": ask, "search": search}[sys.argv[1]](Path(sys.argv[2]))
