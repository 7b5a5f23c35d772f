"""Management or data, read or write.

Source: spec: selectors, sections 5 and 6 (AWS: "Logging data events", "Logging management
events"). Nothing public says it for every operation, so names decide where no table does.
"""

from __future__ import annotations

import re
from functools import lru_cache

from botocore.model import OperationModel

_S3_OBJECT = """
AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload DeleteObject
DeleteObjectTagging DeleteObjects GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold
GetObjectRetention GetObjectTagging GetObjectTorrent HeadObject HeadBucket ListObjectVersions
ListObjects ListObjectsV2 ListParts PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention
PutObjectTagging RestoreObject SelectObjectContent UploadPart UploadPartCopy
WriteGetObjectResponse CreateSession RenameObject UpdateObjectEncryption
"""
_DYNAMODB_ITEM = """
BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement ExecuteTransaction
GetItem PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem
"""
_SQS_MESSAGE = """
SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
ChangeMessageVisibility ChangeMessageVisibilityBatch
"""
_METRIC = "GetMetricData GetMetricStatistics GetMetricWidgetImage ListMetrics PutMetricData"

DATA_OPERATIONS: dict[str, frozenset[str]] = {
    "s3": frozenset(_S3_OBJECT.split()),
    "dynamodb": frozenset(_DYNAMODB_ITEM.split()),
    "dynamodbstreams": frozenset({"GetRecords", "GetShardIterator"}),
    "sqs": frozenset(_SQS_MESSAGE.split()),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "kinesis": frozenset({"PutRecord", "PutRecords", "GetRecords", "GetShardIterator"}),
    "ebs": frozenset(
        {"PutSnapshotBlock", "GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks"}
    ),
    "cloudtrail-data": frozenset({"PutAuditEvents"}),
    "cloudwatch": frozenset(_METRIC.split()),
    "cognito-identity": frozenset(
        {"GetId", "GetOpenIdToken", "GetCredentialsForIdentity", "UnlinkIdentity"}
    ),
}
"""Data events by botocore's service; every other operation is a management event."""

_READ_NAME = re.compile(
    r"(Get|Describe|List|Head|Lookup|Search|Check|BatchGet|Batch[A-Z]?Describe|Query|Scan|Select|"
    r"View|Preview|Estimate|Validate|Detect|Test|Is|Count|Discover)(?=[A-Z]|$)"
)

_READ = frozenset(
    {
        ("dynamodb", "TransactGetItems"),
        ("kms", "Decrypt"),
        ("kms", "Encrypt"),
        ("kms", "GenerateDataKey"),
        ("kms", "GenerateDataKeyPair"),
        ("kms", "GenerateDataKeyPairWithoutPlaintext"),
        ("kms", "GenerateDataKeyWithoutPlaintext"),
        ("kms", "GenerateMac"),
        ("kms", "GenerateRandom"),
        ("kms", "ReEncrypt"),
        ("kms", "Sign"),
        ("kms", "Verify"),
        ("kms", "VerifyMac"),
        ("s3", "SelectObjectContent"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithSAML"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "DecodeAuthorizationMessage"),
        ("transcribe", "DescribeLanguageModel"),
    }
)
_SESSIONS = frozenset(
    {
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "GetFederationToken",
        "GetSessionToken",
    }
)
_WRITE = frozenset({("cognito-identity", "GetId"), ("sqs", "ReceiveMessage")})


def is_data(service: str, operation: str) -> bool:
    """Whether the call is a data event."""
    return operation in DATA_OPERATIONS.get(service, ())


@lru_cache(maxsize=32768)
def is_read_only(service: str, operation: OperationModel) -> bool:
    """Whether the call changes nothing."""
    place = (service, operation.name)
    if place in _READ:
        return True
    if place in _WRITE:
        return False
    if _READ_NAME.match(operation.name):
        return True
    model = operation.service_model._service_description  # noqa: SLF001 - the trait has no accessor
    return bool(model["operations"][operation.name].get("readonly"))


def issues_session(service: str, operation: OperationModel | None) -> bool:
    """Whether the answer is a session: such a call is recorded with its answer though it reads."""
    return service == "sts" and operation is not None and operation.name in _SESSIONS


def is_read_only_method(method: str) -> bool:
    """What the HTTP method alone says of a call that could not be decoded."""
    return method in ("GET", "HEAD", "OPTIONS")
