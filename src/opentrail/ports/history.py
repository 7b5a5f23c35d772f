"""The index behind event history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from opentrail.history.lookup import LookupQuery
from opentrail.history.page import After
from opentrail.history.row import HistoryRow


class HistoryIndex(Protocol):
    """Management events by one attribute, newest first; rebuilt from the journal at need."""

    def append(self, rows: Sequence[HistoryRow], place: int) -> None:
        """Index `rows` (again changes nothing) and remember how far the journal was read."""
        ...

    def place(self) -> int | None:
        """The offset remembered last, None before the first."""
        ...

    def lookup(self, query: LookupQuery, after: After | None) -> tuple[HistoryRow, ...]:
        """At most `query.limit + 1` rows, newest first, of equal times the later recorded first.

        Args:
            after: The last row of the page before, None for the first page.
        """
        ...

    def expire(self, before: int) -> int:
        """Forget events older than `before` (epoch seconds); how many they were."""
        ...
