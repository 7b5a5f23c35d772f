"""The least privilege: an IAM policy that allows what records show, and nothing more.

Source: AWS "Service Authorization Reference": actions are mostly named as the operation; the
exceptions here are those of S3 and Lambda, whose actions are fewer or named otherwise. Resources
come from the records; a call that names none is allowed on all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from opentrail.record import RecordHead

_PREFIXES = {
    "monitoring": "cloudwatch",
    "elasticfilesystem": "elasticfilesystem",
    "email": "ses",
    "streams.dynamodb": "dynamodb",
    "tagging": "tag",
}
"""IAM's prefix where it is not the event source's first part."""

_WRITE_PARTS = ("s3:PutObject",)
_ACTIONS: dict[str, tuple[str, ...]] = {
    "s3:AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "s3:CompleteMultipartUpload": _WRITE_PARTS,
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": _WRITE_PARTS,
    "s3:CreateSession": ("s3express:CreateSession",),
    "s3:DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:DeleteBucketTagging": ("s3:PutBucketTagging",),
    "s3:DeleteBucketCors": ("s3:PutBucketCORS",),
    "s3:DeleteBucketPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:GetBucketCors": ("s3:GetBucketCORS",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycle": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    "s3:PutBucketCors": ("s3:PutBucketCORS",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:UploadPart": _WRITE_PARTS,
    "s3:UploadPartCopy": ("s3:GetObject", "s3:PutObject"),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "lambda:InvokeWithResponseStream": ("lambda:InvokeFunction",),
}
_UNCHECKED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Calls that need no permission."""

_DATED = re.compile(r"\d{8}(v\d+)?$")
_ON_OBJECTS = re.compile(r"s3:(Get|Put|Delete|Abort|List|Restore)(Object|MultipartUpload)")


def needed_policy(heads: Iterable[RecordHead]) -> dict[str, Any]:
    """The policy document: a statement for each set of resources, actions in order.

    Calls that failed are left out: they did nothing that was needed.
    """
    resources: dict[str, set[str]] = defaultdict(set)
    for head in heads:
        if head.error_code:
            continue
        for action in needed_actions(head):
            resources[action] |= _resources(action, head)
    actions: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for action, arns in sorted(resources.items()):
        actions[("*",) if "*" in arns else tuple(sorted(arns))].append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": names, "Resource": list(arns)}
            for arns, names in sorted(actions.items())
        ],
    }


def needed_actions(head: RecordHead) -> tuple[str, ...]:
    """The IAM actions that a call needs; () for one that needs none or could not be decoded."""
    source = (head.event_source or "").removesuffix(".amazonaws.com")
    prefix = _PREFIXES.get(source, source.partition(".")[0])
    name = head.event_name or ""
    if prefix == "lambda":
        name = _DATED.sub("", name)
    action = f"{prefix}:{name}"
    if not prefix or prefix == "unknown" or name in ("", "UndecodedRequest"):
        return ()
    return () if action in _UNCHECKED else _ACTIONS.get(action, (action,))


def _resources(action: str, head: RecordHead) -> set[str]:
    """The ARNs that the action was used on; `*` when the record names none."""
    arns = {one.arn for one in head.resources or () if one.arn}
    if not action.startswith("s3:"):
        return arns or {"*"}
    on_objects = _ON_OBJECTS.match(action) is not None
    prefixes = {f"{one.arn_prefix}*" for one in head.resources or () if one.arn_prefix}
    objects = {arn for arn in arns if "/" in arn} | (prefixes if on_objects else set())
    buckets = {arn for arn in arns if "/" not in arn}
    return (objects if on_objects else buckets) or {"*"}
