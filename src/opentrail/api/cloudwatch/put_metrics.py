"""PutMetricData and ListMetrics. Source: CloudWatch API reference; vectors alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from opentrail.alarms.datapoint import MAX_COUNT, MAX_NUMBER, Datapoint, Values
from opentrail.api.cloudwatch.backends import (
    CloudWatchBackends,
    Parameters,
    no_token,
    read_token,
    token_of,
    wrong_combination,
    wrong_value,
)
from opentrail.api.cloudwatch.metric_input import dimensions_of, told_dimensions
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.metrics import Series, SeriesQuery

MOST_METRICS = 1000
"""In one call."""
MOST_VALUES = 150
"""Different values of one datum."""
_OLDEST = 14 * 86_400
_NEWEST = 2 * 3600
_PAGE = 500
_LISTED = 14 * 86_400
"""Metrics without a datapoint for so long are not listed."""
_ACTIVE = 3 * 3600
_RESERVED = "AWS/"


def put_metric_data(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Datapoints are kept before the answer; entities are not told apart."""
    namespace = parameters["Namespace"]
    if namespace.startswith(_RESERVED):
        raise wrong_value(f"The value {_RESERVED} for parameter Namespace is invalid.")
    given = [("MetricData", one) for one in parameters.get("MetricData", ())]
    for number, entity in enumerate(parameters.get("EntityMetricData", ()), 1):
        where = f"EntityMetricData.member.{number}.MetricData"
        given += [(where, one) for one in entity.get("MetricData", ())]
    if not given:
        raise ApiError("MissingRequiredParameterException", "The parameter MetricData is required.")
    if len(given) > MOST_METRICS:
        raise wrong_value(
            f"The collection MetricData must not have a size greater than {MOST_METRICS}."
        )
    points: list[Datapoint] = []
    for number, (where, one) in enumerate(given, 1):
        points.append(_point(one, f"{where}.member.{number}", namespace, caller))
    backends.metrics.put(points)
    return Reply({})


def _point(datum: Mapping[str, Any], where: str, namespace: str, caller: Caller) -> Datapoint:
    _check_alone(datum, where)
    count, total, minimum, maximum, values = _statistics(datum, where)
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise wrong_value(
            f"The value {resolution} for parameter {where}.StorageResolution is invalid."
        )
    return Datapoint(
        account_id=caller.account_id,
        region=caller.region,
        namespace=namespace,
        name=datum["MetricName"],
        dimensions=dimensions_of(datum.get("Dimensions", ())),
        time=_time(datum.get("Timestamp"), where, caller.now.timestamp()),
        unit=datum.get("Unit", "None"),
        count=count,
        sum=total,
        minimum=minimum,
        maximum=maximum,
        values=values,
        high_resolution=resolution == 1,
    )


def _check_alone(datum: Mapping[str, Any], where: str) -> None:
    """One of Value, Values and StatisticValues is given."""
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if not given:
        raise ApiError(
            "MissingRequiredParameterException", f"The parameter {where}.Value is required."
        )
    if len(given) > 1:
        raise wrong_combination(
            f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive and "
            "you have specified both."
        )


_Statistics = tuple[float, float, float, float, Values]


def _statistics(datum: Mapping[str, Any], where: str) -> _Statistics:
    if "Value" in datum:
        value = _number(datum["Value"], f"{where}.Value")
        return 1.0, value, value, value, ((value, 1.0),)
    if "StatisticValues" in datum:
        return _set(datum["StatisticValues"], f"{where}.StatisticValues")
    return _many(datum, where)


def _set(given: Mapping[str, float], where: str) -> _Statistics:
    count = _count(given["SampleCount"], f"{where}.SampleCount")
    minimum = _number(given["Minimum"], f"{where}.Minimum")
    maximum = _number(given["Maximum"], f"{where}.Maximum")
    total = float(given["Sum"])
    if not isfinite(total) or abs(total) > MAX_NUMBER * MAX_COUNT:
        raise _no_value(total, f"{where}.Sum")
    if minimum > maximum:
        raise wrong_value(f"The parameter {where}.Maximum must be greater than {where}.Minimum.")
    # Only then percentiles can be told of a set.
    same = minimum == maximum
    return count, total, minimum, maximum, ((minimum, count),) if same else ()


