"""Compare the spelling of real CloudTrail records with what OpenTrail would write.

    python tools/compare_with_real.py FILE.jsonl …

For each API call among the records: whether its event source and name are ones that OpenTrail
writes, whether the first level of its requestParameters is spelled as OpenTrail spells the
operation's members, and whether its members stand in OpenTrail's order.
"""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from botocore.model import OperationModel

from opentrail.aws.models import event_source, service_heads, service_model
from opentrail.recording.ec2_names import ec2_names
from opentrail.recording.names import AS_SENT, event_name
from opentrail.recording.spelling import Speller

# The order of RECORD in docs/reference/records.md
ORDER = (
    *("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion"),
    *("sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestParameters"),
    *("responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources"),
    *("eventType", "apiVersion", "managementEvent", "recipientAccountId", "sharedEventID"),
    *("eventCategory", "tlsDetails"),
)


@lru_cache(maxsize=1)
def operations() -> dict[tuple[str, str], list[tuple[str, OperationModel]]]:
    """By event source and event name, every service's operation."""
    found: dict[tuple[str, str], list[tuple[str, OperationModel]]] = {}
    for service in service_heads():
        model = service_model(service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            key = (event_source(service), event_name(service, operation))
            found.setdefault(key, []).append((service, operation))
    return found


def spelled(service: str, operation: OperationModel) -> set[str]:
    """The first level of the operation's requestParameters."""
    shape = operation.input_shape
    if shape is None:
        return set()
    ec2 = "ec2" in service_heads()[service].protocols
    speller = Speller(frozenset(), ec2=ec2, as_sent=service in AS_SENT)
    names = ec2_names(str(operation.name)) if ec2 else {}
    found = {speller._key(name, member) for name, member in shape.members.items()}  # noqa: SLF001
    found |= {one.key for one in names.values()}
    return found | ({"instancesSet", "tenancy", "availabilityZone"} if ec2 else set())


def records(paths: list[str]) -> Iterator[dict[str, Any]]:
    """The API calls in JSON-lines files."""
    for path in paths:
        for line in Path(path).read_text("utf-8").splitlines():
            record = json.loads(line)
            record = record.get("record", record)
            if isinstance(record, dict) and record.get("eventType") == "AwsApiCall":
                yield record


def in_order(record: dict[str, Any]) -> bool:
    """Whether the members that both know stand in our order."""
    places = [ORDER.index(name) for name in record if name in ORDER]
    return places == sorted(places)


def main() -> None:
    """Compare and print."""
    counts: Counter[str] = Counter()
    other: Counter[str] = Counter()
    sizes = []
    for record in records(sys.argv[1:]):
        counts["records"] += 1
        sizes.append(len(json.dumps(record, separators=(",", ":"))))
        counts["order"] += in_order(record)
        key = (str(record.get("eventSource")), str(record.get("eventName")))
        found = operations().get(key)
        if found is None:
            other[f"{key[0]} {key[1]}: name"] += 1
            continue
        counts["named"] += 1
        given = set(record.get("requestParameters") or ())
        if not given or key[0] == "s3.amazonaws.com":
            continue
        counts["with parameters"] += 1
        rest = min((given - spelled(*one) for one in found), key=len)
        counts["spelled"] += not rest
        for name in rest:
            other[f"{key[0]} {key[1]}: {name}"] += 1
    print(dict(counts), "median bytes", statistics.median(sizes))
    for text, count in other.most_common(100):
        print(f"{count:6} {text}")


if __name__ == "__main__":
    main()
