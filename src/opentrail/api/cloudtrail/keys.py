"""ListPublicKeys. Source: spec: files, section 5; api, section 6."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply


def list_public_keys(parameters: Mapping[str, Any], caller: Caller, backends: Backends) -> Reply:
    """The region's keys valid at some time of the range; without a range, now."""
    if parameters.get("NextToken"):
        raise ApiError("InvalidTokenException", "There is no further page.")
    start = _time(parameters.get("StartTime"), caller.now)
    end = _time(parameters.get("EndTime"), caller.now)
    if start > end:
        raise ApiError("InvalidTimeRangeException", "StartTime is after EndTime.")
    keys = backends.signer.public_keys(caller.region, start, end)
    return Reply(
        {
            "PublicKeyList": [
                {
                    "Value": base64.b64encode(key.value).decode(),
                    "ValidityStartTime": key.valid_from.timestamp(),
                    "ValidityEndTime": key.valid_to.timestamp(),
                    "Fingerprint": key.fingerprint,
                }
                for key in keys
            ]
        }
    )


def _time(seconds: float | None, default: datetime) -> datetime:
    if seconds is None:
        return default
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as cause:
        raise ApiError("InvalidTimeRangeException", f"{seconds} is no time.") from cause
