"""StartLogging, StopLogging, GetTrailStatus. Source: spec: api, section 3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.outcome import Backends, Caller, Reply, TakesEffect
from opentrail.clock import iso_seconds
from opentrail.trail.status import STATUS_KIND, TrailStatus, status_key

Parameters = Mapping[str, Any]


def start_logging(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The trail logs; nothing changes if it did."""
    trail, version = find_at_home(parameters["Name"], caller, backends)
    if trail.is_logging:
        return Reply({})
    started = msgspec.structs.replace(trail, is_logging=True, start_logging_time=caller.now)
    return Reply({}, (saved(started, version),))


def stop_logging(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The trail does not log; this call is its last event."""
    trail, version = find_at_home(parameters["Name"], caller, backends)
    if not trail.is_logging:
        return Reply({})
    stopped = msgspec.structs.replace(trail, is_logging=False, stop_logging_time=caller.now)
    return Reply({}, (saved(stopped, version),), TakesEffect.AFTER)


def get_trail_status(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """How the trail's deliveries of the caller's region went; what there is to tell of them."""
    trail, _ = find_trail(parameters["Name"], caller, backends)
    document = backends.state.get(STATUS_KIND, status_key(trail.arn, caller.region))
    status = (
        TrailStatus() if document is None else msgspec.json.decode(document.body, type=TrailStatus)
    )
    shown: dict[str, Any] = {"IsLogging": trail.is_logging}
    times = {
        "LatestDeliveryTime": status.latest_delivery_time,
        "LatestDigestDeliveryTime": status.latest_digest_delivery_time,
        "LatestNotificationTime": status.latest_notification_time,
        "LatestCloudWatchLogsDeliveryTime": status.latest_logs_delivery_time,
        "StartLoggingTime": trail.start_logging_time,
        "StopLoggingTime": trail.stop_logging_time,
    }
    shown |= {name: when.timestamp() for name, when in times.items() if when is not None}
    errors = {
        "LatestDeliveryError": status.latest_delivery_error,
        "LatestNotificationError": status.latest_notification_error,
        "LatestCloudWatchLogsDeliveryError": status.latest_logs_delivery_error,
        "LatestDigestDeliveryError": status.latest_digest_delivery_error,
    }
    shown |= {name: text for name, text in errors.items() if text}
    return Reply(
        shown
        | {
            "LatestDeliveryAttemptTime": _text(status.latest_delivery_attempt_time),
            "LatestDeliveryAttemptSucceeded": _text(status.latest_delivery_attempt_succeeded),
            "LatestNotificationAttemptTime": _text(status.latest_notification_attempt_time),
            "LatestNotificationAttemptSucceeded": _text(
                status.latest_notification_attempt_succeeded
            ),
            "TimeLoggingStarted": _text(trail.start_logging_time),
            "TimeLoggingStopped": _text(trail.stop_logging_time),
        }
    )


def _text(when: datetime | None) -> str:
    return "" if when is None else iso_seconds(when)
