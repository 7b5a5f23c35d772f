"""(c) Making log files, against `gzip -6` of the same bytes."""

import gzip
import hashlib
import json
import random
import subprocess
import time
from collections.abc import Callable

from opentrail.logfile.body import make_body
from opentrail.record import Record, read_record

RECORDS = 10_000
ROUNDS = 5


def records(count: int) -> list[Record]:
    """Records as a busy account makes them: few names, many ids."""
    chance = random.Random(1)
    found = []
    for number in range(count):
        user = f"user-{int(chance.paretovariate(1)) % 40}"
        key = f"logs/2026/11/{chance.randrange(30):02}/part-{chance.randrange(10**8):08}.parquet"
        record = {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": f"AIDA{hashlib.md5(user.encode()).hexdigest()[:16]}",
                "arn": f"arn:aws:iam::123456789012:user/{user}", "accountId": "123456789012",
                "accessKeyId": f"AKIA{chance.randrange(16**16):016X}", "userName": user,
            },
            "eventTime": f"2026-11-24T{number % 24:02}:{number % 60:02}:{number % 59:02}Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": chance.choice(["GetObject", "PutObject", "HeadObject", "ListObjects"]),
            "awsRegion": "us-east-1",
            "sourceIPAddress": f"10.{chance.randrange(4)}.{chance.randrange(256)}.7",
            "userAgent": "[Boto3/1.43 md/Botocore#1.43 ua/2.0 os/linux lang/python#3.11]",
            "requestParameters": {"bucketName": "lake", "Host": "127.0.0.1:4600", "key": key},
            "responseElements": None,
            "additionalEventData": {
                "AuthenticationMethod": "AuthHeader", "SignatureVersion": "SigV4",
                "bytesTransferredIn": 0, "bytesTransferredOut": chance.randrange(10**7),
            },
            "requestID": f"{chance.randrange(16**16):016X}",
            "eventID": f"{chance.randrange(16**32):032x}",
            "readOnly": True,
            "resources": [
                {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::lake/{key}"},
                {"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::lake"},
            ],
            "eventType": "AwsApiCall", "managementEvent": False,
            "recipientAccountId": "123456789012", "eventCategory": "Data",
        }  # fmt: skip
        found.append(read_record(json.dumps(record, separators=(",", ":")).encode()))
    return found


def run() -> dict[str, object]:
    """MB/s of plain bytes; n and 4n tell growth."""
    sizes = {}
    for count in (RECORDS // 4, RECORDS):
        made = records(count)
        plain = gzip.decompress(make_body(made).content)
        ours = best(lambda made=made: make_body(made))
        theirs = best(lambda plain=plain: gzip.compress(plain, 6, mtime=0))
        command = best(
            lambda plain=plain: subprocess.run(
                ["gzip", "-6", "-c"], input=plain, capture_output=True, check=True
            )
        )
        megabytes = len(plain) / 1e6
        sizes[f"{count} records, {megabytes:.1f} MB"] = {
            "ours MB/s (join, compress, sha256)": round(megabytes / ours),
            "gzip -6 command MB/s": round(megabytes / command),
            "python gzip level 6 MB/s": round(megabytes / theirs),
            "ratio ours": round(len(plain) / len(make_body(made).content), 2),
            "ratio gzip -6": round(len(plain) / len(gzip.compress(plain, 6)), 2),
            "ours / gzip -6 command (aim >= 2)": round(command / ours, 2),
        }
    return sizes


def best(act: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    spans = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        spans.append(time.perf_counter() - began)
    return min(spans)
