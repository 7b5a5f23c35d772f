"""Findings, and what detection remembers."""

from opentrail.adapters.findings.memory import MemoryFindings
from opentrail.adapters.findings.sqlite import FILE_NAME, SqliteFindings

__all__ = ["FILE_NAME", "MemoryFindings", "SqliteFindings"]
