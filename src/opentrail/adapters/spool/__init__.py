"""Spools."""

from opentrail.adapters.spool.local import LocalSpool
from opentrail.adapters.spool.memory import MemorySpool

__all__ = ["LocalSpool", "MemorySpool"]
