"""Metrics, dimensions and queries of requests as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentrail.alarms.alarm import MetricQuery, MetricStat
from opentrail.alarms.datapoint import Dimensions
from opentrail.alarms.statistics import InvalidStatistic, statistic
from opentrail.api.cloudwatch.backends import invalid, wrong_value

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_YEAR_10000 = 253_402_300_800
_PERIODS = (1, 5, 10, 20, 30)


def dimensions_of(given: Iterable[Mapping[str, str]]) -> Dimensions:
    """Dimensions as they are kept: ordered by name, the last of a name."""
    return tuple(sorted({one["Name"]: one["Value"] for one in given}.items()))


def told_dimensions(dimensions: Dimensions) -> list[dict[str, str]]:
    """The opposite of `dimensions_of`."""
    return [{"Name": name, "Value": value} for name, value in dimensions]


def is_period(period: int) -> bool:
    """Whether datapoints can be asked for with it."""
    return period in _PERIODS or period % 60 == 0


def time_of(parameters: Mapping[str, Any], name: str) -> float:
    """A time of a request, epoch seconds.

    Raises:
        ApiError: it is before 1970 or after the year 9999.
    """
    time = float(parameters[name])
    if not 0 <= time < _YEAR_10000:
        raise wrong_value(f"The value {time} for parameter {name} is invalid.")
    return time


def queries_of(given: Sequence[Mapping[str, Any]], account_id: str) -> tuple[MetricQuery, ...]:
    """MetricDataQueries.

    Raises:
        ApiError: an id that is none or comes twice, a query with neither metric nor expression or
            with both, a statistic that is none, or another account's metric.
    """
    found: dict[str, MetricQuery] = {}
    for number, one in enumerate(given, 1):
        where = f"MetricDataQueries.member.{number}"
        name = one["Id"]
        if not _ID.fullmatch(name):
            raise invalid(
                f'The value "{name}" for parameter {where}.Id is not matching the expected pattern '
                "^[a-z][a-zA-Z0-9_]*$."
            )
        if name in found:
            raise invalid(f'The id "{name}" of {where} stands in another query, too.')
        if ("MetricStat" in one) == ("Expression" in one):
            raise invalid(f"{where} must have one of MetricStat and Expression.")
        if one.get("AccountId", account_id) != account_id:
            raise invalid(f"{where}: metrics of other accounts are not done by OpenTrail.")
        found[name] = _query(one, where)
    return tuple(found.values())


def _query(given: Mapping[str, Any], where: str) -> MetricQuery:
    stat = given.get("MetricStat")
    return MetricQuery(
        id=given["Id"],
        label=given.get("Label"),
        expression=given.get("Expression"),
        stat=None if stat is None else stat_of(stat, where),
        period=given.get("Period"),
        account_id=given.get("AccountId"),
        return_data=given.get("ReturnData"),
    )


def stat_of(given: Mapping[str, Any], where: str) -> MetricStat:
    """A MetricStat.

    Raises:
        ApiError: the metric has no name or namespace, or the statistic is none.
    """
    metric = given["Metric"]
    for name in ("Namespace", "MetricName"):
        if name not in metric:
            raise invalid(f"{where}.MetricStat.Metric.{name} must not be null.")
    check_statistic(given["Stat"], f"{where}.MetricStat.Stat")
    if not is_period(given["Period"]):
        raise invalid(
            f"{where}.MetricStat.Period is {given['Period']}; 1, 5, 10, 20, 30 and multiples of "
            "60 are allowed."
        )
    return MetricStat(
        namespace=metric["Namespace"],
        name=metric["MetricName"],
        dimensions=dimensions_of(metric.get("Dimensions", ())),
        period=given["Period"],
        stat=given["Stat"],
        unit=given.get("Unit"),
    )


def check_statistic(name: str, where: str) -> None:
    """Nothing, if it is the name of a statistic.

    Raises:
        ApiError: ValidationException.
    """
    try:
        statistic(name)
    except InvalidStatistic:
        raise invalid(f"The value {name} for parameter {where} is not supported.") from None


def told_query(query: MetricQuery) -> dict[str, Any]:
    """A query as answers show it."""
    told: dict[str, Any] = {"Id": query.id}
    if query.stat is not None:
        stat = query.stat
        metric = {
            "Namespace": stat.namespace,
            "MetricName": stat.name,
            "Dimensions": told_dimensions(stat.dimensions),
        }
        told["MetricStat"] = {"Metric": metric, "Period": stat.period, "Stat": stat.stat}
        if stat.unit is not None:
            told["MetricStat"]["Unit"] = stat.unit
    optional = {
        "Expression": query.expression,
        "Label": query.label,
        "Period": query.period,
        "AccountId": query.account_id,
    }
    told |= {name: value for name, value in optional.items() if value is not None}
    return told | {"ReturnData": query.return_data is not False}
