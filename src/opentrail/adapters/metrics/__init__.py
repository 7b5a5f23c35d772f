"""Stores of metrics."""

from opentrail.adapters.metrics.memory import MemoryMetricStore
from opentrail.adapters.metrics.sqlite import FILE_NAME, SqliteMetricStore

__all__ = ["FILE_NAME", "MemoryMetricStore", "SqliteMetricStore"]
