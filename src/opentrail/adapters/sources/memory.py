"""A source and a queue in memory, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import count

from opentrail.ports.objects import ObjectNotFound
from opentrail.ports.sources import Message, SourceObject


class MemorySource:
    """See ports.sources."""

    def __init__(self, name: str = "memory://a", *, is_remote: bool = True) -> None:
        self.name = name
        self.is_remote = is_remote
        self.objects: dict[str, bytes] = {}

    def list(self) -> Iterator[SourceObject]:
        for key in tuple(self.objects):
            found = self.find(key)
            if found is not None:
                yield found

    def find(self, key: str) -> SourceObject | None:
        content = self.objects.get(key)
        if content is None:
            return None
        version = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return SourceObject(key=key, size_bytes=len(content), version=version)

    def read(self, one: SourceObject) -> bytes:
        content = self.objects.get(one.key)
        if content is None:
            raise ObjectNotFound(f"no object {one.key}", code="NoSuchKey")
        return content


class MemoryQueue:
    """See ports.sources."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._receipts = count()

    def send(self, body: str) -> None:
        """Put a message in."""
        self.messages.append(Message(f"receipt-{next(self._receipts)}", body))

    def receive(self, wait_seconds: int) -> tuple[Message, ...]:  # noqa: ARG002 - nothing to wait for
        return tuple(self.messages[:10])

    def delete(self, messages: Sequence[Message]) -> None:
        gone = {one.receipt for one in messages}
        self.messages = [one for one in self.messages if one.receipt not in gone]
