"""DuckDB reads the store's open files without OpenTrail."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from opentrail.adapters.events import SegmentEventStore
from opentrail.clock import ManualClock

pytestmark = pytest.mark.contract
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "query-with-duckdb.md"
REFERENCE = PAGE.parents[1] / "reference" / "event-files.md"


def record(number: int) -> bytes:
    denied = number % 4 == 0
    return json.dumps(
        {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::1:user/u{number % 7}"},
            "eventTime": f"2026-11-24T08:{number // 60 % 60:02d}:{number % 60:02d}Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": "DeleteBucket" if number % 2 else "ListBuckets",
            "awsRegion": "us-east-1",
            "requestParameters": {"bucketName": f"b-{number}"},
            "readOnly": number % 2 == 0,
            "eventID": f"id-{number}",
            "recipientAccountId": "1",
        }
        | ({"errorCode": "AccessDenied"} if denied else {})
    ).encode()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    store = SegmentEventStore(tmp_path / "opentrail-data" / "events", ManualClock(NOW))
    store.append([record(number) for number in range(3000)])
    store.append([record(number) for number in range(2990, 5000)])
    store.close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_queries_answer_what_is_there(here: Path) -> None:
    block = re.search(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    first, second = (one for one in block[1].split(";") if one.strip())

    assert duckdb.sql(first).fetchall() == [("s3.amazonaws.com", "ListBuckets", 1250)]
    # A time with its zone would need one more package to come to Python.
    found = duckdb.sql(f"SELECT bucket FROM ({second})").fetchall()
    assert len(found) == 2500
    assert {bucket for (bucket,) in found} == {f"b-{number}" for number in range(1, 5000, 2)}


def test_every_column_is_described(here: Path) -> None:
    columns = duckdb.sql("SELECT * FROM 'opentrail-data/events/parquet/*.parquet' LIMIT 0").columns
    described = set(re.findall(r"`([a-z_]+)`", REFERENCE.read_text()))

    assert set(columns) <= described


def test_times_are_times(here: Path) -> None:
    (least, greatest), *_ = duckdb.sql(
        "SELECT epoch(min(event_time)), epoch(max(event_time)) "
        "FROM 'opentrail-data/events/parquet/*.parquet'"
    ).fetchall()

    assert (least, greatest) == (1795507200, 1795507200 + 3599)
