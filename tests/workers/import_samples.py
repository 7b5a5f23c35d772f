"""Records and documents for the tests of imports."""

import gzip
import json
from typing import Any


def record(number: int = 1, **more: Any) -> bytes:
    """A small record; its id is made of its number."""
    fields = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "ana"},
        "eventTime": f"2026-03-02T10:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "requestParameters": {"bucketName": "b", "key": f"k/{number}"},
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "recipientAccountId": "111122223333",
        **more,
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def records(count: int, first: int = 1) -> list[bytes]:
    return [record(first + number) for number in range(count)]


def log_file(raws: list[bytes]) -> bytes:
    return gzip.compress(b'{"Records":[' + b",".join(raws) + b"]}", mtime=0)


def log_key(
    number: int = 0,
    *,
    day: str = "20260302",
    account: str = "111122223333",
    region: str = "eu-west-1",
    folder: str = "CloudTrail",
    prefix: str = "",
) -> str:
    date = f"{day[:4]}/{day[4:6]}/{day[6:]}"
    name = f"{account}_{folder}_{region}_{day}T{number // 60 % 24:02d}{number % 60:02d}Z_{number:016d}.json.gz"
    return f"{prefix}AWSLogs/{account}/{folder}/{region}/{date}/{name}"
