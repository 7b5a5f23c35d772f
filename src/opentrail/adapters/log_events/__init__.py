"""Stores of log events."""

from opentrail.adapters.log_events.memory import MemoryLogEventStore
from opentrail.adapters.log_events.sqlite import FILE_NAME, SqliteLogEventStore

__all__ = ["FILE_NAME", "MemoryLogEventStore", "SqliteLogEventStore"]
