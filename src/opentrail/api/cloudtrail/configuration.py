"""PutEventConfiguration and GetEventConfiguration of trails: aggregated events.

Source: spec: api, section 5; record contents, section 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.cloudtrail.insights import logs_data
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.trail.trail import Trail

Parameters = Mapping[str, Any]


def put_event_configuration(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Which aggregated events the trail has; an empty list turns them off."""
    trail, version = find_at_home(_trail_name(parameters), caller, backends)
    for name in ("MaxEventSize", "ContextKeySelectors"):
        if parameters.get(name):
            raise ApiError(
                "InvalidParameterCombinationException",
                f"{name} belongs to event data stores; a trail has AggregationConfigurations.",
            )
    wanted = parameters.get("AggregationConfigurations")
    if wanted is None:
        raise ApiError("InvalidParameterException", "AggregationConfigurations is not given.")
    templates = tuple(dict.fromkeys(wanted[0]["Templates"])) if wanted else ()
    if templates and not logs_data(trail):
        raise ApiError(
            "InvalidParameterException",
            "Aggregated events of data events need a trail that logs data events.",
        )
    changed = msgspec.structs.replace(trail, aggregation_templates=templates)
    return Reply(_shown(changed), (saved(changed, version),))


def get_event_configuration(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Which aggregated events the trail has."""
    trail, _ = find_trail(_trail_name(parameters), caller, backends)
    return Reply(_shown(trail))


def _shown(trail: Trail) -> dict[str, Any]:
    templates = list(trail.aggregation_templates)
    return {
        "TrailARN": trail.arn,
        "AggregationConfigurations": (
            [{"Templates": templates, "EventCategory": "Data"}] if templates else []
        ),
    }


def _trail_name(parameters: Parameters) -> str:
    name, store = parameters.get("TrailName"), parameters.get("EventDataStore")
    if bool(name) == bool(store):
        raise ApiError(
            "InvalidParameterCombinationException",
            "Either TrailName or EventDataStore must be given, not both.",
        )
    if store:
        raise ApiError(
            "EventDataStoreNotFoundException",
            f"Event data store {store} does not exist; OpenTrail has none yet.",
        )
    return str(name)
