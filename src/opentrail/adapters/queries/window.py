"""A time over which the log events of a query are read, and what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from opentrail.adapters.queries.feeding import Messages
from opentrail.adapters.queries.relations import RecentTables, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a query reads.

    Attributes:
        links: The open files within the engine's own directory.
        start: Epoch milliseconds, inclusive.
        end: Epoch milliseconds, exclusive.
    """

    stored: Stored
    links: Sequence[Path]
    recent: RecentTables
    messages: Messages
    connection: duckdb.DuckDBPyConnection
    start: int
    end: int

    def create_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        """`events`, see relations."""
        self.stored.create_views(connection, self.links, self.recent)

    def create_late_view(self, places: Sequence[int]) -> None:
        """`late_events`: the segments at those places, whole."""
        self.stored.create_late_view(self.connection, self.links, self.recent, places)
