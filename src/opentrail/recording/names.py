"""Event names that differ from the API's own.

Source: spec: selectors, section 7; recorded Lambda names in real log files.
"""

from __future__ import annotations

import re
from functools import lru_cache

from botocore.model import OperationModel

_S3 = {
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "ListObjectsV2": "ListObjects",
}
_S3_CONTROL = {
    "GetPublicAccessBlock": "GetAccountPublicAccessBlock",
    "PutPublicAccessBlock": "PutAccountPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteAccountPublicAccessBlock",
}
_TABLES = {"s3": _S3, "s3control": _S3_CONTROL}

AS_SENT = frozenset({"ce", "resource-explorer-2"})
"""Services whose parameters real records spell as they are sent, first letters and all."""

_DATED_PATH = re.compile(r"/(\d{4})-(\d{2})-(\d{2})/")

_LAMBDA_SECOND = frozenset(
    {
        "AddPermission",
        "GetFunction",
        "GetFunctionConfiguration",
        "GetPolicy",
        "RemovePermission",
        "TagResource",
        "UntagResource",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    }
)
"""Lambda operations recorded with `v2` behind the date of their API version."""

_LAMBDA_UNDATED_SINCE = 2020
"""Operations of newer API versions are recorded under their plain names."""


@lru_cache(maxsize=32768)
def event_name(service: str, operation: OperationModel) -> str:
    """What CloudTrail calls the operation."""
    if service == "lambda":
        return _lambda_name(operation)
    name = str(operation.name)
    return _TABLES.get(service, {}).get(name, name)


def _lambda_name(operation: OperationModel) -> str:
    dated = _DATED_PATH.match(operation.http["requestUri"])
    plain = dated is None or int(dated[1]) >= _LAMBDA_UNDATED_SINCE
    if dated is None or plain or operation.name.startswith("Invoke"):
        return str(operation.name)
    second = "v2" if operation.name in _LAMBDA_SECOND else ""
    return f"{operation.name}{dated[1]}{dated[2]}{dated[3]}{second}"
