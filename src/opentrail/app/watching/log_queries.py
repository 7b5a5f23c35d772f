"""Logs Insights of an installation: the book of queries, and the processes that answer them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opentrail.adapters.ids import SystemIds
from opentrail.adapters.log_events import FILE_NAME as LOG_EVENTS_FILE
from opentrail.adapters.log_events import SqliteLogEventStore
from opentrail.adapters.queries.book import FILE_NAME as QUERIES_FILE
from opentrail.adapters.queries.book import SqliteQueryBook
from opentrail.adapters.queries.children import ChildQueryRunner
from opentrail.adapters.queries.database import Limits
from opentrail.adapters.queries.engine import QueryEngine
from opentrail.adapters.queries.messages import Begin
from opentrail.adapters.queries.scratch import sweep
from opentrail.api.logs.backends import LogsBackends
from opentrail.api.logs.queries import QueriesBackends
from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.logs.names import GroupKey, parse_group_arn
from opentrail.ports.log_events import log_group, spans_shown
from opentrail.ports.queries import QueriedGroup
from opentrail.ports.state import StateStore
from opentrail.workers.queries import QueryKeeper, QueryWorker

AT_ONCE = 2
"""Queries that run at the same time; others wait."""

_SCRATCH = "queries"
_LEAST_MEMORY = 256 * 1024 * 1024
_MOST_MEMORY = 4 * 1024 * 1024 * 1024
_BESIDE = 1024 * 1024 * 1024
"""What a process may take beside DuckDB's buffers: results, records on their way, libraries."""


@dataclass(frozen=True, slots=True)
class QueryParts:
    """Makes the parts; any process of the installation may.

    Attributes:
        data: The data directory.
    """

    data: Path
    clock: Clock

    def book(self) -> SqliteQueryBook:
        """Queries and their results."""
        return SqliteQueryBook(self.data / QUERIES_FILE)

    def backends(self, logs: LogsBackends) -> QueriesBackends:
        """What the operations of Logs Insights work with."""
        return QueriesBackends(logs=logs, book=self.book(), ids=SystemIds())

    def engine(self) -> QueryEngine:
        """Answers queries in this process."""
        sweep(self.data / _SCRATCH)
        log_events = SqliteLogEventStore(self.data / LOG_EVENTS_FILE)
        return QueryEngine(self.data / "events", log_events, self.data / _SCRATCH, _limits())

    def runner(self) -> ChildQueryRunner:
        """Answers queries in processes of their own."""
        limits = _limits()
        return ChildQueryRunner(
            Begin(
                events=str(self.data / "events"),
                log_events=str(self.data / LOG_EVENTS_FILE),
                directory=str(self.data / _SCRATCH),
                memory_bytes=limits.memory_bytes,
                spill_bytes=limits.spill_bytes,
                result_bytes=limits.result_bytes,
                threads=limits.threads,
                data_bytes=limits.memory_bytes + _BESIDE,
            )
        )

    def workers(self, runner: ChildQueryRunner) -> tuple[QueryWorker, ...]:
        """As many as run at once."""
        book = self.book()
        return tuple(QueryWorker(book, runner, self.clock) for _ in range(AT_ONCE))

    def keeper(self) -> QueryKeeper:
        """Tells of queries that a stop ended; forgets old ones."""
        sweep(self.data / _SCRATCH)
        return QueryKeeper(self.book(), self.clock)


def _limits() -> Limits:
    """A quarter of the machine's memory for each query, within bounds."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Limits(
        memory_bytes=min(max(whole // 4, _LEAST_MEMORY), _MOST_MEMORY),
        threads=min(os.cpu_count() or 1, 4),
    )


def find_queried(
    names: Sequence[str], state: StateStore, *, account_id: str, region: str, now: int
) -> tuple[QueriedGroup, ...]:
    """The log groups of those names or ARNs.

    Args:
        account_id: Of groups that are named without one, as `region`.

    Raises:
        InvalidInput: there is none of that name.
    """
    found = []
    for name in names:
        is_arn = name.startswith("arn:")
        key = parse_group_arn(name) if is_arn else GroupKey(account_id, region, name)
        group = log_group(state, key)
        if group is None:
            raise InvalidInput(
                f"there is no log group {key.name} of account {key.account_id} in "
                f"{key.region}; name others by their ARNs"
            )
        found.append(QueriedGroup.of(group, spans_shown(state, key), now))
    return tuple(found)
