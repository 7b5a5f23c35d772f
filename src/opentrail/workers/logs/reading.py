"""The filters of all log groups, as the API last left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.alarms.filter_set import FilterSet
from opentrail.alarms.metric_filter import METRIC_FILTER_KIND, CompiledMetricFilter, MetricFilter
from opentrail.errors import InvalidInput
from opentrail.logs.names import GroupKey
from opentrail.logs.subscription import SUBSCRIPTION_KIND, SubscriptionFilter
from opentrail.ports.state import Document, StateStore

_log = structlog.get_logger()

_Put = MetricFilter | SubscriptionFilter
_Kind = TypeVar("_Kind", MetricFilter, SubscriptionFilter)


@dataclass(frozen=True, slots=True)
class Watcher:
    """A filter, and what it is asked of.

    Attributes:
        put: As it was put.
        by: What it was changed to; None if it is as it was put last.
    """

    filter: CompiledMetricFilter | SubscriptionFilter
    put: _Put
    by: _Put | None

    def counts_record(self, offset: int) -> bool:
        """Whether it is asked of a record at that place of the journal."""
        return offset >= self.put.not_before and (self.by is None or offset < self.by.not_before)

    def counts_event(self, ingested: int) -> bool:
        """Whether it is asked of an event that PutLogEvents brought then, in milliseconds."""
        since = self.put.since or self.put.created
        return ingested >= since and (self.by is None or ingested < self.by.since)


class GroupFilters:
    """Metric filters and subscriptions of one group, ready for its messages.

    Attributes:
        metrics: The metric filters as they were put last.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)
        self.metrics = tuple(
            one.filter
            for one in watchers
            if isinstance(one.filter, CompiledMetricFilter) and one.by is None
        )
        patterns = [
            one.filter.pattern
            if isinstance(one.filter, CompiledMetricFilter)
            else FilterPattern(one.filter.pattern)
            for one in watchers
        ]
        self._set = FilterSet(dict(enumerate(patterns)))

    def matching(self, message: LogMessage) -> list[Watcher]:
        """The filters that take the message."""
        return [self._watchers[number] for number in self._set.matching(message)]


class FilterReader:
    """Reads and compiles filters anew when one of them has changed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._seen: tuple[tuple[Document, ...], tuple[Document, ...]] = ((), ())
        self._groups: dict[GroupKey, GroupFilters] = {}

    def groups(self) -> Mapping[GroupKey, GroupFilters]:
        """The groups that have filters, with every change that was made before the call."""
        seen = self._state.list(METRIC_FILTER_KIND), self._state.list(SUBSCRIPTION_KIND)
        if seen != self._seen:
            self._groups = _compiled(*seen)
            self._seen = seen
        return self._groups


def _compiled(
    metrics: Sequence[Document], subscriptions: Sequence[Document]
) -> dict[GroupKey, GroupFilters]:
    found: dict[GroupKey, list[Watcher]] = {}
    for document in metrics:
        last = msgspec.json.decode(document.body, type=MetricFilter)
        try:
            some = [Watcher(CompiledMetricFilter(put), put, by) for put, by in _versions(last)]
        except InvalidInput as problem:
            _log.error("metric_filter_unreadable", filter=document.key, problem=str(problem))
            continue
        found.setdefault(GroupKey(last.account_id, last.region, last.group), []).extend(some)
    for document in subscriptions:
        newest = msgspec.json.decode(document.body, type=SubscriptionFilter)
        watchers = [Watcher(put, put, by) for put, by in _versions(newest)]
        found.setdefault(newest.key, []).extend(watchers)
    return {key: GroupFilters(some) for key, some in found.items()}


def _versions(last: _Kind) -> list[tuple[_Kind, _Kind | None]]:
    """What was put, and what it was changed to."""
    before = last.replaced
    return [(last, None)] if before is None else [(last, None), (before, last)]
