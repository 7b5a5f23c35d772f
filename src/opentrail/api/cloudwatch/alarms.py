"""Alarms put, set, switched and deleted. Source: CloudWatch API reference.

Every change keeps what follows from it in the same step: the worker brings that away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from opentrail.alarms.alarm import (
    ALARM_KIND,
    STATE_KIND,
    Alarm,
    AlarmState,
    CompositeAlarm,
    State,
    first_state,
)
from opentrail.alarms.composite import children, parse_rule
from opentrail.alarms.telling.changes import configuration_change, state_change
from opentrail.api.cloudwatch.alarm_input import composite_alarm_of, metric_alarm_of
from opentrail.api.cloudwatch.backends import CloudWatchBackends, Parameters, invalid
from opentrail.api.cloudwatch.documents import (
    Known,
    all_alarms,
    find_alarm,
    put_alarm,
    put_change,
    put_state,
)
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.wire import read_json
from opentrail.ports.state import Change

MOST_ALARMS = 5000
"""Of an account in a region, as AWS's quota."""


def put_metric_alarm(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """The alarm is made, or gets another configuration and keeps state and tags."""
    return _put(metric_alarm_of(parameters, caller), caller, backends)


def put_composite_alarm(
    parameters: Parameters, caller: Caller, backends: CloudWatchBackends
) -> Reply:
    """As `put_metric_alarm`; the alarms that the rule names must be there."""
    alarm = composite_alarm_of(parameters, caller)
    named = [*children(parse_rule(alarm.rule)), *([alarm.suppressor] if alarm.suppressor else [])]
    missing = [
        one
        for one in dict.fromkeys(named)
        if find_alarm(name_of(one, alarm), caller, backends) is None
    ]
    if missing:
        raise invalid(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm "
            "rule do not exist"
        )
    _refuse_cycle(alarm, caller, backends)
    return _put(alarm, caller, backends)


def name_of(reference: str, alarm: Alarm) -> str:
    """The name of an alarm in a rule: an ARN of the same account and region has it at its end."""
    own = alarm.arn[: -len(alarm.name)]
    return reference.removeprefix(own)


def _refuse_cycle(alarm: CompositeAlarm, caller: Caller, backends: CloudWatchBackends) -> None:
    seen: set[str] = set()
    waiting: list[CompositeAlarm] = [alarm]
    while waiting:
        one = waiting.pop()
        for child in _children(one):
            if child == alarm.name:
                raise invalid(f"The alarm rule of {alarm.name} comes back to the alarm itself.")
            if child in seen:
                continue
            seen.add(child)
            known = find_alarm(child, caller, backends)
            if known is not None and isinstance(known.alarm, CompositeAlarm):
                waiting.append(known.alarm)


def _children(alarm: CompositeAlarm) -> Iterator[str]:
    for one in children(parse_rule(alarm.rule)):
        yield name_of(one, alarm)
    if alarm.suppressor:
        yield name_of(alarm.suppressor, alarm)


def _put(alarm: Alarm, caller: Caller, backends: CloudWatchBackends) -> Reply:
    known = find_alarm(alarm.name, caller, backends)
    if known is None:
        prefix = f"{caller.account_id}/{caller.region}/"
        if len(backends.state.list(ALARM_KIND, prefix)) >= MOST_ALARMS:
            raise ApiError(
                "LimitExceededFault", f"The maximum limit of {MOST_ALARMS} alarms exceeded."
            )
        return _made(alarm)
    if type(known.alarm) is not type(alarm):
        raise invalid(f"The name {alarm.name} is that of an alarm of another type.")
    changed = msgspec.structs.replace(alarm, created=known.alarm.created, tags=known.alarm.tags)
    return Reply({}, _updated(known, changed, caller))


def _made(alarm: Alarm) -> Reply:
    state = first_state(alarm.created)
    told = configuration_change(alarm, state, operation="create", previous=None, when=alarm.created)
    return Reply({}, (put_alarm(alarm, 0), put_state(alarm, state, 0), put_change(told)))


def _updated(known: Known, alarm: Alarm, caller: Caller) -> tuple[Change, ...]:
    told = configuration_change(
        alarm, known.state, operation="update", previous=known.alarm, when=_now(caller)
    )
    return put_alarm(alarm, known.version), put_change(told)


def _now(caller: Caller) -> float:
    return round(caller.now.timestamp(), 3)


def set_alarm_state(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """The state holds until the next evaluation; its actions are told."""
    known = find_alarm(parameters["AlarmName"], caller, backends)
    if known is None:
        raise ApiError("ResourceNotFound", "", 404)
    data = parameters.get("StateReasonData", "")
    _check_data(data)
    before = known.state
    # Two changes within a millisecond keep their order.
    now = max(_now(caller), round(before.updated + 0.001, 3))
    value = State(parameters["StateValue"])
    changes = before.value is not value
    after = AlarmState(
        value=value,
        reason=parameters["StateReason"],
        reason_data=data,
        updated=now,
        transitioned=now if changes else before.transitioned,
        number=before.number + changes,
        was_set=True,
        suppressed=before.suppressed,
    )
    kept = put_state(known.alarm, after, known.state_version)
    if not changes:
        return Reply({}, (kept,))
    return Reply({}, (kept, put_change(state_change(known.alarm, before, after))))


def _check_data(data: str) -> None:
    if not data:
        return
    try:
        read_json(data.encode())
    except ApiError:
        raise ApiError("InvalidFormatFault", "StateReasonData is not valid JSON.") from None


def delete_alarms(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """All of them, or none."""
    names = list(dict.fromkeys(parameters["AlarmNames"]))
    found = {name: find_alarm(name, caller, backends) for name in names}
    missing = [name for name, known in found.items() if known is None]
    if missing:
        raise ApiError("ResourceNotFound", f"Alarms not found: {', '.join(missing)}", 404)
    _refuse_needed(set(names), caller, backends)
    changes: list[Change] = []
    for known in found.values():
        assert known is not None
        told = configuration_change(
            known.alarm, known.state, operation="delete", previous=None, when=_now(caller)
        )
        changes += [
            Change(ALARM_KIND, known.alarm.key, None, expected=known.version),
            Change(STATE_KIND, known.alarm.key, None),
            put_change(told),
        ]
    return Reply({}, tuple(changes))


def _refuse_needed(names: set[str], caller: Caller, backends: CloudWatchBackends) -> None:
    """Alarms that a composite alarm is made of stay, unless it goes, too."""
    for alarm, _ in all_alarms(caller, backends):
        if not isinstance(alarm, CompositeAlarm) or alarm.name in names:
            continue
        needed = names.intersection(_children(alarm))
        if needed:
            raise invalid(
                f"Cannot delete {min(needed)} as there are composite alarm(s) depending on it."
            )


@dataclass(frozen=True, slots=True)
class Switch:
    """EnableAlarmActions and DisableAlarmActions; names of no alarms are passed over."""

    on: bool

    def __call__(
        self, parameters: Parameters, caller: Caller, backends: CloudWatchBackends
    ) -> Reply:
        found = [
            find_alarm(name, caller, backends) for name in dict.fromkeys(parameters["AlarmNames"])
        ]
        return Reply({}, tuple(self._changes(found, caller)))

    def _changes(self, found: Sequence[Known | None], caller: Caller) -> Iterator[Change]:
        for known in found:
            if known is not None and known.alarm.actions_enabled is not self.on:
                alarm = msgspec.structs.replace(
                    known.alarm, actions_enabled=self.on, updated=_now(caller)
                )
                yield from _updated(known, alarm, caller)
