"""Writes to the store in DIRECTORY, and prints what is durable; meant to be killed.

HOW: `small` appends small batches with a place, `bulk` large ones side by side, `joining` joins
segments over and over. Events are numbered from FIRST; each line says `FROM TO`: these are there.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.events.bulk import BulkAppender
from opentrail.clock import SystemClock
from opentrail.ports.events import Appended


def raw(number: int) -> bytes:
    """An event like no other."""
    return json.dumps(
        {
            "eventVersion": "1.11", "eventID": f"id-{number}", "eventName": f"Name{number % 7}",
            "eventTime": f"2026-11-24T08:{number // 60 % 60:02}:{number % 60:02}Z",
            "userIdentity": {"type": "IAMUser", "userName": f"user-{number % 5}"},
            "requestParameters": {"bucketName": f"b-{number}"}, "eventCategory": "Management",
            "recipientAccountId": "1", "awsRegion": "us-east-1", "eventSource": "s3.amazonaws.com",
        }
    ).encode()  # fmt: skip


def say(start: int, end: int) -> None:
    sys.stdout.write(f"{start} {end}\n")
    sys.stdout.flush()


def small(store: SegmentEventStore, first: int) -> None:
    """One batch after the other: each begins within the one before, as after a crash."""
    number = first
    while True:
        size = 1 + number % 97
        start = max(first, number - 10)
        store.append([raw(one) for one in range(start, number + size)], place=number + size)
        number += size
        say(start, number)


def bulk(store: SegmentEventStore, first: int) -> None:
    """Large batches that overlap."""
    appender = BulkAppender(store)
    waiting: deque[tuple[int, int, Future[Appended]]] = deque()
    for start in _starts(first):
        end = start + 3000
        waiting.append((start, end, appender.submit([raw(one) for one in range(start, end)])))
        while waiting and (len(waiting) > 4 or waiting[0][2].done()):
            done_from, done_to, future = waiting.popleft()
            future.result()
            say(done_from, done_to)


def _starts(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 2500


def joining(store: SegmentEventStore, first: int) -> None:
    """Little pieces, and joining them."""
    while True:
        for _ in range(8):
            store.append([raw(one) for one in range(first, first + 200)])
            say(first, first + 200)
            first += 200
        while store.compact():
            pass


if __name__ == "__main__":
    made = SegmentEventStore(Path(sys.argv[1]), SystemClock())
    made.sweep()
    {"small": small, "bulk": bulk, "joining": joining}[sys.argv[2]](made, int(sys.argv[3]))
