"""Outboxes."""

from opentrail.adapters.outbox.memory import MemoryOutbox
from opentrail.adapters.outbox.sqlite import FILE_NAME, SqliteOutbox

__all__ = ["FILE_NAME", "MemoryOutbox", "SqliteOutbox"]
