"""Alarm histories in a dict; the reference for the port's suite and for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentrail.alarms.telling.changes import HistoryItem
from opentrail.ports.metrics.alarm_history import HistoryQuery


class MemoryAlarmHistory:
    """See ports.alarm_history."""

    def __init__(self) -> None:
        self._items: dict[str, HistoryItem] = {}
        self._lock = threading.Lock()

    def add(self, items: Sequence[HistoryItem]) -> None:
        with self._lock:
            for item in items:
                self._items.setdefault(item.id, item)

    def find(self, query: HistoryQuery) -> tuple[HistoryItem, ...]:
        with self._lock:
            found = [one for one in self._items.values() if query.takes(one) and query.follows(one)]
        found.sort(key=lambda item: (item.time, item.id), reverse=query.newest_first)
        return tuple(found[: query.limit])

    def expire(self, before: float) -> int:
        with self._lock:
            old = [one.id for one in self._items.values() if one.time < before]
            for number in old:
                del self._items[number]
        return len(old)
