"""Objects in buckets: where log files and digest files lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from opentrail.errors import Unavailable


class ObjectNotFound(Unavailable):
    """There is no such object (the bucket may be missing too: `code` tells, as S3 spells it)."""


class PoliciesUnknown(Unavailable):
    """The store does not know bucket policies."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """SSE-KMS: the ARN of the key, and the encryption context beside S3's own."""

    key_arn: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """An object's bytes as stored, and its user metadata (names in lower case, without prefix).

    Attributes:
        encryption: With which key the store shall encrypt it; None leaves that to the store.
            Not told when an object is read.
        encoding: `Content-Encoding`, "" for none.
    """

    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)
    encryption: Encryption | None = None
    encoding: str = "gzip"


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """One line of a listing."""

    key: str
    size_bytes: int


class ObjectStore(Protocol):
    """Buckets of objects."""

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        """Durable on return; the same again changes nothing.

        Sent as `application/json` with the ACL `bucket-owner-full-control`.

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

    def bucket_policy(self, bucket: str) -> str | None:
        """The bucket's policy document; None if it has none.

        Raises:
            ObjectNotFound: no such bucket.
            PoliciesUnknown: the store has no bucket policies.
            Unavailable: the store does not answer or refuses.
        """
        ...
