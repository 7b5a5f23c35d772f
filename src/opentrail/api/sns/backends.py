"""What the handlers of SNS work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.asking import Asking
from opentrail.ports.ids import Ids
from opentrail.ports.state import StateStore
from opentrail.ports.targets.publishing import Publisher

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsBackends:
    """What handlers read from, who publishes, and how often subscribers were asked."""

    state: StateStore
    publisher: Publisher
    ids: Ids
    asking: Asking = field(default_factory=Asking)


Handler = Callable[[Parameters, Caller, SnsBackends], Reply]


def invalid(what: str) -> ApiError:
    """The error for a parameter that is wrong."""
    return ApiError("InvalidParameterException", f"Invalid parameter: {what}")


def not_found(what: str) -> ApiError:
    """The error for a topic or subscription that is not there."""
    return ApiError("NotFoundException", f"{what} does not exist", 404)
