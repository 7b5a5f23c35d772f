"""An alert as its record, with what was counted of its series."""

from __future__ import annotations

from opentrail.insights.alert import Alert
from opentrail.insights.record import Period, baseline_start, insight_record
from opentrail.ports.insights.call_counts import CallCounts


def record_of(alert: Alert, counts: CallCounts) -> bytes:
    """The Start record, or the End record of an alert that has ended."""
    end = alert.seen + 1 if alert.ended is None else max(alert.ended, alert.since + 1)
    return insight_record(
        alert,
        _period(alert, alert.since, end, counts),
        _period(alert, baseline_start(alert), alert.since, counts),
    )


def _period(alert: Alert, start: int, end: int, counts: CallCounts) -> Period:
    calls = sum(count for _, count in counts.counts(alert.series, start, end))
    return Period(calls, end - start, counts.values(alert.series, start, end))
