"""The filters of all log groups, as the API last left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

Watcher = CompiledMetricFilter | SubscriptionFilter


class GroupFilters:
    """Metric filters and subscriptions of one group, ready for its messages."""

    def __init__(
        self, metrics: Sequence[CompiledMetricFilter], subscriptions: Sequence[SubscriptionFilter]
    ) -> None:
        self.metrics = tuple(metrics)
        self._watchers: tuple[Watcher, ...] = (*metrics, *subscriptions)
        patterns = [*(one.pattern for one in metrics)]
        patterns += [FilterPattern(one.pattern) for one in subscriptions]
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
    found: dict[GroupKey, tuple[list[CompiledMetricFilter], list[SubscriptionFilter]]] = {}
    for document in metrics:
        put = msgspec.json.decode(document.body, type=MetricFilter)
        try:
            compiled = CompiledMetricFilter(put)
        except InvalidInput as problem:
            _log.error("metric_filter_unreadable", filter=document.key, problem=str(problem))
            continue
        key = GroupKey(put.account_id, put.region, put.group)
        found.setdefault(key, ([], []))[0].append(compiled)
    for document in subscriptions:
        subscription = msgspec.json.decode(document.body, type=SubscriptionFilter)
        found.setdefault(subscription.key, ([], []))[1].append(subscription)
    return {key: GroupFilters(*some) for key, some in found.items()}
