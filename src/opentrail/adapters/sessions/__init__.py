"""Indexes of callers, sessions and issued keys."""

from opentrail.adapters.sessions.memory import MemorySessionIndex
from opentrail.adapters.sessions.sqlite import SqliteSessionIndex

__all__ = ["MemorySessionIndex", "SqliteSessionIndex"]
