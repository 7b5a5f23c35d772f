"""GetMetricStatistics and GetMetricData. Source: CloudWatch API reference; vectors alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentrail.alarms.alarm import MetricQuery, MetricStat
from opentrail.alarms.datapoint import Bucket
from opentrail.alarms.metric_math import Environment, InvalidExpression, Line, evaluated
from opentrail.alarms.statistics import PLAIN, statistic
from opentrail.api.cloudwatch.backends import (
    CloudWatchBackends,
    Parameters,
    invalid,
    no_token,
    read_token,
    token_of,
    wrong_combination,
    wrong_value,
)
from opentrail.api.cloudwatch.metric_input import (
    check_statistic,
    dimensions_of,
    is_period,
    queries_of,
    time_of,
)
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.metrics.queries import MetricReader

MOST_DATAPOINTS = 1440
"""Of GetMetricStatistics."""
MOST_IN_PAGE = 100_800
"""Datapoints in an answer of GetMetricData."""
MOST_QUERIES = 500
MOST_PERIODS = 2_000_000
"""Periods that one call of GetMetricData may look at: ours, AWS gives such an answer in pages."""
_DAY = 86_400
_TOO_MANY = (
    "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the "
    "datapoints requested by increasing Period, or decreasing the time range."
)


def get_metric_statistics(
    parameters: Parameters, caller: Caller, backends: CloudWatchBackends
) -> Reply:
    """Statistics of the periods that hold datapoints, each unit for itself."""
    times = _asked_times(parameters, caller)
    plain = tuple(parameters.get("Statistics", ()))
    extended = tuple(parameters.get("ExtendedStatistics", ()))
    if not plain and not extended:
        raise wrong_combination("Must specify either Statistics or ExtendedStatistics")
    for name in extended:
        check_statistic(name, "ExtendedStatistics")
    stat = MetricStat(
        namespace=parameters["Namespace"],
        name=parameters["MetricName"],
        dimensions=dimensions_of(parameters.get("Dimensions", ())),
        period=parameters["Period"],
        stat="Sum",
    )
    found = backends.metrics.read(
        stat.series(caller.account_id, caller.region),
        times.start,
        times.stop,
        times.step,
        unit=parameters.get("Unit"),
    )
    shown = [_shown(one, plain, extended) for one in found]
    return Reply({"Label": parameters["MetricName"], "Datapoints": shown})


def _asked_times(parameters: Parameters, caller: Caller) -> range:
    period = parameters["Period"]
    start, end = (time_of(parameters, name) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise wrong_value("The parameter StartTime must be less than the parameter EndTime.")
    if not is_period(period):
        raise wrong_value(
            f"The parameter Period has the value {period}; 1, 5, 10, 20, 30 and multiples of 60 "
            "are allowed."
        )
    asked = int((end - start) // period)
    if asked > MOST_DATAPOINTS:
        raise wrong_combination(_TOO_MANY.format(asked, MOST_DATAPOINTS))
    return range(rounded_start(start, period, caller.now.timestamp()), _end(end), period)


def _end(end: float) -> int:
    return int(end) + (end > int(end))


def rounded_start(start: float, period: int, now: float) -> int:
    """Where the first period begins: the older it is, the coarser datapoints are kept."""
    age = now - start
    width = 3600 if age > 63 * _DAY else 300 if age > 15 * _DAY else min(period, 60)
    return int(start) // width * width


def _shown(bucket: Bucket, plain: Sequence[str], extended: Sequence[str]) -> Mapping[str, Any]:
    told: dict[str, Any] = {"Timestamp": bucket.time, "Unit": bucket.unit}
    told |= {name: PLAIN[name](bucket) for name in plain}
    values = {name: statistic(name)(bucket) for name in extended}
    known = {name: value for name, value in values.items() if value is not None}
    return told | ({"ExtendedStatistics": known} if known else {})


def get_metric_data(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Metrics and expressions over them, in pages of some stretch of time each."""
    given = parameters["MetricDataQueries"]
    if not given:
        raise invalid("The parameter MetricDataQueries must not be empty.")
    if len(given) > MOST_QUERIES:
        raise invalid(
            f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
        )
    queries = queries_of(given, caller.account_id)
    asked = _ask(parameters, queries, caller)
    lines = _lines(queries, asked, caller, backends.reader)
    page = _page(parameters, len(lines), asked)
    descending = parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = [
        _result(query, label, _between(line, page, descending=descending))
        for query, label, line in lines
    ]
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    rest = page.start > asked.start if descending else page.stop < asked.stop
    if rest:
        answer["NextToken"] = token_of(page.start if descending else page.stop)
    return Reply(answer)


