"""The directory of values leaves out no segment that has one."""

import gc
import json
import weakref
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.adapters.events.directory import MANY
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.clock import ManualClock
from opentrail.history.lookup import parse_lookup

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def raw(number: int) -> bytes:
    return json.dumps(
        {
            "eventID": f"id-{number}", "eventTime": f"2026-11-24T08:{number % 60:02d}:00Z",
            "eventVersion": "1.11", "eventCategory": "Management", "recipientAccountId": "1",
            "awsRegion": "us-east-1", "eventName": f"Name{number % 7}",
            "requestParameters": {"bucketName": f"b-{number % 50}"},
        }
    ).encode()  # fmt: skip


@pytest.mark.parametrize("attribute", ["EventId", "EventName", "ResourceName"])
def test_many_segments_are_looked_up_as_one(tmp_path: Path, attribute: str) -> None:
    plain = MemoryEventStore(ManualClock(NOW))
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    reader = SegmentEventReader(tmp_path / "events")
    values = {
        "EventId": [f"id-{n}" for n in range(0, 3 * MANY + 200, 3)],
        "EventName": [f"Name{n}" for n in range(8)],
        "ResourceName": [f"b-{n}" for n in range(52)],
    }[attribute]

    for number in range(MANY + 40):
        batch = [raw(number * 3 + one) for one in range(3)]
        plain.append(batch)
        store.append(batch)
        if number in {3, MANY + 2, MANY + 30, MANY + 39}:
            for value in values:
                one = {"AttributeKey": attribute, "AttributeValue": value}
                query = parse_lookup(
                    {"LookupAttributes": [one]}, account_id="1", region="us-east-1", now=NOW
                )
                assert reader.lookup(query, None) == plain.lookup(query, None)
    while store.compact():
        pass
    query = parse_lookup(
        {"LookupAttributes": [{"AttributeKey": attribute, "AttributeValue": values[1]}]},
        account_id="1", region="us-east-1", now=NOW,
    )  # fmt: skip
    assert reader.lookup(query, None) == plain.lookup(query, None)
    store.close()


def test_segments_that_are_no_more_are_let_go(tmp_path: Path) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for number in range(MANY + 1):
        store.append([raw(number)])
    query = parse_lookup(
        {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Name1"}]},
        account_id="1", region="us-east-1", now=NOW,
    )  # fmt: skip
    assert len(store.lookup(query, None)) == MANY // 7 + 1
    old = [weakref.ref(one) for one in store.segments()]

    while store.compact():
        pass
    assert len(store.lookup(query, None)) == MANY // 7 + 1
    gc.collect()

    left = {one.entry.number for one in store.segments()}
    assert {one.entry.number for ref in old if (one := ref()) is not None} <= left
    store.close()
