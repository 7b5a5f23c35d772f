"""Journals."""

from opentrail.adapters.journal.memory import MemoryJournal
from opentrail.adapters.journal.segments import SegmentJournalReader, SegmentJournalWriter

__all__ = ["MemoryJournal", "SegmentJournalReader", "SegmentJournalWriter"]
