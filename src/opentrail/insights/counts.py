"""What is counted of a record: which series it belongs to, and which minute.

A series is what Insights look at: the calls of one API of one account in one region, or its errors
of one code. Counted for ApiCallRateInsight are write management calls, and all calls that are data
events; for ApiErrorRateInsight all calls that an error code answered, by code.
Source: spec: record, section 7.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from opentrail.record import RecordHead, UserIdentity

CALL_RATE = "ApiCallRateInsight"
ERROR_RATE = "ApiErrorRateInsight"
MANAGEMENT = "Management"
DATA = "Data"

MOST_LETTERS = 256
"""Of a name, a code, a principal or a user agent. A record's fields are its caller's text."""


class SeriesKey(NamedTuple):
    """Whose calls, and of what.

    Attributes:
        category: Management or Data.
        insight_type: ApiCallRateInsight or ApiErrorRateInsight.
        error_code: "" for calls.
    """

    account_id: str
    region: str
    category: str
    event_source: str
    event_name: str
    insight_type: str
    error_code: str


class Counted(NamedTuple):
    """One record, as it is counted.

    Attributes:
        series: One or two; none is not counted.
        minute: Since the epoch.
        principal: A role without its session's name; "" for none.
        error_code: "null" if there is none, as attributions spell it.
    """

    series: tuple[SeriesKey, ...]
    minute: int
    principal: str
    user_agent: str
    error_code: str


def counted(head: RecordHead) -> Counted | None:
    """How a record is counted; None if Insights don't look at it, or its time can't be read."""
    category = head.event_category or MANAGEMENT
    if category not in {MANAGEMENT, DATA} or not head.event_source or not head.event_name:
        return None
    series = _series(head, category)
    minute = minute_of(head.event_time)
    if not series or minute is None:
        return None
    return Counted(
        series,
        minute,
        _shortened(principal_of(head.user_identity)),
        _shortened(head.user_agent or ""),
        _shortened(head.error_code or "") or "null",
    )


def minute_of(event_time: str) -> int | None:
    """Minutes since the epoch; None for what is no time."""
    try:
        when = datetime.fromisoformat(event_time)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    minute = int(when.timestamp() // 60)
    return minute if minute >= 0 else None


def principal_of(identity: UserIdentity | None) -> str:
    """The ARN that attributions name: that of a role has no session's name.

    Without an ARN, the service that called, or "".
    """
    if identity is None:
        return ""
    arn = identity.arn or ""
    start, found, rest = arn.partition(":assumed-role/")
    if found and arn.startswith("arn:"):
        return start + found + rest.partition("/")[0]
    return arn or identity.invoked_by or ""


def _series(head: RecordHead, category: str) -> tuple[SeriesKey, ...]:
    account = head.recipient_account_id or (
        head.user_identity.account_id if head.user_identity else None
    )
    if not account:
        return ()
    api = (
        _shortened(account),
        _shortened(head.aws_region),
        category,
        _shortened(head.event_source or ""),
        _shortened(head.event_name or ""),
    )
    found = []
    if category == DATA or head.read_only is False:
        found.append(SeriesKey(*api, CALL_RATE, ""))
    if head.error_code:
        found.append(SeriesKey(*api, ERROR_RATE, _shortened(head.error_code)))
    return tuple(found)


def _shortened(text: str) -> str:
    return text[:MOST_LETTERS]
