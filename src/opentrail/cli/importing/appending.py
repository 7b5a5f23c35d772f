"""How an import writes to the store: small batches at once, large ones side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from opentrail.adapters.events.bulk import BulkAppender
from opentrail.adapters.events.store import SegmentEventStore
from opentrail.ports.events import Appended
from opentrail.workers.imports import EventAppender

SIDE_BY_SIDE_RECORDS = 10_000
"""The first batch of so many starts the processes; they take a second to be ready."""


class StoreAppender:
    """See workers.imports.Appender."""

    def __init__(self, store: SegmentEventStore) -> None:
        self._store = store
        self._at_once = EventAppender(store.append)
        self._bulk: BulkAppender | None = None

    def submit(self, raws: Sequence[bytes]) -> Future[Appended]:
        """See `Appender`."""
        if self._bulk is None:
            if len(raws) < SIDE_BY_SIDE_RECORDS:
                return self._at_once.submit(raws)
            self._bulk = BulkAppender(self._store)
        return self._bulk.submit(raws)

    def close(self) -> None:
        """Wait for what is under way."""
        if self._bulk is not None:
            self._bulk.close()
        self._store.close()
