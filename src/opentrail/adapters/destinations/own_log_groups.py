"""The log groups that are OpenTrail's own, as a trail's destination."""

from __future__ import annotations

from collections.abc import Sequence

from opentrail.clock import Clock, epoch_milliseconds
from opentrail.logs.names import GroupKey, InvalidLogName, parse_group_arn
from opentrail.ports.destinations import DestinationNotFound, LogEvent
from opentrail.ports.log_events import LogEventStore, log_group
from opentrail.ports.state import StateStore


class OwnLogGroups:
    """LogGroups and LogViews, see ports.destinations."""

    def __init__(self, state: StateStore, events: LogEventStore, clock: Clock) -> None:
        self._state = state
        self._events = events
        self._clock = clock

    def exists(self, arn: str) -> bool:
        try:
            self._found(arn)
        except DestinationNotFound:
            return False
        return True

    def put(self, arn: str, stream: str, events: Sequence[LogEvent]) -> None:
        group, now = self._found(arn), self._now()
        self._events.create_stream(group, stream, now)
        self._events.put(group, stream, events, now)

    def delivered(self, arn: str, stream: str, *, oldest: int, newest: int) -> None:
        self._events.note(self._found(arn), stream, first=oldest, last=newest, ingested=self._now())

    def _found(self, arn: str) -> GroupKey:
        try:
            group = parse_group_arn(arn)
        except InvalidLogName as problem:
            raise DestinationNotFound(str(problem), code="InvalidParameterException") from None
        if log_group(self._state, group) is None:
            raise DestinationNotFound(
                f"there is no log group {group.arn}", code="ResourceNotFoundException"
            )
        return group

    def _now(self) -> int:
        return epoch_milliseconds(self._clock.now())
