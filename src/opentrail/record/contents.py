"""A record as bytes, and the few of its fields that OpenTrail decides by.

The bytes are written once and kept; the fields are read from a copy.
Source: AWS CloudTrail user guide, "CloudTrail record contents" and "userIdentity element".
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from opentrail.errors import InvalidInput


class SessionIssuer(msgspec.Struct, frozen=True, rename="camel"):
    """Who made the temporary credentials."""

    type: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    user_name: str | None = None


class SessionContext(msgspec.Struct, frozen=True, rename="camel"):
    """The session of temporary credentials."""

    session_issuer: SessionIssuer | None = None
    source_identity: str | None = None


class UserIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """Who, as the record tells it."""

    type: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    access_key_id: str | None = None
    user_name: str | None = None
    invoked_by: str | None = None
    session_context: SessionContext | None = None


class Resource(msgspec.Struct, frozen=True):
    """One entry of `resources`; AWS spells `ARN` in capitals."""

    type: str | None = None
    arn: str | None = msgspec.field(default=None, name="ARN")
    arn_prefix: str | None = msgspec.field(default=None, name="ARNPrefix")
    account_id: str | None = msgspec.field(default=None, name="accountId")


_NULL = msgspec.Raw(b"null")


class RecordHead(msgspec.Struct, frozen=True):
    """The fields that selectors, delivery and event history decide by; None where absent."""

    event_id: str = msgspec.field(name="eventID")
    event_time: str = msgspec.field(name="eventTime")
    event_version: str = msgspec.field(name="eventVersion")
    aws_region: str = msgspec.field(name="awsRegion")
    event_type: str | None = msgspec.field(default=None, name="eventType")
    event_category: str | None = msgspec.field(default=None, name="eventCategory")
    event_source: str | None = msgspec.field(default=None, name="eventSource")
    event_name: str | None = msgspec.field(default=None, name="eventName")
    user_identity: UserIdentity | None = msgspec.field(default=None, name="userIdentity")
    source_ip_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = msgspec.field(default=None, name="userAgent")
    read_only: bool | None = msgspec.field(default=None, name="readOnly")
    management_event: bool | None = msgspec.field(default=None, name="managementEvent")
    recipient_account_id: str | None = msgspec.field(default=None, name="recipientAccountId")
    resources: tuple[Resource, ...] | None = None
    error_code: str | None = msgspec.field(default=None, name="errorCode")
    vpc_endpoint_id: str | None = msgspec.field(default=None, name="vpcEndpointId")
    session_credential_from_console: str | None = msgspec.field(
        default=None, name="sessionCredentialFromConsole"
    )
    request_parameters: msgspec.Raw = msgspec.field(default=_NULL, name="requestParameters")
    insight_details: msgspec.Raw = msgspec.field(default=_NULL, name="insightDetails")
    response_elements: msgspec.Raw = msgspec.field(default=_NULL, name="responseElements")


@dataclass(frozen=True, slots=True)
class Record:
    """One activity: its bytes exactly as first written, and the head read from them."""

    raw: bytes
    head: RecordHead


_DECODER = msgspec.json.Decoder(RecordHead)


def read_record(raw: bytes) -> Record:
    """The record in `raw`, one JSON object; unknown fields stay in the bytes.

    Raises:
        InvalidInput: not JSON, or a field that every record has is missing or of another type.
    """
    try:
        return Record(raw, _DECODER.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise InvalidInput(f"not a CloudTrail record: {cause}") from cause
