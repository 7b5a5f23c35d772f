"""Records and documents for the tests of imports, and what one object holds as one value."""

import gzip
import json
from typing import Any

from opentrail.imports import LIMITS, Limits, ReadObject, read_pieces


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


def read_object(
    key: str, content: bytes, limits: Limits = LIMITS, *, hash_plain: bool = False
) -> ReadObject:
    """The pieces of one object as one."""
    pieces = list(read_pieces(key, content, limits, hash_plain=hash_plain))
    flags: dict[str, int] = {}
    for piece in pieces:
        for name, count in piece.flagged:
            flags[name] = flags.get(name, 0) + count
    telling = [one for one in pieces if not one.skipped]
    return ReadObject(
        form=(telling or pieces)[0].form,
        raws=tuple(raw for piece in pieces for raw in piece.raws),
        quarantined=tuple(one for piece in pieces for one in piece.quarantined),
        quarantined_more=sum(piece.quarantined_more for piece in pieces),
        flagged=tuple(sorted(flags.items())),
        plain_bytes=sum(piece.plain_bytes for piece in pieces),
        plain_sha256=pieces[-1].plain_sha256,
        skipped="" if telling else pieces[0].skipped,
    )
