"""When the actions of a composite alarm are held back by another alarm, its suppressor.

While the suppressor is in ALARM nothing is told; after it has left ALARM the extension period goes
by first. A change waits for the wait period whether the suppressor comes into ALARM. What was held
back is told at the end, if the alarm is then in another state than was told of last.
Source: CloudWatch User Guide, "Composite alarm action suppression".
"""

from __future__ import annotations

from opentrail.alarms.alarm import AlarmState, CompositeAlarm, State, Suppressed

BY_ALARM, BY_WAIT, BY_EXTENSION = "Alarm", "WaitPeriod", "ExtensionPeriod"


def at_change(
    alarm: CompositeAlarm, before: AlarmState, suppressor: State | None, now: float
) -> Suppressed | None:
    """How the actions of a change that happens now are held back; None: they are not.

    Args:
        before: The alarm's state until now.
        suppressor: The suppressor's state; None if there is no such alarm.
        now: Epoch seconds.
    """
    if alarm.suppressor is None:
        return None
    held = before.suppressed
    told = before.value if held is None else held.told
    if suppressor is State.ALARM:
        return Suppressed(by=BY_ALARM, told=told)
    if held is not None and held.by != BY_ALARM and (held.until or 0.0) > now:
        return held
    if held is not None and held.by == BY_ALARM:
        return _extended(alarm, told, now)
    return Suppressed(by=BY_WAIT, until=now + alarm.wait, told=told) if alarm.wait else None


def later(
    alarm: CompositeAlarm, held: Suppressed, suppressor: State | None, now: float
) -> Suppressed | None:
    """How what is held back goes on; None: it ends now."""
    if alarm.suppressor is None:
        return None
    if suppressor is State.ALARM:
        return held if held.by == BY_ALARM else Suppressed(by=BY_ALARM, told=held.told)
    if held.by == BY_ALARM:
        return _extended(alarm, held.told, now)
    return held if (held.until or 0.0) > now else None


def _extended(alarm: CompositeAlarm, told: State, now: float) -> Suppressed | None:
    if not alarm.extension:
        return None
    return Suppressed(by=BY_EXTENSION, until=now + alarm.extension, told=told)
