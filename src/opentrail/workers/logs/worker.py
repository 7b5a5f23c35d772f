"""Events of log groups to datapoints and deliveries, each event once.

The walk over the records of trails: (1) see how far the journal goes and which trails feed which
groups there, (2) read the filters, (3) ask those of the groups that a record comes to, (4) put the
datapoints with the place behind the last record in one step, and the deliveries with the same place
in another. After a crash it goes on from the lower of the two places, and what the other store has
already is left out, event by event. The events of PutLogEvents have numbers, and are followed in
the same way.

The time of a datapoint is that at which the event came here, as with AWS: that of its delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from opentrail.alarms.filter_pattern import LogMessage
from opentrail.alarms.metric_filter import CompiledMetricFilter
from opentrail.clock import Clock, epoch_milliseconds
from opentrail.errors import InvalidInput
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.group import LOG_GROUP_KIND
from opentrail.logs.names import GroupKey, InvalidLogName, parse_group_arn
from opentrail.logs.subscription import SubscriptionFilter
from opentrail.ports.journal import Entry, JournalReader
from opentrail.ports.log_events import LogEventStore, StoredLogEvent
from opentrail.ports.metrics import MetricStore
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import Delivery, Outbox
from opentrail.record import RecordHead, read_record
from opentrail.trail.feeds import MOST_RECORD_BYTES, feeding, stream_name
from opentrail.trail.trail import Trail
from opentrail.workers.following import logging_trails, read_timelines, read_until, settled_end
from opentrail.workers.logs.defaults import Defaults
from opentrail.workers.logs.places import Places
from opentrail.workers.logs.reading import FilterReader, GroupFilters
from opentrail.workers.logs.samples import Cardinality, Samples
from opentrail.workers.logs.sending import put_deliveries, record_delivery

FOLLOWER = "log-filters"
"""Whose place in the journal is kept, by the store of metrics and by the outbox."""

OWN_FOLLOWER = "log-filters-put"
"""Whose place among the events of PutLogEvents is kept there."""

READ_BYTES = 1024 * 1024
READ_EVENTS = 1000
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the worker reads and writes.

    Attributes:
        metrics: Takes datapoints.
        outbox: Takes deliveries of subscriptions.
    """

    journal: JournalReader
    state: StateStore
    log_events: LogEventStore
    metrics: MetricStore
    outbox: Outbox


@dataclass(frozen=True, slots=True)
class _Feed:
    """A trail that brings records to a group with filters."""

    group: GroupKey
    filters: GroupFilters
    trail: Trail
    takes: Callable[[RecordHead], bool]


@dataclass(slots=True)
class _Made:
    """What the events of one step became."""

    samples: Samples
    deliveries: list[Delivery] = field(default_factory=list)


_Taken = dict[tuple[SubscriptionFilter, str, str], list[StoredLogEvent]]
"""Events by the subscription that takes them, their stream, and the key that brought them."""


