"""Documents in a dict; the reference for the port's suite and for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentrail.errors import StateConflict
from opentrail.ports.state import Change, Document


class MemoryStateStore:
    """See ports.state."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], Document] = {}
        self._lock = threading.Lock()

    def get(self, kind: str, key: str) -> Document | None:
        with self._lock:
            return self._documents.get((kind, key))

    def list(self, kind: str, prefix: str = "") -> tuple[Document, ...]:
        with self._lock:
            found = [
                document
                for document in self._documents.values()
                if document.kind == kind and document.key.startswith(prefix)
            ]
        return tuple(sorted(found, key=lambda document: document.key.encode()))

    def apply(self, changes: Sequence[Change]) -> None:
        with self._lock:
            after = dict(self._documents)
            for change in changes:
                place = (change.kind, change.key)
                version = after[place].version if place in after else 0
                if change.expected is not None and change.expected != version:
                    raise StateConflict(
                        f"{change.kind} {change.key} has version {version}, "
                        f"expected {change.expected}"
                    )
                if change.body is None:
                    after.pop(place, None)
                else:
                    after[place] = Document(*place, version + 1, change.body)
            self._documents = after

    def snapshot(self) -> dict[tuple[str, str], Document]:
        """Every document as it is now."""
        with self._lock:
            return dict(self._documents)