def _ask(parameters: Parameters, queries: Sequence[MetricQuery], caller: Caller) -> range:
    """When the periods begin; the step is that of expressions."""
    start, end = (time_of(parameters, name) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    periods = [query.stat.period for query in queries if query.stat is not None]
    own = [query.period for query in queries if query.stat is None and query.period is not None]
    step = max(periods or own, default=60)
    expressions = len(queries) - len(periods)
    looked_at = sum((end - start) / one for one in (*periods, *[step] * expressions))
    if looked_at > MOST_PERIODS:
        raise invalid(_TOO_MANY.format(int(looked_at), MOST_PERIODS))
    shortest = min(periods, default=step)
    first = rounded_start(start, shortest, caller.now.timestamp())
    return range(first, _end(end), step)


_Lines = list[tuple[MetricQuery, str, Line]]


def _lines(
    queries: Sequence[MetricQuery], asked: range, caller: Caller, reader: MetricReader
) -> _Lines:
    """The lines to show, each with its query and label."""
    environment = reader.environment(caller.account_id, caller.region, queries, asked)
    found: _Lines = []
    for query in queries:
        if query.return_data is False:
            # A mistake is told though it is not shown.
            _evaluated(query, environment)
            continue
        for line in _evaluated(query, environment):
            found.append((query, query.label or _label(query, line), line))
    return found


def _evaluated(query: MetricQuery, environment: Environment) -> tuple[Line, ...]:
    if query.stat is not None:
        return (environment.metrics[query.id],)
    try:
        return evaluated(environment, query.id)
    except InvalidExpression as problem:
        raise invalid(f"Error in expression '{query.id}': {problem}") from None


def _label(query: MetricQuery, line: Line) -> str:
    return query.stat.name if query.stat is not None else line.label or query.id


def _page(parameters: Parameters, lines: int, asked: range) -> range:
    """The stretch of time of this page, so that the datapoints fit in."""
    most = parameters.get("MaxDatapoints") or MOST_IN_PAGE
    if not 0 < most <= MOST_IN_PAGE:
        raise invalid(f"MaxDatapoints is {most}; 1 to {MOST_IN_PAGE} are allowed.")
    length = max(most // max(lines, 1), 1) * _shortest(parameters, asked)
    place = read_token(parameters.get("NextToken"))
    if parameters.get("ScanBy") == "TimestampAscending":
        start = asked.start if place is None else _moment(place, asked)
        return range(start, min(start + length, asked.stop))
    stop = asked.stop if place is None else _moment(place, asked)
    return range(max(stop - length, asked.start), stop)


def _shortest(parameters: Parameters, asked: range) -> int:
    periods = [
        one["MetricStat"]["Period"]
        for one in parameters["MetricDataQueries"]
        if "MetricStat" in one
    ]
    return min(periods, default=asked.step)


def _moment(place: tuple[Any, ...], asked: range) -> int:
    if len(place) != 1 or type(place[0]) is not int or not asked.start <= place[0] <= asked.stop:
        raise no_token()
    return place[0]


@dataclass(frozen=True, slots=True)
class _Part:
    times: list[int]
    values: list[float]


def _between(line: Line, page: range, *, descending: bool) -> _Part:
    times = sorted(
        (time for time in line.points if page.start <= time < page.stop), reverse=descending
    )
    return _Part(times, [line.points[time] for time in times])


def _result(query: MetricQuery, label: str, part: _Part) -> Mapping[str, Any]:
    return {
        "Id": query.id,
        "Label": label,
        "Timestamps": part.times,
        "Values": part.values,
        "StatusCode": "Complete",
    }
