"""Why an alarm is in its state: AWS's sentences, and the data beside them.

Source: texts seen in notifications, alarm histories and documentation of AWS (vectors
alarms/notifications).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from opentrail.alarms.alarm import Comparison, MetricAlarm, State, Treatment
from opentrail.alarms.evaluation import Evaluation, Point
from opentrail.alarms.statistics import PLAIN

_SHOWN = 5
"""Datapoints that a reason lists."""
_TOLD = 20
"""Datapoints in the data beside a reason, which have at most 4,000 characters."""
_LISTED_INLINE = 3
"""With more of them, the list is a sentence of its own; AWS was seen to do so from 5 on."""
_WORDS = {
    Comparison.GREATER: "greater than the threshold",
    Comparison.GREATER_OR_EQUAL: "greater than or equal to the threshold",
    Comparison.LESS: "less than the threshold",
    Comparison.LESS_OR_EQUAL: "less than or equal to the threshold",
}


def reason(alarm: MetricAlarm, evaluation: Evaluation) -> str:
    """The sentence for the state that an evaluation came to (not None)."""
    if evaluation.state is State.INSUFFICIENT_DATA:
        missing = alarm.periods - len(evaluation.points)
        return f"Insufficient Data: {_counted(missing)} {_were(missing)} unknown."
    alarming = evaluation.state is State.ALARM
    shown = [one for one in evaluation.points if (one in evaluation.breaching) is alarming]
    by_breach = alarming and alarm.treats is Treatment.BREACHING
    if evaluation.filled and (by_breach or not shown):
        return _filled(alarm, evaluation)
    return _crossed(alarm, evaluation, shown)


def _filled(alarm: MetricAlarm, evaluation: Evaluation) -> str:
    received = len(evaluation.points)
    had = "no datapoints were" if not received else f"{_counted(received)} {_were(received)}"
    periods = f"{alarm.periods} period{'s' if alarm.periods != 1 else ''}"
    missing = evaluation.filled
    word = "missing datapoint" + ("s" if missing != 1 else "")
    meaning = "Breaching" if alarm.treats is Treatment.BREACHING else "NonBreaching"
    return (
        f"Threshold Crossed: {had} received for {periods} and {missing} {word} {_were(missing)} "
        f"treated as [{meaning}]."
    )


def _crossed(alarm: MetricAlarm, evaluation: Evaluation, shown: Sequence[Point]) -> str:
    alarming = evaluation.state is State.ALARM
    all_of, count = len(evaluation.points), len(shown)
    subject = _counted(count)
    if alarm.datapoints is not None:
        subject = f"{count} out of the last {all_of} datapoints"
    relation = ("" if alarming else "not ") + _relation(alarm, shown, alarming=alarming)
    listed = ", ".join(_point(one) for one in shown[::-1][:_SHOWN])
    if count > _LISTED_INLINE:
        crossed = " which crossed the threshold" if alarming else ""
        sentence = (
            f"{subject} {_were(count)} {relation}. The most recent datapoints{crossed}: [{listed}]"
        )
    else:
        sentence = f"{subject} [{listed}] {_were(count)} {relation}"
    word = "Thresholds" if alarm.comparison.has_band else "Threshold"
    return f"{word} Crossed: {sentence}{_transition(alarm, alarming=alarming)}."


def _relation(alarm: MetricAlarm, shown: Sequence[Point], *, alarming: bool) -> str:
    if not alarm.comparison.has_band:
        return f"{_WORDS[alarm.comparison]} ({number(alarm.threshold or 0.0)})"
    newest = shown[::-1][:_SHOWN]
    low = f"less than the lower thresholds [{', '.join(number(one.band.low) for one in newest)}]"
    high = (
        f"greater than the upper thresholds [{', '.join(number(one.band.high) for one in newest)}]"
    )
    match alarm.comparison:
        case Comparison.BELOW:
            return low
        case Comparison.ABOVE:
            return high
        case _:
            return f"{low} or {'' if alarming else 'not '}{high}"


def _transition(alarm: MetricAlarm, *, alarming: bool) -> str:
    if alarm.datapoints is None:
        return ""
    least = alarm.needed if alarming else alarm.periods - alarm.needed + 1
    way = "OK -> ALARM" if alarming else "ALARM -> OK"
    return f" (minimum {_counted(least)} for {way} transition)"


def _counted(count: int) -> str:
    return f"{count} datapoint" + ("s" if count != 1 else "")


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _point(point: Point) -> str:
    when = datetime.fromtimestamp(point.time, UTC)
    return f"{number(point.value)} ({when:%d/%m/%y %H:%M:%S})"


def number(value: float) -> str:
    """`21.0`, `1.0E7`: as Java spells it."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return format(Decimal(repr(value)), "f")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{exponent + len(digits) - 1}"


def timestamp(when: float) -> str:
    """`2026-11-22T08:00:00.000+0000`."""
    in_utc = datetime.fromtimestamp(when, UTC)
    return f"{in_utc:%Y-%m-%dT%H:%M:%S}.{in_utc.microsecond // 1000:03d}+0000"


def reason_data(
    alarm: MetricAlarm, evaluation: Evaluation, looked_at: Sequence[int], now: float
) -> str:
    """The JSON beside the reason.

    Args:
        looked_at: When each of the N newest periods begins, oldest first.
        now: Epoch seconds.
    """
    told: dict[str, Any] = {"version": "1.0", "queryDate": timestamp(now)}
    points = evaluation.points
    if points:
        told["startDate"] = timestamp(points[0].time)
    if alarm.metric is not None:
        if alarm.metric.unit is not None:
            told["unit"] = alarm.metric.unit
        plain = alarm.metric.stat in PLAIN
        told["statistic" if plain else "extendedStatistic"] = alarm.metric.stat
    recent = points[-_TOLD:]
    told["period"] = alarm.period
    told["recentDatapoints"] = [one.value for one in recent]
    if alarm.comparison.has_band:
        told["recentLowerThresholds"] = [one.band.low for one in recent]
        told["recentUpperThresholds"] = [one.band.high for one in recent]
    else:
        told["threshold"] = alarm.threshold
    by_time = {one.time: one for one in points}
    missing = [time for time in looked_at if time not in by_time][-alarm.periods + len(points) :]
    shown = missing if len(points) < alarm.periods else []
    times = sorted([*by_time, *shown], reverse=True)
    told["evaluatedDatapoints"] = [_evaluated(time, by_time.get(time)) for time in times[:_TOLD]]
    return json.dumps(told, separators=(",", ":"))


def _evaluated(time: int, point: Point | None) -> dict[str, Any]:
    told: dict[str, Any] = {"timestamp": timestamp(time)}
    if point is not None:
        if point.samples is not None:
            told["sampleCount"] = point.samples
        told["value"] = point.value
    return told
