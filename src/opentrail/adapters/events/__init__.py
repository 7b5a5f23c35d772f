"""The store of events in segments of columns; see segment."""

from opentrail.adapters.events.reader import SegmentEventReader
from opentrail.adapters.events.store import SegmentEventStore

__all__ = ["SegmentEventReader", "SegmentEventStore"]
