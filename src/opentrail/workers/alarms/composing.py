"""What a composite alarm's rule says now, why, and whether its actions are held back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec

from opentrail.alarms.alarm import AlarmState, CompositeAlarm, State
from opentrail.alarms.composite import children, holds
from opentrail.alarms.suppression import at_change, later
from opentrail.alarms.telling.changes import AlarmChange, held_back, state_change
from opentrail.alarms.telling.reasons import timestamp
from opentrail.workers.alarms.book import AlarmBook, Entry


def composed(entry: Entry, book: AlarmBook, now: float) -> tuple[AlarmState, AlarmChange] | None:
    """The alarm's next state and what follows from it; None if nothing changes.

    Args:
        now: Epoch seconds.
    """
    alarm, rule, before = entry.alarm, entry.rule, entry.state
    assert isinstance(alarm, CompositeAlarm)
    assert rule is not None

    def state_of(name: str) -> State:
        return book.state_of(name, alarm) or State.INSUFFICIENT_DATA

    value = State.ALARM if holds(rule, state_of) else State.OK
    suppressor = book.state_of(alarm.suppressor, alarm) if alarm.suppressor else None
    if value is not before.value:
        return _changed(entry, book, value, suppressor, now)
    if before.suppressed is None:
        return None
    held = later(alarm, before.suppressed, suppressor, now)
    if held == before.suppressed:
        return None
    after = msgspec.structs.replace(before, suppressed=held)
    if held is not None or before.suppressed.told is before.value:
        return after, AlarmChange(
            cause=alarm.arn, account_id=alarm.account_id, region=alarm.region, time=now
        )
    told = msgspec.structs.replace(before, value=before.suppressed.told, suppressed=None)
    return after, held_back(alarm, told, after, now)


def _changed(
    entry: Entry, book: AlarmBook, value: State, suppressor: State | None, now: float
) -> tuple[AlarmState, AlarmChange]:
    alarm, before = entry.alarm, entry.state
    assert isinstance(alarm, CompositeAlarm)
    reason, data = _reason(entry, book, value)
    held = at_change(alarm, before, suppressor, now)
    # What comes back to what was told of last needs no telling.
    if held is not None and held.told is value and before.suppressed is None:
        held = None
    after = AlarmState(
        value=value,
        reason=reason,
        reason_data=data,
        updated=now,
        transitioned=now,
        number=before.number + 1,
        suppressed=held,
    )
    return after, state_change(alarm, before, after)


def _reason(entry: Entry, book: AlarmBook, value: State) -> tuple[str, str]:
    """The sentence and the JSON beside it: which alarm set it off, or that it was put."""
    alarm = entry.alarm
    assert entry.rule is not None
    known = [one for one in (book.entry_of(name, alarm) for name in children(entry.rule)) if one]
    newest = max(known, key=lambda one: one.state.transitioned, default=None)
    if newest is None or newest.state.transitioned < alarm.updated or not entry.state.number:
        done = "created" if not entry.state.number else "updated"
        return f"{alarm.arn} was {done} and its alarm rule evaluates to {value}", _told(known)
    when = datetime.fromtimestamp(newest.state.transitioned, UTC)
    moved = f"{newest.alarm.arn} transitioned to {newest.state.value}"
    return f"{moved} at {when:%A %d %B, %Y %H:%M:%S} UTC", _told([newest])


def _told(entries: list[Entry]) -> str:
    return json.dumps({
        "triggeringAlarms": [
            {
                "arn": one.alarm.arn,
                "state": {
                    "value": one.state.value, "timestamp": timestamp(one.state.transitioned),
                },
            }
            for one in entries
        ]
    }, separators=(",", ":"))  # fmt: skip
