"""Insight selectors, and what Insights have found: nothing yet, but told as AWS tells nothing.

Source: spec: api, sections 4 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from opentrail.api.cloudtrail.destinations import check_bucket
from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.cloudtrail.times import time_of
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.errors import InvalidInput
from opentrail.selectors import InsightSelector
from opentrail.trail.names import InvalidTrailArn
from opentrail.trail.trail import Trail

Parameters = Mapping[str, Any]

PERIODS = {60: timedelta(days=15), 300: timedelta(days=63), 3600: timedelta(days=90)}
"""Seconds of a period, and how long figures of it are kept."""

KEPT = timedelta(days=90)

MOST_FIGURES = 21600
"""Figures in one answer."""

_TOKEN = re.compile(r"([0-9]{1,12})-([0-9]{1,12})")


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


def list_insights_data(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Insights events of a trail's data events: none, since none are found yet."""
    source = parameters["InsightSource"]
    try:
        trail, _ = find_trail(source, caller, backends)
    except (ApiError, InvalidInput) as problem:
        raise ApiError("InvalidParameterException", str(problem)) from None
    if source != trail.arn:
        raise ApiError(
            "InvalidParameterException", f"InsightSource {source!r} is not the ARN of a trail."
        )
    _range(parameters, caller.now)
    _no_further_page(parameters)
    return Reply({"Events": []})


def list_insights_metric_data(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Counts of calls or errors by period: none, since none are counted yet."""
    kind = parameters["InsightType"]
    if kind == "ApiErrorRateInsight" and not parameters.get("ErrorCode"):
        raise ApiError("InvalidParameterException", "ApiErrorRateInsight needs an ErrorCode.")
    period = parameters.get("Period", 3600)
    if period not in PERIODS:
        raise ApiError(
            "InvalidParameterException", f"Period is {period}; allowed are 60, 300 and 3600."
        )
    trail: dict[str, Any] = {}
    if parameters.get("TrailName"):
        trail = {"TrailARN": _arn_of_trail(parameters["TrailName"], caller, backends)}
    start, end = _range(parameters, caller.now)
    start, end = max(start, caller.now - PERIODS[period]), min(end, caller.now)
    filled = parameters.get("DataType") == "FillWithZeros"
    token = parameters.get("NextToken")
    times = _behind(token, period) if token else _filled(start, end, period) if filled else range(0)
    most = parameters.get("MaxResults", MOST_FIGURES)
    page = times[:most]
    further = {"NextToken": f"{times[most]}-{times.stop}"} if len(times) > most else {}
    named = ("EventSource", "EventName", "InsightType", "ErrorCode")
    return Reply(
        trail
        | {name: parameters[name] for name in named if parameters.get(name)}
        | {"Timestamps": list(page), "Values": [0.0] * len(page)}
        | further
    )


def _arn_of_trail(name: str, caller: Caller, backends: Backends) -> str:
    try:
        return find_trail(name, caller, backends)[0].arn
    except (ApiError, InvalidTrailArn) as problem:
        raise ApiError("InvalidParameterException", str(problem)) from None


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


def _range(parameters: Parameters, now: datetime) -> tuple[datetime, datetime]:
    start = time_of(parameters, "StartTime", now - KEPT)
    end = time_of(parameters, "EndTime", now)
    if start > end:
        raise ApiError("InvalidParameterException", "StartTime is after EndTime.")
    return start, end


def _filled(start: datetime, end: datetime, period: int) -> range:
    first = -(-int(start.timestamp()) // period) * period
    return range(first, int(end.timestamp()), period)


def _behind(token: str, period: int) -> range:
    """The times of the pages behind one: a token holds the next time and the end of all."""
    found = _TOKEN.fullmatch(token)
    if found is None or int(found[1]) % period:
        raise _no_token()
    times = range(int(found[1]), int(found[2]), period)
    if not 0 < len(times) <= MOST_FIGURES:
        raise _no_token()
    return times


def _no_token() -> ApiError:
    return ApiError("InvalidParameterException", "NextToken is not one of an earlier answer.")


def _no_further_page(parameters: Parameters) -> None:
    if parameters.get("NextToken"):
        raise _no_token()


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidInsightSelectorsException", message)
