"""What LookupEvents asks for, checked.

Source: spec: api, section 6; lang: lookup_events.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opentrail.errors import InvalidInput

KEPT = timedelta(days=90)
MAX_RESULTS = 50
MAX_VALUE_LENGTH = 2000
_DOUBLE = "_ ,\n"
"""Characters that count twice towards the length of a value."""

ATTRIBUTES = frozenset(
    {
        "AccessKeyId",
        "EventId",
        "EventName",
        "EventSource",
        "ReadOnly",
        "ResourceName",
        "ResourceType",
        "Username",
    }
)
INSIGHT_ATTRIBUTES = frozenset({"EventId", "EventName", "EventSource"})


class LookupRefused(InvalidInput):
    """A lookup that breaks a rule.

    Attributes:
        code: The AWS error code.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupQuery:
    """A lookup in one account and region.

    Attributes:
        attribute: "" when the lookup names none.
        start: Inclusive, aware UTC.
        end: Inclusive, aware UTC.
        insight: Insights events are asked for.
    """

    account_id: str
    region: str
    attribute: str
    value: str
    start: datetime
    end: datetime
    limit: int
    insight: bool

    @property
    def seconds(self) -> tuple[int, int]:
        """The first and the last second of the range; times of events are whole seconds."""
        return math.ceil(self.start.timestamp()), math.floor(self.end.timestamp())


def parse_lookup(
    parameters: Mapping[str, Any], *, account_id: str, region: str, now: datetime
) -> LookupQuery:
    """The lookup that `parameters` (as sent) ask for.

    Raises:
        LookupRefused: more than one attribute, a bad one, a bad range or number.
    """
    insight = _insight(parameters)
    attribute, value = _attribute(parameters, insight=insight)
    start = _time(parameters.get("StartTime"), now - KEPT)
    end = _time(parameters.get("EndTime"), now)
    if start > end:
        raise LookupRefused(
            "InvalidTimeRangeException", f"StartTime {start} is after EndTime {end}."
        )
    limit = parameters.get("MaxResults")
    limit = MAX_RESULTS if limit is None else limit
    if not isinstance(limit, int) or not 1 <= limit <= MAX_RESULTS:
        raise LookupRefused(
            "InvalidMaxResultsException", f"MaxResults is {limit}; 1 to {MAX_RESULTS} are allowed."
        )
    return LookupQuery(
        account_id=account_id,
        region=region,
        attribute=attribute,
        value=value,
        start=max(start, now - KEPT),
        end=end,
        limit=limit,
        insight=insight,
    )


def _insight(parameters: Mapping[str, Any]) -> bool:
    category = parameters.get("EventCategory")
    if category not in (None, "insight"):
        raise LookupRefused(
            "InvalidEventCategoryException",
            f"EventCategory is {category!r}; the only value allowed is insight.",
        )
    return category is not None


def _attribute(parameters: Mapping[str, Any], *, insight: bool) -> tuple[str, str]:
    attributes = parameters.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise LookupRefused(
            "InvalidLookupAttributesException",
            f"{len(attributes)} lookup attributes were given; one is allowed.",
        )
    if not attributes:
        return "", ""
    key, value = attributes[0].get("AttributeKey"), attributes[0].get("AttributeValue")
    allowed = INSIGHT_ATTRIBUTES if insight else ATTRIBUTES
    if key not in allowed:
        raise LookupRefused(
            "InvalidLookupAttributesException",
            f"Lookup attribute {key!r} is not one of {', '.join(sorted(allowed))}.",
        )
    if not isinstance(value, str) or not value or _length(value) > MAX_VALUE_LENGTH:
        raise LookupRefused(
            "InvalidLookupAttributesException",
            f"The value of {key} needs 1 to {MAX_VALUE_LENGTH} characters "
            "(_, blank, comma and newline count twice).",
        )
    return key, value


def _length(value: str) -> int:
    return len(value) + sum(value.count(character) for character in _DOUBLE)


def _time(seconds: Any, default: datetime) -> datetime:
    if seconds is None:
        return default
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError, TypeError) as cause:
        raise LookupRefused("InvalidTimeRangeException", f"{seconds!r} is no time.") from cause
