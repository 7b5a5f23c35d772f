"""Journals."""

from opentrail.adapters.journal.memory import MemoryJournal
from opentrail.adapters.journal.second_disk import SecondDiskJournal
from opentrail.adapters.journal.segments import SegmentJournalReader, SegmentJournalWriter

__all__ = ["MemoryJournal", "SecondDiskJournal", "SegmentJournalReader", "SegmentJournalWriter"]
