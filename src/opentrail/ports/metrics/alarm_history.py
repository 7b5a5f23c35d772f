"""What became of alarms: configurations, states and actions, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from opentrail.alarms.telling.changes import HistoryItem, ItemKind

KEPT_SECONDS = 30 * 86_400
"""How long AWS keeps alarm histories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which lines to show.

    Attributes:
        name: Of the alarm; None for all.
        kind: None for all.
        alarm_types: `MetricAlarm`, `CompositeAlarm`; () for all.
        start: Epoch seconds, inclusive; None for no bound.
        end: Epoch seconds, inclusive; None for no bound.
        after: (time, id) of the last line of the page before.
        limit: Lines wanted at the most.
    """

    account_id: str
    region: str
    name: str | None = None
    kind: ItemKind | None = None
    alarm_types: tuple[str, ...] = ()
    start: float | None = None
    end: float | None = None
    newest_first: bool = True
    after: tuple[float, str] | None = None
    limit: int = 100

    def takes(self, item: HistoryItem) -> bool:
        """Whether a line is asked for, whatever page it is on."""
        return (
            (self.account_id, self.region) == (item.account_id, item.region)
            and self.name in (None, item.name)
            and self.kind in (None, item.kind)
            and (not self.alarm_types or item.alarm_type in self.alarm_types)
            and (self.start is None or item.time >= self.start)
            and (self.end is None or item.time <= self.end)
        )

    def follows(self, item: HistoryItem) -> bool:
        """Whether a line comes after the page before."""
        if self.after is None:
            return True
        place = (item.time, item.id)
        return place < self.after if self.newest_first else place > self.after


class AlarmHistory(Protocol):
    """Lines of all accounts; several processes may add and read."""

    def add(self, items: Sequence[HistoryItem]) -> None:
        """Durable on return, all or nothing; lines whose id is known are left out.

        Raises:
            Unavailable: nothing was added.
        """
        ...

    def find(self, query: HistoryQuery) -> tuple[HistoryItem, ...]:
        """The lines asked for, by time and id; at most `query.limit`."""
        ...

    def expire(self, before: float) -> int:
        """Forget what is older (epoch seconds); how many lines that were."""
        ...
