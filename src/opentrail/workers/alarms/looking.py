"""What the datapoints of a metric alarm say now.

Only whole periods are judged, a moment after they end. But a period that still runs counts as soon
as it breaches whatever else comes in it (a sum of none below 0 never sinks): beyond what AWS does,
so that an alarm on a count goes off in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import structlog

from opentrail.alarms.alarm import MetricAlarm, MetricStat, State
from opentrail.alarms.datapoint import Bucket, joined
from opentrail.alarms.evaluation import (
    Band,
    Evaluation,
    Point,
    breaks_early,
    evaluate,
    range_of,
)
from opentrail.alarms.metric_math import InvalidExpression, Line, evaluated
from opentrail.alarms.statistics import Statistic, statistic
from opentrail.ports.metrics.queries import MetricReader, buckets_of

SETTLE_SECONDS = 5
"""How long after its end a period's datapoints may come without being late."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Look:
    """An evaluation and what was looked at.

    Attributes:
        times: When the N newest periods begin, oldest first.
    """

    evaluation: Evaluation
    times: tuple[int, ...]


def step_of(alarm: MetricAlarm) -> int:
    """Seconds from one time at which periods may end to the next."""
    return min(alarm.period, 60)


def look(alarm: MetricAlarm, reader: MetricReader, now: float) -> Look:
    """What the alarm's datapoints say.

    Args:
        now: Epoch seconds.
    """
    end = last_end(alarm, now)
    if alarm.metric is None:
        return _of_queries(alarm, reader, end)
    return _of_metric(alarm, alarm.metric, reader, end, now)


def last_end(alarm: MetricAlarm, now: float) -> int:
    """When the newest whole period ended."""
    return floor((now - SETTLE_SECONDS) / step_of(alarm)) * step_of(alarm)


def _of_metric(
    alarm: MetricAlarm, metric: MetricStat, reader: MetricReader, end: int, now: float
) -> Look:
    step, count = step_of(alarm), range_of(alarm)
    latest = max(ceil(now / step) * step, end)
    series = metric.series(alarm.account_id, alarm.region)
    times = range(end - count * alarm.period, latest, step)
    buckets = buckets_of(reader.store, series, metric, times)
    act, threshold = statistic(metric.stat), alarm.threshold or 0.0
    band = Band(threshold, threshold)
    found = _judged(alarm, _periods(alarm, buckets, end), act, band, end)
    if found.evaluation.state is State.ALARM:
        return found
    for early in range(end + step, latest + 1, step):
        periods = _periods(alarm, buckets, early)
        newest = periods[-1]
        point = None if newest is None else _point(newest, act, band)
        if newest is None or point is None or not breaks_early(alarm, point, newest.minimum):
            continue
        running = _judged(alarm, periods, act, band, early)
        if running.evaluation.state is State.ALARM:
            return running
    return found


def _periods(alarm: MetricAlarm, buckets: Sequence[Bucket], end: int) -> list[Bucket | None]:
    """The periods before `end`, oldest first; None for those without datapoints."""
    count = range_of(alarm)
    start = end - count * alarm.period
    parts: dict[int, list[Bucket]] = {}
    for one in buckets:
        number = (one.time - start) // alarm.period
        if 0 <= number < count:
            parts.setdefault(number, []).append(one)
    return [
        joined(parts[number], time=start + number * alarm.period, unit=parts[number][0].unit)
        if number in parts
        else None
        for number in range(count)
    ]


def _judged(
    alarm: MetricAlarm, periods: Sequence[Bucket | None], act: Statistic, band: Band, end: int
) -> Look:
    points = [None if one is None else _point(one, act, band) for one in periods]
    return Look(evaluate(alarm, points), _times(alarm, end))


def _point(bucket: Bucket, act: Statistic, band: Band) -> Point | None:
    value = act(bucket)
    return None if value is None else Point(bucket.time, value, band, bucket.count)


def _times(alarm: MetricAlarm, end: int) -> tuple[int, ...]:
    return tuple(range(end - alarm.periods * alarm.period, end, alarm.period))


def _of_queries(alarm: MetricAlarm, reader: MetricReader, end: int) -> Look:
    count, period = range_of(alarm), alarm.period
    # One period more: what tells of steps (RATE, DIFF) has nothing for the first.
    times = range(end - (count + 1) * period, end, period)
    environment = reader.environment(alarm.account_id, alarm.region, alarm.queries, times)
    try:
        watched = evaluated(environment, alarm.watched.id)
        bands = evaluated(environment, alarm.threshold_id) if alarm.threshold_id else ()
    except InvalidExpression as problem:
        _log.warning("alarm_not_evaluated", alarm=alarm.arn, problem=str(problem))
        watched = bands = ()
    line = watched[0] if len(watched) == 1 else Line({}, period)
    points = [_query_point(alarm, line, bands, time) for time in times[1:]]
    return Look(evaluate(alarm, points), _times(alarm, end))


def _query_point(alarm: MetricAlarm, line: Line, bands: Sequence[Line], time: int) -> Point | None:
    value = line.points.get(time)
    if value is None:
        return None
    if alarm.threshold_id is None:
        threshold = alarm.threshold or 0.0
        return Point(time, value, Band(threshold, threshold))
    ends = [one.points[time] for one in bands if time in one.points]
    return Point(time, value, Band(min(ends), max(ends))) if ends else None
