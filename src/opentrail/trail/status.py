"""How a trail's deliveries went, as GetTrailStatus tells it."""

from __future__ import annotations

from datetime import datetime

import msgspec

STATUS_KIND = "trail_status"
"""The state documents of TrailStatus, keyed by trail ARN."""


class TrailStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The latest deliveries of a trail; None before the first.

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
