"""Intent logs."""

from opentrail.adapters.intents.files import FileIntents
from opentrail.adapters.intents.memory import MemoryIntents

__all__ = ["FileIntents", "MemoryIntents"]
