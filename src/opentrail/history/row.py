"""What LookupEvents shows of a record: the eight lookup attributes."""

from __future__ import annotations

from dataclasses import dataclass

from opentrail.clock import parse_iso_seconds
from opentrail.history.resource_names import resource_names
from opentrail.record import Record, UserIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One event.

    Attributes:
        event_time: Epoch seconds.
        read_only: `true` or `false`, as LookupEvents spells it; "" where the record does not say.
        resources: (type, name) pairs.
    """

    event_id: str
    event_time: int
    account_id: str
    region: str
    event_name: str
    event_source: str
    username: str
    access_key_id: str
    read_only: str
    resources: tuple[tuple[str, str], ...]


def history_row(record: Record) -> HistoryRow:
    """The row of a record.

    Raises:
        ValueError: its time is no time.
    """
    head = record.head
    identity = head.user_identity or UserIdentity()
    return HistoryRow(
        event_id=head.event_id,
        event_time=int(parse_iso_seconds(head.event_time).timestamp()),
        account_id=head.recipient_account_id or "",
        region=head.aws_region,
        event_name=head.event_name or "",
        event_source=head.event_source or "",
        username=username(identity),
        access_key_id=identity.access_key_id or "",
        read_only="" if head.read_only is None else ("true" if head.read_only else "false"),
        resources=resource_names(head),
    )


def username(identity: UserIdentity) -> str:
    """The user that LookupEvents shows (spec: record contents, section 4)."""
    match identity.type:
        case "Root":
            return "root"
        case "AssumedRole" | "FederatedUser":
            return (identity.arn or "").rpartition("/")[2]
        case "AWSService":
            return identity.invoked_by or ""
        case _:
            return identity.user_name or ""
