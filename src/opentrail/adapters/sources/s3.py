"""A bucket, or what is below a prefix of it, as a source.

boto3 lists (with ETags); the objects are read through an ObjectStore, by many readers at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectNotFound, ObjectStore
from opentrail.ports.sources import SourceObject

_MISSING = ("404", "NoSuchKey", "NotFound")
_SEAL_BYTES = 16
"""An object that was encrypted before it was sent is longer by this where it lies."""


class S3Source:
    """See ports.sources; keys are those of the bucket."""

    is_remote = True

    def __init__(
        self, store: ObjectStore, bucket: str, prefix: str, *, endpoint: str | None, region: str
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if endpoint else "auto"},
                connect_timeout=5,
                read_timeout=30,
                retries={"total_max_attempts": 4, "mode": "standard"},
            ),
        )

    @property
    def name(self) -> str:
        place = f" at {self._endpoint}" if self._endpoint else ""
        return f"s3://{self._bucket}{place}"

    def list(self) -> Iterator[SourceObject]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        try:
            for page in pages:
                for one in page.get("Contents", ()):
                    yield SourceObject(
                        key=one["Key"], size_bytes=one["Size"], version=one["ETag"].strip('"')
                    )
        except (ClientError, BotoCoreError) as problem:
            raise _unavailable(problem, f"list {self._bucket}/{self._prefix}") from problem

    def find(self, key: str) -> SourceObject | None:
        if not key.startswith(self._prefix):
            return None
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as problem:
            if problem.response["Error"]["Code"] in _MISSING:
                return None
            raise _unavailable(problem, f"look at {self._bucket}/{key}") from problem
        except BotoCoreError as problem:
            raise _unavailable(problem, f"look at {self._bucket}/{key}") from problem
        return SourceObject(
            key=key, size_bytes=found["ContentLength"], version=found["ETag"].strip('"')
        )

    def read(self, one: SourceObject) -> bytes:
        body = self._store.get(self._bucket, one.key).body
        if len(body) not in (one.size_bytes, one.size_bytes - _SEAL_BYTES):
            raise Unavailable(
                f"{self._bucket}/{one.key} gave {len(body)} bytes; listed are {one.size_bytes}"
            )
        return body


def _unavailable(problem: ClientError | BotoCoreError, what: str) -> Unavailable:
    if not isinstance(problem, ClientError):
        return Unavailable(f"can't {what}: {problem}", code="ServiceUnavailable")
    code = str(problem.response["Error"].get("Code", ""))
    kind = ObjectNotFound if code == "NoSuchBucket" else Unavailable
    return kind(f"can't {what}: {code}", code=code)
