"""(b) What a record costs: decode and compose, select, append; and how that grows."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from wire import call_of, request_of

from loads import ROOT
from opentrail.adapters.journal import SegmentJournalWriter
from opentrail.app.settings import Settings
from opentrail.app.wiring import open_parts
from opentrail.aws.observed import ObservedCall
from opentrail.record import read_record
from opentrail.selectors import compile_selectors, parse_advanced

COUNT = 3000


def calls() -> dict[str, ObservedCall]:
    """One call of each protocol, as boto3 writes it."""
    xml = b"<ListUsersResponse><ListUsersResult/><ResponseMetadata><RequestId>r</RequestId>"
    return {
        "S3 GetObject (rest-xml)": call_of(
            request_of("s3", "GetObject", {"Bucket": "bench", "Key": "a/b/object.bin"}),
            body=b"x" * 1024,
        ),
        "S3 PutObject (rest-xml)": call_of(
            request_of("s3", "PutObject", {"Bucket": "bench", "Key": "a/b", "Body": b"x" * 1024})
        ),
        "IAM ListUsers (query)": call_of(
            request_of("iam", "ListUsers", {"PathPrefix": "/x/"}),
            body=xml + b"</ResponseMetadata></ListUsersResponse>",
        ),
        "EC2 DescribeInstances (ec2)": call_of(
            request_of("ec2", "DescribeInstances", {"InstanceIds": ["i-1", "i-2"]}),
            body=b"<DescribeInstancesResponse><requestId>1</requestId></DescribeInstancesResponse>",
        ),
        "DynamoDB GetItem (json 1.0)": call_of(
            request_of("dynamodb", "GetItem", {"TableName": "t", "Key": {"id": {"S": "x"}}}),
            body=b"{}",
        ),
        "Lambda GetFunction (rest-json)": call_of(
            request_of("lambda", "GetFunction", {"FunctionName": "f"}), body=b"{}"
        ),
    }


def microseconds(act: Callable[[], object], count: int = COUNT) -> float:
    """The best of five rounds, a call."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(count):
            act()
        best = min(best, time.perf_counter() - began)
    return round(best / count * 1e6, 1)


def run() -> dict[str, object]:
    """Microseconds a record."""
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        directory = Path(name)
        compose = open_parts(Settings(data=directory / "data")).recorder().compose
        composed = {
            title: microseconds(lambda call=call: compose(call)) for title, call in calls().items()
        }
        raw = compose(next(iter(calls().values())))
        return {
            "compose µs": composed,
            "read head µs": microseconds(lambda: read_record(raw)),
            "select µs": _selecting(raw),
            "append µs a record (one fdatasync a batch)": _appending(raw, directory),
        }


def _selecting(raw: bytes) -> dict[str, float]:
    """A trail with five advanced selectors of ten conditions; a record that none of them takes.

    The last condition of each selector is the one that fails: all have to be asked.
    """
    record = read_record(raw)
    selectors = parse_advanced([_selector(number) for number in range(5)])
    takes = compile_selectors((), selectors)
    assert not takes(record.head)
    return {"5 selectors, 10 conditions each": microseconds(lambda: takes(record.head))}


def _selector(number: int) -> dict[str, object]:
    """Ten conditions, over all the fields that data events have."""
    role = f"arn:aws:sts::123456789012:assumed-role/AWSServiceRole{number}"
    return {
        "Name": f"selector {number}",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            {"Field": "readOnly", "Equals": ["true"]},
            {"Field": "eventSource", "EndsWith": [".amazonaws.com"]},
            {"Field": "eventType", "NotEquals": ["AwsServiceEvent"]},
            {"Field": "sessionCredentialFromConsole", "NotEquals": ["true"]},
            {"Field": "userIdentity.arn", "NotStartsWith": [role]},
            {"Field": "eventName", "StartsWith": ["Get", f"Head{number}"], "NotEndsWith": ["Acl"]},
            {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::bucket-{number}/"]},
        ],
    }


def _appending(raw: bytes, directory: Path) -> dict[str, float]:
    writer = SegmentJournalWriter(directory / "journal")
    try:
        return {
            f"batches of {size}": round(
                microseconds(lambda size=size: writer.append([raw] * size), 200) / size, 1
            )
            for size in (1, 10, 100, 400)
        }
    finally:
        writer.close()
