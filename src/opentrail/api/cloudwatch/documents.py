"""Alarms of an account and region, as the state keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from opentrail.alarms.alarm import (
    ALARM_KIND,
    CHANGE_KIND,
    STATE_KIND,
    Alarm,
    AlarmState,
    alarm_key,
    first_state,
    read_alarm,
    read_state,
)
from opentrail.alarms.telling.changes import AlarmChange
from opentrail.api.cloudwatch.backends import CloudWatchBackends
from opentrail.api.outcome import Caller
from opentrail.ports.state import Change


@dataclass(frozen=True, slots=True)
class Known:
    """An alarm, its state, and the versions of their documents."""

    alarm: Alarm
    state: AlarmState
    version: int
    state_version: int


def find_alarm(name: str, caller: Caller, backends: CloudWatchBackends) -> Known | None:
    """The caller's alarm of a name."""
    key = alarm_key(caller.account_id, caller.region, name)
    document = backends.state.get(ALARM_KIND, key)
    if document is None:
        return None
    alarm = read_alarm(document.body)
    kept = backends.state.get(STATE_KIND, key)
    state = first_state(alarm.created) if kept is None else read_state(kept.body)
    return Known(alarm, state, document.version, 0 if kept is None else kept.version)


def all_alarms(
    caller: Caller, backends: CloudWatchBackends, prefix: str = "", *, after: str = ""
) -> Iterator[tuple[Alarm, AlarmState]]:
    """The caller's alarms whose name begins so, by name, with their states.

    Args:
        after: Only those whose names come after it.
    """
    key = alarm_key(caller.account_id, caller.region, prefix)
    last = alarm_key(caller.account_id, caller.region, after).encode()
    states = {one.key: one.body for one in backends.state.list(STATE_KIND, key)}
    for document in backends.state.list(ALARM_KIND, key):
        if document.key.encode() <= last:
            continue
        alarm = read_alarm(document.body)
        body = states.get(document.key)
        yield alarm, first_state(alarm.created) if body is None else read_state(body)


def put_alarm(alarm: Alarm, version: int) -> Change:
    """The alarm's document; `version` 0 makes a new one."""
    return Change(ALARM_KIND, alarm.key, msgspec.json.encode(alarm), expected=version)


def put_state(alarm: Alarm, state: AlarmState, version: int) -> Change:
    """The document of the alarm's state."""
    return Change(STATE_KIND, alarm.key, msgspec.json.encode(state), expected=version)


def put_change(change: AlarmChange) -> Change:
    """What follows from a change, for the worker that brings it away."""
    return Change(CHANGE_KIND, change.key, msgspec.json.encode(change))
