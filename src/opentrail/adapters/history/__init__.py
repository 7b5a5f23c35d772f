"""History indexes."""

from opentrail.adapters.history.memory import MemoryHistoryIndex
from opentrail.adapters.history.sqlite import SqliteHistoryIndex

__all__ = ["MemoryHistoryIndex", "SqliteHistoryIndex"]
