"""What Insights count and have found: ListInsightsMetricData and ListInsightsData.

Source: spec: api, sections 4 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from opentrail.api.cloudtrail.find import find_trail
from opentrail.api.cloudtrail.history import shown_event
from opentrail.api.cloudtrail.times import time_of
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.errors import InvalidInput
from opentrail.history.lookup import LookupQuery
from opentrail.history.page import After, make_token, read_token
from opentrail.insights.counts import DATA, ERROR_RATE, MANAGEMENT, SeriesKey
from opentrail.ports.events import Position, Search
from opentrail.predicate.expression import All, Operator, Test
from opentrail.trail.names import InvalidTrailName

Parameters = Mapping[str, Any]

PERIODS = {60: timedelta(days=15), 300: timedelta(days=63), 3600: timedelta(days=90)}
"""Seconds of a period, and how long figures of it are kept."""

KEPT = timedelta(days=90)

MOST_FIGURES = 21600
"""Figures in one answer."""

MOST_EVENTS = 50

_PATHS = {
    "EventId": ("eventID",),
    "EventName": ("insightDetails", "eventName"),
    "EventSource": ("insightDetails", "eventSource"),
}
_TOKEN = re.compile(r"([0-9]{1,12})-([0-9]{1,12})")


def list_insights_data(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Insights events of data events, in the caller's account and region, newest first."""
    source = parameters["InsightSource"]
    if _arn_of_trail(source, caller, backends) != source:
        raise ApiError(
            "InvalidParameterException", f"InsightSource {source!r} is not the ARN of a trail."
        )
    query = _query(parameters, caller)
    after = None
    if token := parameters.get("NextToken"):
        try:
            behind = read_token(token, query, backends.token_secret)
        except (InvalidInput, ValueError) as problem:
            raise _no_token() from problem
        after = Position(behind.event_time, behind.sequence)
        first, last = behind.start, behind.end
    else:
        first, last = query.seconds
    tests = [
        Test(("eventCategory",), Operator.EQUALS, "Insight"),
        Test(("addendum", "eventCategory"), Operator.EQUALS, DATA),
        Test(("recipientAccountId",), Operator.EQUALS, query.account_id),
        Test(("awsRegion",), Operator.EQUALS, query.region),
    ]
    if query.attribute:
        tests.append(Test(_PATHS[query.attribute], Operator.EQUALS, query.value))
    found = backends.events.search(
        Search(
            where=All(tuple(tests)), start=first, end=last + 1, after=after, limit=query.limit + 1
        )
    )
    page = found[: query.limit]
    output: dict[str, Any] = {"Events": [shown_event(one) for one in page]}
    if len(found) > query.limit:
        place = After(page[-1].position.event_time, page[-1].position.sequence, first, last)
        output["NextToken"] = make_token(place, query, backends.token_secret)
    return Reply(output)


def list_insights_metric_data(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Calls or errors of an API by period, in the caller's account and region."""
    kind = parameters["InsightType"]
    if kind == ERROR_RATE and not parameters.get("ErrorCode"):
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
    token = parameters.get("NextToken")
    times = _behind(token, period) if token else _periods(start, end, period)
    figures = _figures(parameters, caller, backends, times)
    if parameters.get("DataType") == "FillWithZeros":
        figures = _filled(figures, times)
    most = parameters.get("MaxResults", MOST_FIGURES)
    page = figures[:most]
    further = {"NextToken": f"{figures[most][0]}-{times.stop}"} if len(figures) > most else {}
    named = ("EventSource", "EventName", "InsightType", "ErrorCode")
    return Reply(
        trail
        | {name: parameters[name] for name in named if parameters.get(name)}
        | {
            "Timestamps": [time for time, _ in page],
            "Values": [float(count) for _, count in page],
        }
        | further
    )


def _figures(
    parameters: Parameters, caller: Caller, backends: Backends, times: range
) -> Sequence[tuple[int, int]]:
    """Epoch seconds and counts of the periods that have any."""
    key = SeriesKey(
        caller.account_id,
        caller.region,
        DATA if parameters.get("TrailName") else MANAGEMENT,
        parameters["EventSource"],
        parameters["EventName"],
        parameters["InsightType"],
        parameters.get("ErrorCode", "") if parameters["InsightType"] == ERROR_RATE else "",
    )
    found = backends.counts.counts(key, times.start // 60, -(-times.stop // 60), times.step // 60)
    return [(minute * 60, count) for minute, count in found if minute * 60 in times]


def _filled(figures: Sequence[tuple[int, int]], times: range) -> Sequence[tuple[int, int]]:
    known = dict(figures)
    return [(time, known.get(time, 0)) for time in times]


def _query(parameters: Parameters, caller: Caller) -> LookupQuery:
    dimensions = parameters.get("Dimensions") or {}
    if len(dimensions) > 1:
        raise ApiError("InvalidParameterException", "At most one dimension may be given.")
    attribute, value = next(iter(dimensions.items()), ("", ""))
    start, end = _range(parameters, caller.now)
    return LookupQuery(
        account_id=caller.account_id,
        region=caller.region,
        attribute=str(attribute),
        value=value,
        start=max(start, caller.now - KEPT),
        end=end,
        limit=parameters.get("MaxResults", MOST_EVENTS),
        insight=True,
    )


def _arn_of_trail(name: str, caller: Caller, backends: Backends) -> str:
    try:
        return find_trail(name, caller, backends)[0].arn
    except InvalidTrailName:
        raise
    except (ApiError, InvalidInput) as problem:
        raise ApiError("InvalidParameterException", str(problem)) from None


def _range(parameters: Parameters, now: datetime) -> tuple[datetime, datetime]:
    start = time_of(parameters, "StartTime", now - KEPT)
    end = time_of(parameters, "EndTime", now)
    if start > end:
        raise ApiError("InvalidParameterException", "StartTime is after EndTime.")
    return start, end


def _periods(start: datetime, end: datetime, period: int) -> range:
    """The beginnings of periods in [start, end), epoch seconds."""
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
