"""Many filter patterns over one stream of messages.

Patterns for JSON share an index, so a record is asked only by those that could take it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.predicate.index import PredicateIndex

Name = TypeVar("Name", bound=Hashable)

KEYS = (("eventName",), ("eventSource",))
"""What tells most patterns for CloudTrail's records apart."""


class FilterSet(Generic[Name]):
    """Named patterns; never changes."""

    def __init__(self, patterns: Mapping[Name, FilterPattern]) -> None:
        asked = {name: pattern.predicate for name, pattern in patterns.items()}
        predicates = {name: one for name, one in asked.items() if one is not None}
        self._others = [(name, patterns[name]) for name, one in asked.items() if one is None]
        self._index = PredicateIndex(predicates, KEYS) if predicates else None

    def matching(self, message: LogMessage) -> list[Name]:
        """The names of the patterns that take the message, each once."""
        found = [name for name, pattern in self._others if pattern.matches(message)]
        if self._index is None or message.record is None:
            return found
        return found + self._index.matching(message.record)
