"""State stores."""

from opentrail.adapters.state.memory import MemoryStateStore
from opentrail.adapters.state.sqlite import SqliteStateStore

__all__ = ["MemoryStateStore", "SqliteStateStore"]
