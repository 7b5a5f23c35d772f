"""Indexes of callers, sessions and issued keys."""

from opentrail.adapters.sessions.memory import MemorySessionIndex
from opentrail.adapters.sessions.sqlite import FILE_NAME, SqliteSessionIndex

__all__ = ["FILE_NAME", "MemorySessionIndex", "SqliteSessionIndex"]
