"""Events of the store, added up by series and minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opentrail.errors import InvalidInput
from opentrail.insights.attributions import Attribute
from opentrail.insights.counts import Counted, SeriesKey, counted
from opentrail.ports.insights.call_counts import BLOCK, ValueKey
from opentrail.record import read_record

MOST_VALUES = 50
"""Of an attribute of a series, in five minutes of one batch; more are not told apart, only counted.
Names of callers are their own text: a loop with new ones must not fill the store."""


class Tally:
    """What a batch of events adds.

    Attributes:
        counts: By series and minute.
        values: By series, five minutes, attribute and value.
    """

    def __init__(self, values_since: int) -> None:
        """Values of minutes before `values_since` are too old to be kept."""
        self.counts: Counter[tuple[SeriesKey, int]] = Counter()
        self.values: Counter[ValueKey] = Counter()
        self._since = values_since
        self._different: Counter[tuple[SeriesKey, int, Attribute]] = Counter()

    def add(self, raws: Iterable[bytes]) -> None:
        for raw in raws:
            try:
                found = counted(read_record(raw).head)
            except InvalidInput:
                continue  # kept and shown by the store of events; there is nothing to count
            if found is not None:
                self._add(found)

    def _add(self, found: Counted) -> None:
        for key in found.series:
            self.counts[key, found.minute] += 1
            if found.minute < self._since:
                continue
            for attribute, value in (
                (Attribute.PRINCIPAL, found.principal),
                (Attribute.USER_AGENT, found.user_agent),
                (Attribute.ERROR_CODE, found.error_code),
            ):
                if value:
                    self._add_value(key, found.minute // BLOCK * BLOCK, attribute, value)

    def _add_value(self, key: SeriesKey, block: int, attribute: Attribute, value: str) -> None:
        name = ValueKey(key, block, attribute, value)
        if name not in self.values:
            if self._different[key, block, attribute] >= MOST_VALUES:
                return
            self._different[key, block, attribute] += 1
        self.values[name] += 1
