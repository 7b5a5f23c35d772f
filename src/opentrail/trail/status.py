"""How a trail's deliveries went, as GetTrailStatus tells it."""

from __future__ import annotations

from datetime import datetime

import msgspec

STATUS_KIND = "trail_status"
"""The state documents of TrailStatus, keyed by `status_key`."""


def status_key(trail_arn: str, region: str) -> str:
    """The key of a trail's status in a region; `status_key(arn, "")` is the prefix of all."""
    return f"{trail_arn}|{region}"


class TrailStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The latest deliveries of a trail in a region; None before the first.

    Attributes:
        latest_delivery_error: The store's error code (`NoSuchBucket`), "" when the last attempt
            succeeded or the store did not answer at all.
    """

    latest_delivery_time: datetime | None = None
    latest_delivery_attempt_time: datetime | None = None
    latest_delivery_attempt_succeeded: datetime | None = None
    latest_delivery_error: str = ""
    latest_digest_delivery_time: datetime | None = None
    latest_digest_delivery_error: str = ""
    latest_notification_time: datetime | None = None
    latest_notification_attempt_time: datetime | None = None
    latest_notification_attempt_succeeded: datetime | None = None
    latest_notification_error: str = ""
    latest_logs_delivery_time: datetime | None = None
    latest_logs_delivery_error: str = ""
