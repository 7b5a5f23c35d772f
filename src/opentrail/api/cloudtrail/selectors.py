"""PutEventSelectors, GetEventSelectors. Source: spec: api, section 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.selectors import (
    SelectorLimits,
    parse_advanced,
    parse_basic,
    show_advanced,
    show_basic,
)
from opentrail.trail.trail import Trail

Parameters = Mapping[str, Any]


def put_event_selectors(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The trail's selectors replaced, by basic or by advanced ones."""
    trail, version = find_at_home(parameters["TrailName"], caller, backends)
    basic = parameters.get("EventSelectors")
    advanced = parameters.get("AdvancedEventSelectors")
    if (basic is None) == (advanced is None):
        raise ApiError(
            "InvalidEventSelectorsException",
            "Exactly one of EventSelectors and AdvancedEventSelectors must be given.",
        )
    quotas = backends.quotas
    limits = SelectorLimits(quotas.event_selectors, quotas.data_resources, quotas.selector_values)
    changed = msgspec.structs.replace(
        trail,
        event_selectors=() if basic is None else parse_basic(basic, limits),
        advanced_event_selectors=() if advanced is None else parse_advanced(advanced, limits),
    )
    return Reply(_shown(changed), (saved(changed, version),))


def get_event_selectors(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Whichever kind of selectors the trail has."""
    trail, _ = find_trail(parameters["TrailName"], caller, backends)
    return Reply(_shown(trail))


def _shown(trail: Trail) -> dict[str, Any]:
    if trail.advanced_event_selectors:
        return {
            "TrailARN": trail.arn,
            "AdvancedEventSelectors": [
                show_advanced(one) for one in trail.advanced_event_selectors
            ],
        }
    return {"TrailARN": trail.arn, "EventSelectors": [show_basic(x) for x in trail.event_selectors]}
