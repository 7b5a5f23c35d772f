"""PutRule, DeleteRule, DescribeRule, ListRules, EnableRule, DisableRule.

Source: EventBridge API reference; the messages are those that AWS gave (lang: EventBridge 3).
"""

from __future__ import annotations

from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.events.paging import paged
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    bus_of,
    history_of,
    limit_exceeded,
    rule_of,
    rules_of,
    turned,
)
from opentrail.api.events.tags import parse_tags
from opentrail.api.outcome import Caller, Reply
from opentrail.rules.pattern import parse_pattern
from opentrail.rules.reader import InvalidEventPattern
from opentrail.rules.rule import DEFAULT_BUS, Rule, RuleState
from opentrail.rules.schedule import InvalidSchedule, parse_schedule


def put_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A rule made, or all of it but its tags and targets replaced."""
    bus = bus_of(parameters, caller, backends)
    pattern = parameters.get("EventPattern", "")
    schedule = parameters.get("ScheduleExpression", "")
    _check(pattern, schedule, bus.name)
    name = parameters["Name"]
    history, version = history_of(name, bus, backends)
    before = history.current if history is not None else None
    if before is None and len(rules_of(bus, backends)) >= backends.quotas.rules_per_event_bus:
        raise limit_exceeded()
    rule = Rule(
        name=name,
        account_id=bus.account_id,
        region=bus.region,
        bus=bus.name,
        pattern=pattern,
        schedule=schedule,
        state=RuleState(parameters.get("State", RuleState.ENABLED)),
        description=parameters.get("Description", ""),
        role_arn=parameters.get("RoleArn", ""),
        tags=before.tags if before else parse_tags(parameters.get("Tags", ())),
        targets=before.targets if before else (),
    )
    rule = _set_going(rule, before, caller)
    return Reply({"RuleArn": rule.arn}, turned(rule.key, rule, history, version, backends))


def delete_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Gone; what is not there is not missed."""
    bus = bus_of(parameters, caller, backends)
    history, version = history_of(parameters["Name"], bus, backends)
    rule = history.current if history is not None else None
    if rule is None:
        return Reply({})
    if rule.targets:
        raise ApiError("ValidationException", "Rule can't be deleted since it has targets.")
    return Reply({}, turned(rule.key, None, history, version, backends))


def describe_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """One rule."""
    bus = bus_of(parameters, caller, backends)
    rule = rule_of(parameters["Name"], bus, backends).rule
    return Reply({**_described(rule), "CreatedBy": rule.account_id})


def list_rules(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """The rules of a bus, by name."""
    bus = bus_of(parameters, caller, backends)
    prefix = parameters.get("NamePrefix", "")
    found = [rule for rule in rules_of(bus, backends) if rule.name.startswith(prefix)]
    page, more = paged(found, parameters, lambda rule: rule.name)
    return Reply({"Rules": [_described(rule) for rule in page], **more})


def enable_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A rule that takes events."""
    return _with_state(parameters, RuleState.ENABLED, caller, backends)


def disable_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A rule that takes none."""
    return _with_state(parameters, RuleState.DISABLED, caller, backends)


def _with_state(
    parameters: Parameters, state: RuleState, caller: Caller, backends: EventsBackends
) -> Reply:
    bus = bus_of(parameters, caller, backends)
    stored = rule_of(parameters["Name"], bus, backends)
    rule = _set_going(msgspec.structs.replace(stored.rule, state=state), stored.rule, caller)
    return Reply({}, turned(rule.key, rule, stored.history, stored.version, backends))


def _set_going(rule: Rule, before: Rule | None, caller: Caller) -> Rule:
    """With the time from which its schedule counts: that of a change, unless it goes on."""
    goes_on = (
        before is not None
        and before.schedule == rule.schedule
        and before.state is not RuleState.DISABLED
    )
    since = before.since if before is not None and goes_on else int(caller.now.timestamp())
    return msgspec.structs.replace(rule, since=since)


def _check(pattern: str, schedule: str, bus: str) -> None:
    if not pattern and not schedule:
        raise ApiError(
            "ValidationException",
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        )
    if schedule and bus != DEFAULT_BUS:
        raise ApiError(
            "ValidationException",
            "ScheduleExpression is supported only on the default event bus.",
        )
    try:
        if schedule:
            parse_schedule(schedule)
        if pattern:
            parse_pattern(pattern)
    except InvalidSchedule:
        raise ApiError(
            "ValidationException", "Parameter ScheduleExpression is not valid."
        ) from None
    except InvalidEventPattern as problem:
        raise invalid_pattern(problem) from None


def invalid_pattern(problem: InvalidEventPattern) -> ApiError:
    """The error for what is no event pattern."""
    return ApiError(
        "InvalidEventPatternException", f"Event pattern is not valid. Reason: {problem}"
    )


def _described(rule: Rule) -> dict[str, Any]:
    optional = {
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
    }
    return {
        "Name": rule.name,
        "Arn": rule.arn,
        "State": str(rule.state),
        "EventBusName": rule.bus,
        **{name: value for name, value in optional.items() if value},
    }
