"""CreateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses, UpdateEventBus.

Source: EventBridge API reference.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.events.paging import paged
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    bus_name,
    bus_of,
    buses_of,
    find_bus,
    limit_exceeded,
    own_bus,
    rules_of,
    saved_bus,
)
from opentrail.api.events.tags import parse_tags
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.state import Change
from opentrail.rules.rule import BUS_KIND, DEFAULT_BUS, EventBus

MOST_BUSES = 100
"""Of an account in a region."""

_KEPT = ("KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")
"""Members that are shown again, and have no effect here."""


def create_event_bus(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A bus of one's own."""
    name = parameters["Name"]
    if "/" in name or parameters.get("EventSourceName"):
        raise ApiError(
            "ValidationException",
            "Event bus name must not contain '/'; there are no partner event sources here.",
        )
    if find_bus((caller.account_id, caller.region, name), backends) is not None:
        raise ApiError("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
    if len(buses_of(caller, backends)) >= MOST_BUSES:
        raise limit_exceeded()
    now = int(caller.now.timestamp())
    bus = EventBus(
        name=name,
        account_id=caller.account_id,
        region=caller.region,
        description=parameters.get("Description", ""),
        tags=parse_tags(parameters.get("Tags", ())),
        others=_kept(parameters),
        created=now,
        changed=now,
    )
    described = {"Description": bus.description} if bus.description else {}
    return Reply({"EventBusArn": bus.arn, **described, **bus.others}, (saved_bus(bus, 0),))


def delete_event_bus(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Gone; what is not there is not missed."""
    name = parameters["Name"]
    if name == DEFAULT_BUS:
        raise ApiError("ValidationException", "Cannot delete event bus default.")
    found = find_bus((caller.account_id, caller.region, name), backends)
    if found is None:
        return Reply({})
    bus, version = found
    if rules_of(bus, backends):
        raise ApiError(
            "ValidationException", f"Event bus {name} can't be deleted since it has rules."
        )
    return Reply({}, (Change(BUS_KIND, bus.key, None, expected=version),))


def describe_event_bus(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """One bus, the default one if none is named."""
    bus = bus_of({"EventBusName": parameters.get("Name")}, caller, backends)
    return Reply({**_described(bus), **bus.others})


def list_event_buses(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """The buses of the account in the region, by name."""
    prefix = parameters.get("NamePrefix", "")
    found = [bus for bus in buses_of(caller, backends) if bus.name.startswith(prefix)]
    page, more = paged(found, parameters, lambda bus: bus.name)
    return Reply({"EventBuses": [_described(bus) for bus in page], **more})


def update_event_bus(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """The members that are given, changed."""
    name = bus_name(parameters.get("Name"), caller)
    before, version = own_bus(name, caller, backends)
    bus = msgspec.structs.replace(
        before,
        description=parameters.get("Description", before.description),
        others=before.others | _kept(parameters),
        changed=int(caller.now.timestamp()),
    )
    described = {"Description": bus.description} if bus.description else {}
    return Reply(
        {"Arn": bus.arn, "Name": bus.name, **described, **bus.others}, (saved_bus(bus, version),)
    )


def _kept(parameters: Parameters) -> dict[str, Any]:
    return {name: parameters[name] for name in _KEPT if name in parameters}


def _described(bus: EventBus) -> dict[str, Any]:
    optional = {
        "Description": bus.description,
        "Policy": bus.policy,
        "CreationTime": bus.created,
        "LastModifiedTime": bus.changed,
    }
    return {
        "Name": bus.name,
        "Arn": bus.arn,
        **{name: value for name, value in optional.items() if value},
    }
