"""(e) What decoding a request costs, by protocol; and how it grows with the request."""

import time
from collections.abc import Callable

import cbor2
from wire import call_of, request_of

from opentrail.aws.decode import read_request
from opentrail.aws.observed import ObservedRequest
from records import calls

COUNT = 4000
GROWN = 400


def run() -> dict[str, object]:
    """Microseconds by protocol: p50, p99; and the ratio of four times as much."""
    requests = {name: call.request for name, call in calls().items()}
    requests["CloudWatch PutMetricData (cbor)"] = as_cbor(metric_data(1))
    rows = {
        name: spread(lambda of=one: read_request(of, "us-east-1")) for name, one in requests.items()
    }
    return {"read a request, µs": rows, "four times as much / as much": growth()}


def spread(act: Callable[[], object]) -> dict[str, float]:
    """p50 and p99 of single calls."""
    taken = []
    for _ in range(COUNT):
        began = time.perf_counter_ns()
        act()
        taken.append((time.perf_counter_ns() - began) / 1000)
    taken.sort()
    return {"p50": round(taken[COUNT // 2], 1), "p99": round(taken[COUNT * 99 // 100], 1)}


def metric_data(count: int) -> dict[str, object]:
    """Parameters of PutMetricData."""
    data = [{"MetricName": f"m{n}", "Value": 1.5, "Unit": "Count"} for n in range(count)]
    return {"Namespace": "bench", "MetricData": data}


def as_cbor(parameters: dict[str, object]) -> ObservedRequest:
    """The call in smithy-rpc-v2-cbor, as SDKs send it."""
    like = call_of(request_of("cloudwatch", "PutMetricData", metric_data(1))).request
    body = cbor2.dumps(parameters)
    headers = [
        one
        for one in like.headers
        if one[0].lower() not in ("content-type", "content-encoding", "x-amz-target")
    ]
    return ObservedRequest(
        method="POST",
        target="/service/GraniteServiceVersion20100801/operation/PutMetricData",
        headers=(
            *headers,
            ("smithy-protocol", "rpc-v2-cbor"),
            ("content-type", "application/cbor"),
        ),
        body=body,
        body_length=len(body),
        peer_address="127.0.0.1",
        started=like.started,
    )


def growth() -> dict[str, float]:
    """Time of 4 n members by that of n."""

    def items(count: int) -> dict[str, object]:
        puts = [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in range(count)]
        return {"RequestItems": {"t": puts}}

    kinds: dict[str, Callable[[int], ObservedRequest]] = {
        "DynamoDB BatchWriteItem (json)": lambda n: request_of("dynamodb", "BatchWriteItem", items(n)),
        "EC2 DescribeInstances (ec2)": lambda n: request_of(
            "ec2", "DescribeInstances", {"InstanceIds": [f"i-{one}" for one in range(n)]}
        ),
        "S3 DeleteObjects (rest-xml)": lambda n: request_of(
            "s3", "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": f"k{one}"} for one in range(n)]}},
        ),
        "CloudWatch PutMetricData (cbor)": lambda n: as_cbor(metric_data(n)),
    }  # fmt: skip
    found = {}
    for name, make in kinds.items():
        small, large = make(GROWN), make(4 * GROWN)
        found[name] = round(best(large) / best(small), 2)
    return found


def best(request: ObservedRequest) -> float:
    """Seconds of the fastest of several reads."""
    taken = []
    for _ in range(15):
        began = time.perf_counter()
        read_request(request, "us-east-1")
        taken.append(time.perf_counter() - began)
    return min(taken)
