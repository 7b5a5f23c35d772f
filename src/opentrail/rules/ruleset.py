"""Many patterns over one stream of events: an event is asked only those that it could pass."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

import re2

from opentrail.predicate.index import Predicate, PredicateIndex
from opentrail.rules.bounds import bound_of
from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import Pattern
from opentrail.rules.walking import Event, has_dotted_names

KEYS = (("detail", "eventName"), ("detail", "eventSource"), ("source",))
"""What tells rules apart, the most telling first: most ask for calls by name.

Nearly all events have the same detail-type; rules without a key are told by what they need."""

_DOT_IN_NAME = re2.compile(rb'\.[^"\\]*"\s*:')

Name = TypeVar("Name", bound=Hashable)


class RuleSet(Generic[Name]):
    """Named patterns; never changes."""

    def __init__(self, patterns: Mapping[Name, tuple[Pattern, Matcher]]) -> None:
        self._matchers = {name: matcher for name, (_, matcher) in patterns.items()}
        self._index: PredicateIndex[Name] = PredicateIndex(
            {
                name: Predicate(matcher.holds, bound_of(pattern))
                for name, (pattern, matcher) in patterns.items()
            },
            KEYS,
        )

    def matching(self, event: Event, *, may_have_dots: bool = True) -> list[Name]:
        """The names of the patterns that the event passes, each once.

        Args:
            may_have_dots: False where the event is known to have no names with dots.
        """
        if may_have_dots and has_dotted_names(event):
            # Where dots meet nesting the index would look in the wrong places.
            return [
                name for name, matcher in self._matchers.items() if matcher.holds_for_any(event)
            ]
        return self._index.matching(event)


def may_have_dotted_names(raw: bytes) -> bool:
    """Whether the JSON in `raw` could have a name that holds a dot; False is certain."""
    return b"\\" in raw or _DOT_IN_NAME.search(raw) is not None
