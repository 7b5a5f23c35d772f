"""Insight selectors.

Source: spec: api, sections 4 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.destinations import check_bucket
from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.selectors import InsightSelector
from opentrail.trail.trail import Trail

Parameters = Mapping[str, Any]


def put_insight_selectors(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """What Insights look for in the trail's events; an empty list turns them off."""
    trail, version = find_at_home(_trail_name(parameters), caller, backends)
    selectors = tuple(_selector(one) for one in parameters["InsightSelectors"])
    kinds = [one.type for one in selectors]
    if len(set(kinds)) != len(kinds):
        raise _invalid("An Insight type stands in the list more than once.")
    for selector in selectors:
        _check_logged(selector, trail)
    if selectors:
        check_bucket(trail, backends)
    changed = msgspec.structs.replace(trail, insight_selectors=selectors)
    return Reply(_shown(changed), (saved(changed, version),))


def get_insight_selectors(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Without Insight selectors the answer is an error, as AWS gives it."""
    trail, _ = find_trail(_trail_name(parameters), caller, backends)
    if not trail.insight_selectors:
        raise ApiError(
            "InsightNotEnabledException",
            f"Trail {trail.arn} does not have Insights enabled. Edit the trail settings to enable "
            "Insights, and then try the operation again.",
        )
    return Reply(_shown(trail))


def _trail_name(parameters: Parameters) -> str:
    name = parameters.get("TrailName")
    stores = [one for one in ("EventDataStore", "InsightsDestination") if parameters.get(one)]
    if name and not stores:
        return str(name)
    if name or not stores:
        raise ApiError(
            "InvalidParameterCombinationException",
            "Either TrailName or EventDataStore must be given, not both.",
        )
    raise ApiError(
        "UnsupportedOperationException",
        f"{stores[0]}: OpenTrail has no event data stores yet; give TrailName.",
    )


def _selector(values: Mapping[str, Any]) -> InsightSelector:
    if not values.get("InsightType"):
        raise _invalid("An Insight selector has no InsightType.")
    categories = tuple(values.get("EventCategories") or ("Management",))
    return InsightSelector(values["InsightType"], tuple(dict.fromkeys(categories)))


def _check_logged(selector: InsightSelector, trail: Trail) -> None:
    if "Data" in selector.categories and not logs_data(trail):
        raise _invalid(f"{selector.type} of data events needs a trail that logs data events.")
    if "Management" not in selector.categories:
        return
    writes_only = selector.type == "ApiCallRateInsight"
    if not _logs_management(trail, writes_only=writes_only):
        wanted = "write management events" if writes_only else "management events"
        raise _invalid(f"{selector.type} needs a trail that logs {wanted}.")


def logs_data(trail: Trail) -> bool:
    """Whether the trail takes any data events."""
    return any(one.data_resources for one in trail.event_selectors) or any(
        field.field == "eventCategory" and "Data" in field.equals
        for one in trail.advanced_event_selectors
        for field in one.field_selectors
    )


def _logs_management(trail: Trail, *, writes_only: bool) -> bool:
    basic = any(
        one.include_management_events and not (writes_only and one.read_write_type == "ReadOnly")
        for one in trail.event_selectors
    )
    for selector in trail.advanced_event_selectors:
        fields = {one.field: one.equals for one in selector.field_selectors}
        reads_only = fields.get("readOnly") == ("true",)
        if "Management" in fields.get("eventCategory", ()) and not (writes_only and reads_only):
            return True
    return basic


def _shown(trail: Trail) -> dict[str, Any]:
    return {
        "TrailARN": trail.arn,
        "InsightSelectors": [
            {"InsightType": one.type, "EventCategories": list(one.categories)}
            for one in trail.insight_selectors
        ],
    }


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidInsightSelectorsException", message)