def _many(datum: Mapping[str, Any], where: str) -> _Statistics:
    values = [
        _number(one, f"{where}.Values.member.{at}") for at, one in enumerate(datum["Values"], 1)
    ]
    counts = datum.get("Counts")
    if counts is not None and len(counts) != len(values):
        raise wrong_value(
            f"The parameters {where}.Values and {where}.Counts must be of the same size."
        )
    if not values:
        raise ApiError(
            "MissingRequiredParameterException", f"The parameter {where}.Values is required."
        )
    if len(values) > MOST_VALUES:
        raise wrong_value(
            f"The collection {where}.Values must not have a size greater than {MOST_VALUES}."
        )
    counted: dict[float, float] = {}
    for at, value in enumerate(values):
        count = 1.0 if counts is None else _count(counts[at], f"{where}.Counts.member.{at + 1}")
        counted[value] = counted.get(value, 0.0) + count
    total = sum(value * count for value, count in counted.items())
    return (
        sum(counted.values()), total, min(counted), max(counted), tuple(sorted(counted.items())),
    )  # fmt: skip


def _number(value: float, where: str) -> float:
    if not isfinite(value) or abs(value) > MAX_NUMBER:
        raise _no_value(value, where)
    return float(value)


def _count(value: float, where: str) -> float:
    # A thousand of the greatest are no more than can be added up.
    if not 0 < value <= MAX_COUNT / MOST_VALUES:
        raise _no_value(value, where)
    return float(value)


def _no_value(value: float, where: str) -> ApiError:
    return wrong_value(f"The value {value} for parameter {where} is invalid.")


def _time(given: float | None, where: str, now: float) -> int:
    if given is None:
        return int(now)
    if given > now + _NEWEST:
        raise wrong_value(
            f"The parameter {where}.Timestamp must specify a time no more than two hours in the "
            "future."
        )
    if given < now - _OLDEST:
        raise wrong_value(
            f"The parameter {where}.Timestamp must specify a time within the past two weeks."
        )
    return int(given)


def list_metrics(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Metrics with datapoints of the past two weeks, a page at a time."""
    other = parameters.get("OwningAccount", caller.account_id) != caller.account_id
    if other or parameters.get("IncludeLinkedAccounts"):
        raise wrong_value("Metrics of other accounts are not done by OpenTrail.")
    age = _ACTIVE if parameters.get("RecentlyActive") else _LISTED
    query = SeriesQuery(
        account_id=caller.account_id,
        region=caller.region,
        namespace=parameters.get("Namespace"),
        name=parameters.get("MetricName"),
        dimensions=tuple(
            (one["Name"], one.get("Value")) for one in parameters.get("Dimensions", ())
        ),
        active_since=int(caller.now.timestamp()) - age,
        after=_last(caller, parameters.get("NextToken")),
        limit=_PAGE + 1,
    )
    found = backends.metrics.series(query)
    shown = list(_listed(found[:_PAGE]))
    if len(found) <= _PAGE:
        return Reply({"Metrics": shown})
    last = found[_PAGE - 1]
    names = (part for pair in last.dimensions for part in pair)
    return Reply({"Metrics": shown, "NextToken": token_of(last.namespace, last.name, *names)})


def _listed(series: tuple[Series, ...]) -> Iterator[dict[str, Any]]:
    for one in series:
        yield {
            "Namespace": one.namespace,
            "MetricName": one.name,
            "Dimensions": told_dimensions(one.dimensions),
        }


def _last(caller: Caller, token: str | None) -> Series | None:
    """The last metric of the page before, None for the first page."""
    place = read_token(token)
    if place is None:
        return None
    if len(place) < 2 or len(place) % 2 or not all(isinstance(part, str) for part in place):
        raise no_token()
    dimensions = tuple(zip(place[2::2], place[3::2], strict=True))
    return Series(caller.account_id, caller.region, place[0], place[1], dimensions)
