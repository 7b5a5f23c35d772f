"""What CloudWatch's operations work with, and how their errors are told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.metrics import MetricStore
from opentrail.ports.metrics.alarm_history import AlarmHistory
from opentrail.ports.metrics.queries import MetricReader
from opentrail.ports.state import StateStore

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWatchBackends:
    """What handlers read from and write to."""

    state: StateStore
    metrics: MetricStore
    history: AlarmHistory

    @property
    def reader(self) -> MetricReader:
        """Reads metrics and expressions over them."""
        return MetricReader(self.metrics)


Handler = Callable[[Parameters, Caller, CloudWatchBackends], Reply]


def invalid(message: str) -> ApiError:
    """A request that does not fit, as operations on alarms tell it."""
    return ApiError("ValidationException", message)


def wrong_value(message: str) -> ApiError:
    """A member that does not fit, as operations on metrics and dashboards tell it."""
    return ApiError("InvalidParameterValueException", message)


def wrong_combination(message: str) -> ApiError:
    """Members that do not fit together."""
    return ApiError("InvalidParameterCombinationException", message)


def token_of(*place: str | float) -> str:
    """A page token that tells where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(token: str | None) -> tuple[Any, ...] | None:
    """The place in a page token, None without one.

    Raises:
        ApiError: InvalidNextToken.
    """
    if token is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError):
        raise no_token() from None
    if not isinstance(place, list):
        raise no_token()
    return tuple(place)


def no_token() -> ApiError:
    """The error for a page token that is none."""
    return ApiError("InvalidNextToken", "The token supplied is invalid.")
