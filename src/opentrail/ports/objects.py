"""Objects in buckets: where log files and digest files lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from opentrail.errors import Unavailable


class ObjectNotFound(Unavailable):
    """There is no such object (the bucket may be missing too: `code` tells, as S3 spells it)."""


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """An object's bytes as stored, and its user metadata (names in lower case, without prefix)."""

    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """One line of a listing."""

    key: str
    size_bytes: int


class ObjectStore(Protocol):
    """Buckets of objects."""

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        """Durable on return; the same again changes nothing.

        Sent as gzip'd JSON (`Content-Type: application/json`, `Content-Encoding: gzip`) with the
        ACL `bucket-owner-full-control`.

        Raises:
            Unavailable: with the store's code (`NoSuchBucket`, `AccessDenied`).
        """
        ...

    def get(self, bucket: str, key: str) -> ObjectContent:
        """The object, its body exactly as stored.

        Raises:
            ObjectNotFound: no such object or bucket.
            Unavailable: the store does not answer or refuses.
        """
        ...

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectSummary]:
        """Objects whose key starts with `prefix`, in byte order of their keys.

        Raises:
            ObjectNotFound: no such bucket.
            Unavailable: the store does not answer or refuses.
        """
        ...

    def bucket_exists(self, bucket: str) -> bool:
        """Whether the bucket is there.

        Raises:
            Unavailable: the store does not answer or refuses to tell.
        """
        ...
