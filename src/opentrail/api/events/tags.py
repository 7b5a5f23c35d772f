"""TagResource, UntagResource, ListTagsForResource, on rules and event buses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    bus_of,
    invalid_arn,
    own_bus,
    rule_of,
    saved_bus,
    turned,
)
from opentrail.api.outcome import Caller, Reply
from opentrail.arn import Arn
from opentrail.errors import InvalidArn
from opentrail.ports.state import Change
from opentrail.rules.rule import DEFAULT_BUS

Tags = tuple[tuple[str, str], ...]

MOST_TAGS = 50
"""Of a rule or bus."""


def tag_resource(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Tags added; one of the same key is replaced."""
    added = dict(parse_tags(parameters["Tags"]))
    return Reply({}, _changed(parameters, caller, backends, lambda tags: tags | added))


def untag_resource(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Tags removed by key; absent ones are passed over."""
    gone = set(parameters["TagKeys"])
    return Reply(
        {},
        _changed(
            parameters,
            caller,
            backends,
            lambda tags: {key: value for key, value in tags.items() if key not in gone},
        ),
    )


def list_tags_for_resource(
    parameters: Parameters, caller: Caller, backends: EventsBackends
) -> Reply:
    """The tags of a rule or bus."""
    bus, rule = _named(parameters["ResourceARN"], caller)
    if rule:
        tags = rule_of(rule, bus_of({"EventBusName": bus}, caller, backends), backends).rule.tags
    else:
        tags = bus_of({"EventBusName": bus}, caller, backends).tags
    return Reply({"Tags": [{"Key": key, "Value": value} for key, value in tags]})


def parse_tags(tags: Sequence[Mapping[str, Any]]) -> Tags:
    """Tags of a request, in the order of their keys.

    Raises:
        ApiError: ValidationException: a key twice, or one of AWS's own, or too many.
    """
    keys = [str(tag["Key"]) for tag in tags]
    if len(set(keys)) != len(keys):
        raise ApiError("ValidationException", "A tag key is given twice.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise ApiError("ValidationException", "Tag keys must not start with aws:.")
    _check_count(keys)
    return tuple(sorted((str(tag["Key"]), str(tag["Value"])) for tag in tags))


def _check_count(tags: Sequence[object]) -> None:
    if len(tags) > MOST_TAGS:
        raise ApiError("ValidationException", f"{len(tags)} tags; {MOST_TAGS} are allowed.")


def _changed(
    parameters: Parameters,
    caller: Caller,
    backends: EventsBackends,
    change: Callable[[dict[str, str]], dict[str, str]],
) -> tuple[Change, ...]:
    name, rule_name = _named(parameters["ResourceARN"], caller)
    bus, version = own_bus(name, caller, backends)
    if not rule_name:
        return (saved_bus(msgspec.structs.replace(bus, tags=_sorted(bus.tags, change)), version),)
    stored = rule_of(rule_name, bus, backends)
    rule = msgspec.structs.replace(stored.rule, tags=_sorted(stored.rule.tags, change))
    return turned(rule.key, rule, stored.history, stored.version, backends)


def _sorted(tags: Tags, change: Callable[[dict[str, str]], dict[str, str]]) -> Tags:
    changed = tuple(sorted(change(dict(tags)).items()))
    _check_count(changed)
    return changed


def _named(text: str, caller: Caller) -> tuple[str, str]:
    """The bus that an ARN is of, and the rule, "" for the bus itself."""
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        raise invalid_arn(text) from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "events" or kind not in ("rule", "event-bus") or not name:
        raise invalid_arn(text)
    if (arn.account, arn.region) != (caller.account_id, caller.region):
        raise ApiError("ResourceNotFoundException", f"{text[:200]} does not exist.")
    if kind == "event-bus":
        return name, ""
    bus, _, rule = name.rpartition("/")
    return bus or DEFAULT_BUS, rule
