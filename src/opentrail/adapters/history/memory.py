"""An index in a dict; the reference for the port's suite."""

from __future__ import annotations

from collections.abc import Sequence

from opentrail.history.lookup import LookupQuery
from opentrail.history.page import After
from opentrail.history.row import HistoryRow


class MemoryHistoryIndex:
    """See ports.history."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], HistoryRow] = {}
        self._place: int | None = None

    def append(self, rows: Sequence[HistoryRow], place: int) -> None:
        for row in rows:
            self._rows.setdefault((row.account_id, row.event_id), row)
        self._place = place

    def place(self) -> int | None:
        return self._place

    def lookup(self, query: LookupQuery, after: After | None) -> tuple[HistoryRow, ...]:
        found = [row for row in self._rows.values() if _fits(row, query)]
        found.sort(key=lambda row: (row.event_time, row.offset), reverse=True)
        if after is not None:
            last = (after.event_time, after.offset)
            found = [row for row in found if (row.event_time, row.offset) < last]
        return tuple(found[: query.limit + 1])

    def expire(self, before: int) -> int:
        old = [key for key, row in self._rows.items() if row.event_time < before]
        for key in old:
            del self._rows[key]
        return len(old)


def _fits(row: HistoryRow, query: LookupQuery) -> bool:
    if (row.account_id, row.region) != (query.account_id, query.region) or query.insight:
        return False
    if not query.start.timestamp() <= row.event_time <= query.end.timestamp():
        return False
    single = {
        "AccessKeyId": row.access_key_id,
        "EventId": row.event_id,
        "EventName": row.event_name,
        "EventSource": row.event_source,
        "ReadOnly": row.read_only,
        "Username": row.username,
    }
    match query.attribute:
        case "":
            return True
        case "ResourceType":
            return any(kind == query.value for kind, _ in row.resources)
        case "ResourceName":
            return any(name == query.value for _, name in row.resources)
        case attribute:
            return single[attribute] == query.value
