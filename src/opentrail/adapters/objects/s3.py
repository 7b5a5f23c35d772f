"""S3 and what speaks its protocol.

boto3 writes (user metadata and an ACL with each object); its errors become the port's with S3's
own code, so that a trail's status can tell it. obstore reads: many readers at once cost a tenth of
what they cost with boto3 (benchmarks/verification.py). What obstore can't name or get, boto3 does,
whose errors are the ones told.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError
from obstore.store import S3Store

from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectContent, ObjectNotFound, ObjectSummary, PoliciesUnknown

if TYPE_CHECKING:
    from obstore.store import S3Config  # a type that is not there at run time

CONNECT_SECONDS = 5
READ_SECONDS = 30
_PLAIN_KEY = re.compile(r"(?!.*(^|/)\.{0,2}(/|$))[A-Za-z0-9_.=/-]+")
"""Keys that obstore takes as they are: no empty, `.` or `..` part, nothing to be quoted."""

_STANDARD = frozenset(
    {
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Type",
        "Storage-Class",
    }
)
"""Attributes that are no user metadata."""

_MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """Where the store is, and who writes there.

    Attributes:
        endpoint: None for AWS itself.
        access_key_id: "" leaves the choice to boto3's own chain.
    """

    endpoint: str | None
    region: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    connections: int = 10


class S3ObjectStore:
    """See ports.objects."""

    def __init__(self, place: S3Place) -> None:
        keys: dict[str, Any] = {}
        if place.access_key_id:
            keys = {
                "aws_access_key_id": place.access_key_id,
                "aws_secret_access_key": place.secret_access_key,
            }
        self._place = place
        self._readers: dict[str, S3Store] = {}
        self._lock = threading.Lock()
        self._session = boto3.session.Session(region_name=place.region, **keys)
        self._client = self._session.client(
            "s3",
            endpoint_url=place.endpoint,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if place.endpoint else "auto"},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                # The workers try again themselves, and tell the trail's status of every failure.
                retries={"total_max_attempts": 2, "mode": "standard"},
                max_pool_connections=place.connections,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        extra: dict[str, str] = {}
        if content.encoding:
            extra["ContentEncoding"] = content.encoding
        if content.encryption is not None:
            context = json.dumps(dict(content.encryption.context)).encode()
            extra |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": content.encryption.key_arn,
                "SSEKMSEncryptionContext": base64.b64encode(context).decode(),
            }
        try:
            self._client.put_object(
                Bucket=bucket,
                Key=key,
                Body=content.body,
                ACL="bucket-owner-full-control",
                ContentType="application/json",
                Metadata=dict(content.metadata),
                **extra,
            )
        except (ClientError, BotoCoreError) as problem:
            raise _unavailable(problem, f"put {bucket}/{key}") from problem

    def get(self, bucket: str, key: str) -> ObjectContent:
        if not _PLAIN_KEY.fullmatch(key):
            return self._get_slowly(bucket, key)
        try:
            found = self._reader(bucket).get(key)
            body = bytes(found.bytes())
        except (BaseError, OSError, ValueError):
            # Whatever it is, the other way tells it in S3's own words, or finds a way.
            return self._get_slowly(bucket, key)
        attributes = found.attributes.items()
        metadata = {name.lower(): text for name, text in attributes if name not in _STANDARD}
        return ObjectContent(body, metadata)

    def _reader(self, bucket: str) -> S3Store:
        with self._lock:
            reader = self._readers.get(bucket)
            if reader is None:
                config: S3Config = {
                    "region": self._place.region,
                    "virtual_hosted_style_request": self._place.endpoint is None,
                }
                if self._place.endpoint is not None:
                    config["endpoint"] = self._place.endpoint
                reader = self._readers[bucket] = S3Store(
                    bucket,
                    config=config,
                    client_options={
                        "allow_http": True,
                        "connect_timeout": f"{CONNECT_SECONDS} seconds",
                        "timeout": f"{READ_SECONDS} seconds",
                    },
                    retry_config={"max_retries": 1},
                    credential_provider=Boto3CredentialProvider(self._session),
                )
            return reader

    def _get_slowly(self, bucket: str, key: str) -> ObjectContent:
        try:
            answer = self._client.get_object(Bucket=bucket, Key=key)
            body = answer["Body"].read()
        except (ClientError, BotoCoreError) as problem:
            raise _unavailable(problem, f"get {bucket}/{key}") from problem
        metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
        return ObjectContent(body, metadata)

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectSummary]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        try:
            for page in pages:
                for one in page.get("Contents", ()):
                    yield ObjectSummary(one["Key"], one["Size"])
        except (ClientError, BotoCoreError) as problem:
            raise _unavailable(problem, f"list {bucket}/{prefix}") from problem

    def bucket_exists(self, bucket: str) -> bool:
        try:
            self._client.head_bucket(Bucket=bucket)
        except ClientError as problem:
            if problem.response["Error"]["Code"] in _MISSING:
                return False
            raise _unavailable(problem, f"look at bucket {bucket}") from problem
        except BotoCoreError as problem:
            raise _unavailable(problem, f"look at bucket {bucket}") from problem
        return True

    def bucket_policy(self, bucket: str) -> str | None:
        try:
            return str(self._client.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            if code == "NoSuchBucketPolicy":
                return None
            if code in ("NotImplemented", "MethodNotAllowed"):
                raise PoliciesUnknown(f"{bucket}: the store has no bucket policies") from problem
            raise _unavailable(problem, f"look at the policy of bucket {bucket}") from problem
        except BotoCoreError as problem:
            raise _unavailable(problem, f"look at the policy of bucket {bucket}") from problem


def _unavailable(problem: ClientError | BotoCoreError, what: str) -> Unavailable:
    if isinstance(problem, ClientError):
        code = str(problem.response["Error"].get("Code", ""))
        kind = ObjectNotFound if code in _MISSING else Unavailable
        return kind(f"can't {what}: {code}", code=code)
    # No answer at all: told in the word that S3 itself uses.
    return Unavailable(f"can't {what}: {problem}", code="ServiceUnavailable")
