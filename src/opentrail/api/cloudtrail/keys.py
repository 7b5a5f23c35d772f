"""ListPublicKeys. Source: spec: files, section 5; api, section 6."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from opentrail.api.cloudtrail.times import time_of
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply


def list_public_keys(parameters: Mapping[str, Any], caller: Caller, backends: Backends) -> Reply:
    """The region's keys valid at some time of the range; without a range, now."""
    if parameters.get("NextToken"):
        raise ApiError("InvalidTokenException", "There is no further page.")
    start = time_of(parameters, "StartTime", caller.now, "InvalidTimeRangeException")
    end = time_of(parameters, "EndTime", caller.now, "InvalidTimeRangeException")
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