class LogFilterWorker:
    """Follows records and events at its own pace."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        self._reader = FilterReader(stores.state)
        self._cardinality = Cardinality()
        self._defaults = Defaults(stores.metrics)
        self._records = Places(stores.metrics, stores.outbox, FOLLOWER)
        # What was trimmed while nobody followed is gone.
        self._records.cursor = max(self._records.cursor, stores.journal.first())
        self._own = Places(stores.metrics, stores.outbox, OWN_FOLLOWER)

    @property
    def place(self) -> int:
        """Every record before this offset is dealt with."""
        return self._records.cursor

    def step(self) -> int:
        """Deal with what is new, up to some size; the number of events read."""
        now = self._clock.now()
        handled = self._read_records(now) + self._read_own(now)
        defaults = self._defaults.due(_seconds(now))
        if defaults:
            self._stores.metrics.put(defaults)
        return handled

    # Records of trails

    def _read_records(self, now: datetime) -> int:
        if self._stores.journal.end() <= self._records.cursor:
            return 0
        end = settled_end(self._stores.journal, self._stores.state)  # (1)
        timelines = read_timelines(self._stores.state)
        groups = self._reader.groups()  # (2)
        handled = 0
        while self._records.cursor < end and not handled:
            cursor = self._records.cursor
            turns = [turn for one in timelines.values() if (turn := one.next_turn(cursor))]
            stop = min([end, *turns])
            feeds = self._feeds(logging_trails(timelines, cursor), groups)
            handled = self._read_until(stop, feeds, now)
        return handled

    def _feeds(self, trails: list[Trail], groups: Mapping[GroupKey, GroupFilters]) -> list[_Feed]:
        found = []
        for arn, some in feeding(trails).items():
            try:
                key = parse_group_arn(arn)
            except InvalidLogName:
                continue
            filters = groups.get(key)
            if filters is None or self._stores.state.get(LOG_GROUP_KIND, key.state_key) is None:
                continue
            found += [_Feed(key, filters, trail, trail.taker()) for trail in some]
        return found

    def _read_until(self, stop: int, feeds: list[_Feed], now: datetime) -> int:
        if not feeds:
            self._records.keep(stop, (), (), now)
            return 0
        journal, cursor = self._stores.journal, self._records.cursor
        entries, damage = read_until(journal, cursor, stop, READ_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._records.keep(min(damage.resume_offset, stop), (), (), now)
            return 1
        made = self._begin(now)
        for entry in entries:
            self._take(entry, feeds, made, now)
        place = entries[-1].next_offset if entries else stop
        self._records.keep(place, made.samples.datapoints(), made.deliveries, now)
        return len(entries)

    def _take(self, entry: Entry, feeds: list[_Feed], made: _Made, now: datetime) -> None:
        """Ask the filters of the groups that a record comes to (3)."""
        if len(entry.raw) > MOST_RECORD_BYTES:
            return
        try:
            head = read_record(entry.raw).head
        except InvalidInput as problem:
            _log.error("record_unreadable", offset=entry.offset, problem=str(problem))
            return
        message = LogMessage(entry.raw)
        seen: set[GroupKey] = set()
        for feed in feeds:
            if feed.group in seen or not feed.takes(head):
                continue
            seen.add(feed.group)
            self._defaults.asked(feed.filters.metrics, _seconds(now))
            for watcher in feed.filters.matching(message):
                if not watcher.counts_record(entry.offset):
                    continue
                if isinstance(watcher.filter, CompiledMetricFilter):
                    if entry.offset >= self._records.metrics:
                        made.samples.add(watcher.filter, message)
                elif entry.offset >= self._records.outbox:
                    account = head.recipient_account_id or feed.trail.account_id
                    stream = stream_name(feed.trail, account, head.aws_region)
                    place = EventPlace(epoch_milliseconds(now), Keeper.STORE, entry.offset)
                    made.deliveries.append(
                        record_delivery(watcher.filter, stream, head, message, place)
                    )

    # Events of PutLogEvents

    def _read_own(self, now: datetime) -> int:
        events = self._stores.log_events.since(self._own.cursor, READ_EVENTS)
        if not events:
            return 0
        groups = self._reader.groups()
        made = self._begin(now)
        taken: _Taken = {}
        for event in events:
            filters = groups.get(event.group)
            if filters is not None:
                self._take_own(event, filters, made, taken)
        for (subscription, stream, _), some in taken.items():
            made.deliveries += put_deliveries(subscription, stream, some, _seconds(now))
        self._own.keep(events[-1].number, made.samples.datapoints(), made.deliveries, now)
        return len(events)

    def _take_own(
        self, event: StoredLogEvent, filters: GroupFilters, made: _Made, taken: _Taken
    ) -> None:
        self._defaults.asked(filters.metrics, event.ingested // 1000)
        message = LogMessage(event.message)
        for watcher in filters.matching(message):
            if not watcher.counts_event(event.ingested):
                continue
            if isinstance(watcher.filter, CompiledMetricFilter):
                if event.number > self._own.metrics:
                    made.samples.add(watcher.filter, message)
            elif event.number > self._own.outbox:
                key = watcher.filter, event.stream, event.access_key_id
                taken.setdefault(key, []).append(event)

    def _begin(self, now: datetime) -> _Made:
        return _Made(Samples(self._cardinality, _seconds(now)))


def _seconds(now: datetime) -> int:
    return int(now.timestamp())
