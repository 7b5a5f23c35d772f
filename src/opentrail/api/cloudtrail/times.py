"""Times of requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentrail.api.errors import ApiError


def time_of(
    parameters: Mapping[str, Any],
    name: str,
    default: datetime,
    code: str = "InvalidParameterException",
) -> datetime:
    """The time of a member, aware UTC; `default` if it is not given.

    Raises:
        ApiError: `code`, for a number that is no time.
    """
    seconds = parameters.get(name)
    if seconds is None:
        return default
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as cause:
        raise ApiError(code, f"{name} {seconds} is no time.") from cause
