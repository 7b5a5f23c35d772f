"""Where counts of calls are kept."""

from opentrail.adapters.call_counts.memory import MemoryCallCounts
from opentrail.adapters.call_counts.sqlite import FILE_NAME, SqliteCallCounts

__all__ = ["FILE_NAME", "MemoryCallCounts", "SqliteCallCounts"]
