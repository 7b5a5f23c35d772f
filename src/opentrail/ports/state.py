"""Trails, keys, chains and places, as small versioned documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Document:
    """One stored value.

    Attributes:
        kind: What it is (`trail`, `chain`, …); the name of its owner's table of documents.
        key: Unique within the kind.
        version: 1 at first, one more with every change.
        body: The owner's bytes (JSON).
    """

    kind: str
    key: str
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What a document shall become.

    Attributes:
        body: None deletes the document.
        expected: The version it must have now; 0 it must not exist; None whatever it is.
    """

    kind: str
    key: str
    body: bytes | None
    expected: int | None = None


class StateStore(Protocol):
    """Documents with compare-and-set; shared by several processes."""

    def get(self, kind: str, key: str) -> Document | None:
        """The document as last applied, None if there is none."""
        ...

    def list(self, kind: str, prefix: str = "") -> tuple[Document, ...]:
        """Documents of `kind` whose key starts with `prefix`, ordered by key."""
        ...

    def apply(self, changes: Sequence[Change]) -> None:
        """All of `changes`, or none; durable on return.

        Raises:
            StateConflict: a document has another version than expected.
        """
        ...
