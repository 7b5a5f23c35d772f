"""CBOR answers and hostile CBOR bodies (requests of every operation: test_every_operation)."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from every_operation import requests_of
from wire import call_of

from opentrail.aws.decode import read_call, read_result
from opentrail.aws.observed import ObservedRequest
from opentrail.recording import RecordFacts, compose

HEADERS = (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"),
           ("x-amzn-RequestId", "r-1"))  # fmt: skip


def put_metric_data() -> ObservedRequest:
    return next(
        made.request
        for made in requests_of("cloudwatch")
        if made.protocol == "smithy-rpc-v2-cbor"
        and made.operation.name == "PutMetricData"
        and made.full
    )


def rebuilt(body: bytes) -> ObservedRequest:
    request = put_metric_data()
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return ObservedRequest(**(values | {"body": body, "body_length": len(body)}))


def record_of(request: ObservedRequest, **answer: Any) -> dict[str, Any]:
    call = read_call(call_of(request, headers=HEADERS, **answer), "us-east-1")
    facts = RecordFacts(event_id="e", account_id="123456789012")
    return json.loads(compose(call, None, facts=facts))


def test_a_cbor_call_is_recorded_with_its_parameters() -> None:
    record = record_of(put_metric_data(), body=cbor2.dumps({}))

    assert record["eventSource"] == "monitoring.amazonaws.com"
    assert record["eventName"] == "PutMetricData"
    assert record["requestParameters"]["namespace"] == "Namespace value"
    assert record["requestID"] == "r-1"


def test_a_cbor_error_is_read() -> None:
    body = cbor2.dumps({"__type": "com.amazonaws.cloudwatch#InvalidFormat", "message": "no"})

    record = record_of(put_metric_data(), status=400, body=body)

    assert (record["errorCode"], record["errorMessage"]) == ("InvalidFormat", "no")


def test_a_cbor_result_is_read() -> None:
    request = next(
        made.request for made in requests_of("cloudwatch")
        if made.protocol == "smithy-rpc-v2-cbor" and made.operation.name == "GetMetricData"
    )  # fmt: skip
    when = datetime(2026, 1, 1, tzinfo=UTC)
    result = {"MetricDataResults": [{"Id": "a", "Timestamps": [when], "Values": [1.5]}]}

    call = read_call(call_of(request, headers=HEADERS, body=cbor2.dumps(result)), "us-east-1")

    assert read_result(call) == result


HOSTILE = {
    "nothing": b"",
    "cut": cbor2.dumps({"Namespace": "x" * 100})[:50],
    "a list": cbor2.dumps([1, 2]),
    "a number": cbor2.dumps(7),
    "endless map": b"\xbf" + b"\x61a\x01" * 1000,
    "deep": b"\x81" * 5000 + b"\x01",
    "deep in a member": b"\xa1\x6aMetricData" + b"\x81" * 500 + b"\x01",
    "a huge length": b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    "a cycle": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a pattern": cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")),
    "half a character": b"\xa1\x61x\x63\xed\xa0\x80",
    "not a number": cbor2.dumps({"Namespace": float("nan"), "x": float("inf")}),
    "a key that is no text": cbor2.dumps({1: 2, (1, 2): 3, b"x": 4}),
    "a big number": cbor2.dumps({"Namespace": 10**400}),
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_recorded_all_the_same(name: str) -> None:
    record = record_of(rebuilt(HOSTILE[name]), body=cbor2.dumps({}))

    assert record["eventName"] == "PutMetricData"


def gzipped(body: bytes) -> ObservedRequest:
    request = put_metric_data()
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    headers = (*request.headers, ("Content-Encoding", "gzip"))
    changed = {"body": body, "body_length": len(body), "headers": headers}
    del values["first_headers"]
    return ObservedRequest(**(values | changed))


def test_a_compressed_body_is_read() -> None:
    plain = put_metric_data().body

    record = record_of(gzipped(gzip.compress(plain)), body=cbor2.dumps({}))

    assert record["requestParameters"]["namespace"] == "Namespace value"


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b"x", mtime=0)[:-4], gzip.compress(b"0" * 2**25)]
)
def test_a_body_that_only_says_it_is_compressed_is_recorded_all_the_same(body: bytes) -> None:
    record = record_of(gzipped(body), body=cbor2.dumps({}))

    assert record["eventSource"] == "monitoring.amazonaws.com"
    assert record["additionalEventData"]["opentrail"]["undecoded"]
