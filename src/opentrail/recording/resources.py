"""The `resources` of a record: what the call was about, as ARNs.

Source: spec: record contents (resources), selectors section 4; AWS fills the member for few
services, and so does this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.aws.call import ApiCall
from opentrail.recording.classify import is_data

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call was made: what an ARN needs beside a name."""

    region: str
    account_id: str


def resources(call: ApiCall, place: Place) -> list[dict[str, str]]:
    """The entries of `resources`, [] if the service fills none."""
    if call.operation is None or call.parameters is None:
        return []
    maker = _MAKERS.get(call.service)
    return [] if maker is None else maker(call.operation.name, call.parameters, place)


def _entry(kind: str, arn: str, account: str = "") -> dict[str, str]:
    return (
        {"accountId": account, "type": kind, "ARN": arn}
        if account
        else {
            "type": kind,
            "ARN": arn,
        }
    )


def _s3(operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
    bucket = values.get("Bucket")
    if not isinstance(bucket, str) or not bucket:
        return []
    arn = f"arn:aws:s3:::{bucket}"
    entries: list[dict[str, str]] = []
    if operation in ("ListObjects", "ListObjectsV2", "ListObjectVersions"):
        prefix = values.get("Prefix") or ""
        entries.append({"type": "AWS::S3::Object", "ARNPrefix": f"{arn}/{prefix}"})
    elif operation == "DeleteObjects":
        entries.append({"type": "AWS::S3::Object", "ARNPrefix": f"{arn}/"})
    elif isinstance(values.get("Key"), str):
        entries.append(_entry("AWS::S3::Object", f"{arn}/{values['Key']}"))
    entries.append(_entry("AWS::S3::Bucket", arn, place.account_id))
    source = values.get("CopySource")
    if isinstance(source, str):
        path = source.partition("?")[0].lstrip("/")
        entries.append(_entry("AWS::S3::Object", f"arn:aws:s3:::{path}"))
    return entries


def _metrics(operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:  # noqa: ARG001 - as the others
    """Metrics have no ARNs; calls about them are told from others by the type."""
    if not is_data("cloudwatch", operation):
        return []
    arn = f"arn:aws:cloudwatch:{place.region}:{place.account_id}:*"
    return [_entry("AWS::CloudWatch::Metric", arn, place.account_id)]


def _named(
    service: str, kind: str, member: str, stem: str
) -> Callable[[str, Parameters, Place], list[dict[str, str]]]:
    """Entries for a service whose calls name one resource, by name or by ARN."""

    def make(_operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
        name = values.get(member)
        if not isinstance(name, str) or not name:
            return []
        arn = (
            name
            if name.startswith("arn:")
            else f"arn:aws:{service}:{place.region}:{place.account_id}:{stem}{name}"
        )
        return [_entry(kind, arn, place.account_id)]

    return make


def _dynamodb(_operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
    names = [values["TableName"]] if "TableName" in values else []
    requested = values.get("RequestItems")
    if isinstance(requested, dict):
        names += list(requested)
    for item in values.get("TransactItems") or []:
        names += [action.get("TableName", "") for action in item.values() if action]
    start = f"arn:aws:dynamodb:{place.region}:{place.account_id}:table/"
    return [
        _entry("AWS::DynamoDB::Table", name if name.startswith("arn:") else start + name,
               place.account_id)
        for name in dict.fromkeys(names)
        if isinstance(name, str) and name
    ]  # fmt: skip


def _streams(_operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
    arn = values.get("StreamArn")
    if not isinstance(arn, str):
        return []
    table = arn.partition("/stream/")[0]
    return [
        _entry("AWS::DynamoDB::Stream", arn, place.account_id),
        _entry("AWS::DynamoDB::Table", table, place.account_id),
    ]


def _sqs(_operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
    url = values.get("QueueUrl")
    if not isinstance(url, str):
        return []
    name = url.rstrip("/").rpartition("/")[2]
    arn = f"arn:aws:sqs:{place.region}:{place.account_id}:{name}"
    return [_entry("AWS::SQS::Queue", arn, place.account_id)]


def _kms(_operation: str, values: Parameters, place: Place) -> list[dict[str, str]]:
    key = values.get("KeyId")
    if not isinstance(key, str) or not key or key.startswith("alias/"):
        return []
    start = f"arn:aws:kms:{place.region}:{place.account_id}:key/"
    return [_entry("AWS::KMS::Key", key if key.startswith("arn:") else start + key,
                   place.account_id)]  # fmt: skip


_MAKERS: dict[str, Callable[[str, Parameters, Place], list[dict[str, str]]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "dynamodbstreams": _streams,
    "sqs": _sqs,
    "kms": _kms,
    "lambda": _named("lambda", "AWS::Lambda::Function", "FunctionName", "function:"),
    "cloudwatch": _metrics,
    "sns": _named("sns", "AWS::SNS::Topic", "TopicArn", ""),
    "kinesis": _named("kinesis", "AWS::Kinesis::Stream", "StreamName", "stream/"),
    "sts": _named("iam", "AWS::IAM::Role", "RoleArn", "role/"),
}
