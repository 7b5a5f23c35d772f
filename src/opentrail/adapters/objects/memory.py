"""Buckets in a dict; the reference for the port's suite and for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectContent, ObjectNotFound, ObjectSummary


class MemoryObjectStore:
    """See ports.objects."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, ObjectContent]] = {name: {} for name in buckets}
        self.policies: dict[str, str] = {}
        self._lock = threading.Lock()

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        with self._lock:
            if bucket not in self.buckets:
                raise Unavailable(f"bucket {bucket} does not exist", code="NoSuchBucket")
            self.buckets[bucket][key] = content

    def get(self, bucket: str, key: str) -> ObjectContent:
        with self._lock:
            found = self._bucket(bucket).get(key)
        if found is None:
            raise ObjectNotFound(f"no object {bucket}/{key}", code="NoSuchKey")
        return found

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectSummary]:
        with self._lock:
            found = [
                ObjectSummary(key, len(content.body))
                for key, content in self._bucket(bucket).items()
                if key.startswith(prefix)
            ]
        yield from sorted(found, key=lambda one: one.key.encode())

    def bucket_exists(self, bucket: str) -> bool:
        return bucket in self.buckets

    def bucket_policy(self, bucket: str) -> str | None:
        self._bucket(bucket)
        return self.policies.get(bucket)

    def _bucket(self, bucket: str) -> dict[str, ObjectContent]:
        if bucket not in self.buckets:
            raise ObjectNotFound(f"bucket {bucket} does not exist", code="NoSuchBucket")
        return self.buckets[bucket]
