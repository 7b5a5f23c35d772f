"""EventBridge's API as a service answered here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opentrail.api.events import buses, custom, permissions, rules, tags, targets
from opentrail.api.events.stored import EventsBackends, Parameters
from opentrail.api.outcome import Caller, Reply
from opentrail.api.services import Service, bound
from opentrail.rules.rule import DEFAULT_BUS, bus_arn, rule_arn

HANDLERS: dict[str, Callable[[Parameters, Caller, EventsBackends], Reply]] = {
    "CreateEventBus": buses.create_event_bus,
    "DeleteEventBus": buses.delete_event_bus,
    "DeleteRule": rules.delete_rule,
    "DescribeEventBus": buses.describe_event_bus,
    "DescribeRule": rules.describe_rule,
    "DisableRule": rules.disable_rule,
    "EnableRule": rules.enable_rule,
    "ListEventBuses": buses.list_event_buses,
    "ListRuleNamesByTarget": targets.list_rule_names_by_target,
    "ListRules": rules.list_rules,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTargetsByRule": targets.list_targets_by_rule,
    "PutEvents": custom.put_events,
    "PutPermission": permissions.put_permission,
    "PutRule": rules.put_rule,
    "PutTargets": targets.put_targets,
    "RemovePermission": permissions.remove_permission,
    "RemoveTargets": targets.remove_targets,
    "TagResource": tags.tag_resource,
    "TestEventPattern": custom.test_event_pattern,
    "UntagResource": tags.untag_resource,
    "UpdateEventBus": buses.update_event_bus,
}

_OF_RULES = {
    "DeleteRule": "Name",
    "DescribeRule": "Name",
    "DisableRule": "Name",
    "EnableRule": "Name",
    "ListTargetsByRule": "Rule",
    "PutRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
}
"""Operations on a rule, and the member that names it."""

_OF_BUSES = {
    "CreateEventBus": "Name",
    "DeleteEventBus": "Name",
    "DescribeEventBus": "Name",
    "PutPermission": "EventBusName",
    "RemovePermission": "EventBusName",
    "UpdateEventBus": "Name",
}
MAX_BODY_BYTES = 4 * 1024 * 1024
"""The details of PutEvents are JSON within JSON, so a request is longer than its events."""

_OF_TAGS = ("ListTagsForResource", "TagResource", "UntagResource")


def events_service(backends: EventsBackends) -> Service:
    """EventBridge as a service answered here; archives, pipes and connections are not."""
    return Service(
        name="events",
        model="events",
        answers=bound(HANDLERS, backends),
        resources=resources,
        passes=_passed_roles,
        max_body_bytes=MAX_BODY_BYTES,
    )


def resources(operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:
    """The ARNs that rights are asked for; what is sent may be of any type still.

    Source: service authorization reference, "Actions, resources, and condition keys for Amazon
    EventBridge".
    """
    if operation in _OF_RULES:
        bus = _bus(parameters.get("EventBusName"), caller).rpartition("event-bus/")[2]
        name = str(parameters.get(_OF_RULES[operation], ""))
        return (rule_arn(caller.account_id, caller.region, bus, name),)
    if operation in _OF_BUSES:
        return (_bus(parameters.get(_OF_BUSES[operation]), caller),)
    if operation in _OF_TAGS:
        return (str(parameters.get("ResourceARN", "")),)
    if operation == "PutEvents":
        return _buses_of(parameters.get("Entries"), caller)
    return ("*",)


def _passed_roles(operation: str, parameters: Parameters) -> tuple[str, ...]:  # noqa: ARG001 - as Service.passes
    """The roles of a rule and of its targets."""
    targets = parameters.get("Targets")
    given = [parameters, *(targets if isinstance(targets, list) else ())]
    roles = [one.get("RoleArn") for one in given if isinstance(one, Mapping)]
    return tuple(dict.fromkeys(role for role in roles if isinstance(role, str) and role))


def _buses_of(entries: object, caller: Caller) -> tuple[str, ...]:
    if not isinstance(entries, list):
        return (_bus(None, caller),)
    names = [one.get("EventBusName") if isinstance(one, dict) else None for one in entries]
    return tuple(dict.fromkeys(_bus(name, caller) for name in names))


def _bus(given: object, caller: Caller) -> str:
    if isinstance(given, str) and given.startswith("arn:"):
        return given
    name = given if isinstance(given, str) else DEFAULT_BUS
    return bus_arn(caller.account_id, caller.region, name)
