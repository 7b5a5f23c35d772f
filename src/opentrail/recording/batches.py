"""One record for each object of a batch: DeleteObjects deletes many with one call.

Source: spec: README 26 and selectors, section 3.1: the records of single objects are
AwsServiceEvent DeleteObject records beside the call's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from opentrail.aws.call import ApiCall
from opentrail.aws.decode import read_result
from opentrail.recording.compose import encode

_DROPPED = ("additionalEventData", "errorCode", "errorMessage")


def object_records(call: ApiCall, own: bytes, event_id: Callable[[], str]) -> tuple[bytes, ...]:
    """The records of the objects that a DeleteObjects call deleted; () for every other call.

    Args:
        own: The call's own record.
        event_id: Makes a new id.
    """
    batch = call.service == "s3" and call.operation is not None
    if not batch or call.error_code or call.operation is None:
        return ()
    if call.operation.name != "DeleteObjects" or not isinstance(call.parameters, Mapping):
        return ()
    like = msgspec.json.decode(own)
    bucket = str(call.parameters.get("Bucket") or "")
    return tuple(
        encode(_record(like, bucket, one, event_id()))
        for one in _deleted(call.parameters, read_result(call) or {})
    )


def _deleted(
    parameters: Mapping[str, Any], result: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """The objects asked for, less those that the answer says were not deleted."""
    kept = {(one.get("Key"), one.get("VersionId")) for one in result.get("Errors") or ()}
    asked = (parameters.get("Delete") or {}).get("Objects") or ()
    for one in asked:
        place = (one.get("Key"), one.get("VersionId"))
        if isinstance(one.get("Key"), str) and place not in kept:
            yield one


def _record(
    like: Mapping[str, Any], bucket: str, one: Mapping[str, Any], event_id: str
) -> dict[str, Any]:
    key = str(one["Key"])
    host = (like.get("requestParameters") or {}).get("Host", "")
    parameters = {"bucketName": bucket, "Host": host, "key": key}
    if one.get("VersionId"):
        parameters["versionId"] = str(one["VersionId"])
    changed = {
        "eventName": "DeleteObject",
        "requestParameters": parameters,
        "responseElements": None,
        "eventID": event_id,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            *(entry for entry in like.get("resources") or () if entry["type"] == "AWS::S3::Bucket"),
        ],
        "eventType": "AwsServiceEvent",
    }
    return {name: item for name, item in (dict(like) | changed).items() if name not in _DROPPED}
