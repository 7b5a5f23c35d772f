"""Insights records: a Start and an End, with AWS's members and an explanation of ours.

Rules (spec: record, section 7):
1. Both share `sharedEventID`; each has its own `eventID`. Made anew, they are the same.
2. `eventTime` is when the unusual rate started or stopped, in whole minutes.
3. Averages are a minute's: of a Start over the minutes until it was seen, of an End over all of it.
4. `insightDuration` is the minutes of that; `baselineDuration` those from the midnight seven days
   earlier to the start (10,080 and more), of which the baseline's average is taken.
5. No userIdentity, eventSource and so on at the top.

Ours is `addendum`: what was expected, what was seen, the limit, and a sentence that says it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from opentrail.clock import iso_seconds
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.attributions import Values, attributions, rounded
from opentrail.insights.counts import CALL_RATE, ERROR_RATE

EVENT_VERSION = "1.08"
_NAMESPACE = uuid.UUID("2f1f3f0a-8f0c-5d3e-b1ad-6a8f6d1f0c52")
"""Of eventIDs and sharedEventIDs; never changes."""

_DAY = 1440
_BASELINE_DAYS = 7
_REASON = "INSIGHT_EXPLAINED"


@dataclass(frozen=True, slots=True)
class Period:
    """What was counted of a series in a time.

    Attributes:
        calls: Or errors.
        minutes: At least 1.
    """

    calls: int
    minutes: int
    values: Values

    @property
    def average(self) -> float:
        return self.calls / max(1, self.minutes)


def baseline_start(alert: Alert) -> int:
    """The first minute (since the epoch) of the days that a baseline's average is taken of."""
    return (alert.since // _DAY - _BASELINE_DAYS) * _DAY


def shared_event_id(alert: Alert) -> str:
    return str(uuid.uuid5(_NAMESPACE, alert.id))


def insight_record(alert: Alert, insight: Period, baseline: Period) -> bytes:
    """The Start record, or the End record of an alert that has ended.

    Args:
        insight: From `alert.since` to when it was seen, or to its end.
        baseline: From `baseline_start` to `alert.since`.
    """
    state = "Start" if alert.ended is None else "End"
    shared = shared_event_id(alert)
    series = alert.series
    is_error_rate = series.insight_type == ERROR_RATE
    details: dict[str, Any] = {
        "state": state,
        "eventSource": series.event_source,
        "eventName": series.event_name,
        "insightType": series.insight_type,
    }
    if is_error_rate:
        details["errorCode"] = series.error_code
    details["insightContext"] = {
        "statistics": {
            "baseline": {"average": rounded(baseline.average)},
            "insight": {"average": rounded(insight.average)},
            "insightDuration": insight.minutes,
            "baselineDuration": alert.since - baseline_start(alert),
        },
        "attributions": attributions(
            (insight.values, insight.average),
            (baseline.values, baseline.average),
            with_error_codes=not is_error_rate,
        ),
    }
    return msgspec.json.encode({
        "eventVersion": EVENT_VERSION,
        "eventTime": _iso(alert.since if alert.ended is None else alert.ended),
        "awsRegion": series.region,
        "eventID": str(uuid.uuid5(_NAMESPACE, f"{alert.id} {state}")),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": series.account_id,
        "sharedEventID": shared,
        "insightDetails": details,
        "eventCategory": "Insight",
        "addendum": addendum(alert),
    })  # fmt: skip


def addendum(alert: Alert) -> dict[str, Any]:
    """Why it was told."""
    return {
        "reason": _REASON,
        "rule": str(alert.kind),
        "eventCategory": alert.series.category,
        "windowMinutes": alert.window,
        "observed": alert.observed,
        "expected": round(alert.expected, 3),
        "threshold": alert.limit,
        "seenAt": _iso(alert.seen + 1),
        "explanation": explanation(alert),
    }


def explanation(alert: Alert) -> str:
    """One sentence."""
    series = alert.series
    what = f"{series.event_name} ({series.event_source})"
    unit = "calls" if series.insight_type == CALL_RATE else f"{series.error_code} errors"
    window = "1 minute" if alert.window == 1 else f"{alert.window} minutes"
    seen = f"{what} had {alert.observed} {unit} in {window} up to {_iso(alert.seen + 1)}"
    match alert.kind:
        case Kind.HIGH:
            return (
                f"{seen}; {_calls(alert.expected)} are expected at this time, and "
                f"{alert.limit} or more are unusual for the last 28 days."
            )
        case Kind.DROP:
            return (
                f"{seen}; {_calls(alert.expected)} are expected at this time, and as few as "
                f"{alert.limit} were never seen then in the last 28 days."
            )
        case Kind.ACTIVE:
            return (
                f"{what} had {unit} in {alert.observed} of {alert.window} minutes up to "
                f"{_iso(alert.seen + 1)}; "
                f"{_calls(alert.expected)} such minutes are expected at this time, and "
                f"{alert.limit} or more are unusual for the last 28 days."
            )
        case Kind.NEVER_SEEN:
            return f"{seen}; before, it was not seen in this account and region."


def _calls(expected: float) -> str:
    return f"{expected:.0f}" if expected >= 10 else f"{expected:.2g}"


def _iso(minute: int) -> str:
    return iso_seconds(datetime.fromtimestamp(minute * 60, UTC))
