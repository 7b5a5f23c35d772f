"""Where a field of a log event is found: a column, a member of a JSON column, or the record itself.

The relation `base` holds, for events of the store, the columns of the open files
(docs/reference/event-files.md) and for all log events those of `Base` here. Records of an unusual
shape (`record` is not null) are read by a function of ours, which knows what a record says where
DuckDB's JSON does not agree (opentrail.logs.query.plan.texts).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opentrail.logs.query.plan.values import (
    NULL,
    Kind,
    Parameters,
    Value,
    column,
    found_text,
    leaf_of,
    leaf_text,
    once,
)
from opentrail.logs.query.tree import Name


class Base(StrEnum):
    """The columns of every log event."""

    SOURCE = "src"
    """Number of the relation that it came from."""
    SEGMENT = "seg"
    """Number of its segment; -1 for events that PutLogEvents brought."""
    ROW = "rw"
    """Its row there, or its number."""
    TIME = "t"
    """Epoch milliseconds."""
    LOG = "log"
    STREAM = "stream"
    MESSAGE = "msg"
    INGESTED = "ing"
    """Epoch milliseconds."""
    JSON = "json"
    """Of events that PutLogEvents brought: the JSON object in the message, null without."""


FROM_RECORDS = frozenset({Base.MESSAGE.value, Base.INGESTED.value})
"""Columns that no open file has: what they say is read from the store's own files."""

OF_EVENTS = frozenset({
    "event_time", "event_version", "event_source", "event_name", "event_type", "event_category",
    "aws_region", "source_ip_address", "user_agent", "error_code", "error_message", "read_only",
    "management_event", "recipient_account_id", "vpc_endpoint_id", "event_id", "request_id",
    "shared_event_id", "identity_type", "identity_principal_id", "identity_arn",
    "identity_account_id", "identity_access_key_id", "identity_user_name", "identity_invoked_by",
    "identity_session_issuer_arn", "identity_session_issuer_user_name",
    "identity_source_identity", "identity_mfa_authenticated", "identity_creation_date",
    "user_identity", "request_parameters", "response_elements", "resources",
    "additional_event_data", "service_event_details", "tls_details", "insight_details", "record",
})  # fmt: skip
"""The columns of the open files."""

_COLUMNS = {
    "eventVersion": "event_version", "eventSource": "event_source", "eventName": "event_name",
    "eventType": "event_type", "eventCategory": "event_category", "awsRegion": "aws_region",
    "sourceIPAddress": "source_ip_address", "userAgent": "user_agent",
    "errorCode": "error_code", "recipientAccountId": "recipient_account_id",
    "vpcEndpointId": "vpc_endpoint_id", "eventID": "event_id", "requestID": "request_id",
    "sharedEventID": "shared_event_id",
    "userIdentity.type": "identity_type", "userIdentity.principalId": "identity_principal_id",
    "userIdentity.arn": "identity_arn", "userIdentity.accountId": "identity_account_id",
    "userIdentity.accessKeyId": "identity_access_key_id",
    "userIdentity.userName": "identity_user_name",
    "userIdentity.invokedBy": "identity_invoked_by",
    "userIdentity.sessionContext.sessionIssuer.arn": "identity_session_issuer_arn",
    "userIdentity.sessionContext.sessionIssuer.userName": "identity_session_issuer_user_name",
    "userIdentity.sessionContext.sourceIdentity": "identity_source_identity",
    "userIdentity.sessionContext.attributes.mfaAuthenticated": "identity_mfa_authenticated",
    "userIdentity.sessionContext.attributes.creationDate": "identity_creation_date",
    "@aws.account": "recipient_account_id", "@aws.region": "aws_region",
}  # fmt: skip
_PLAIN = frozenset({"eventTime", "errorMessage"})
_TRUTHS = {"readOnly": "read_only", "managementEvent": "management_event"}
_PARTS = {
    "userIdentity": "user_identity", "requestParameters": "request_parameters",
    "responseElements": "response_elements", "resources": "resources",
    "additionalEventData": "additional_event_data",
    "serviceEventDetails": "service_event_details", "tlsDetails": "tls_details",
    "insightDetails": "insight_details",
}  # fmt: skip
_SYSTEM = {
    "@timestamp": (Base.TIME, Kind.TIME), "@message": (Base.MESSAGE, Kind.TEXT),
    "@ingestionTime": (Base.INGESTED, Kind.TIME), "@log": (Base.LOG, Kind.TEXT),
    "@logStream": (Base.STREAM, Kind.TEXT),
}  # fmt: skip

_MOST_SPLITS = 4
"""Of names with more dots only the plain reading and the whole name are tried."""


class Holds(StrEnum):
    """What log events a query reads."""

    EVENTS = "events"
    """Only events of the store."""
    MESSAGES = "messages"
    """Only what PutLogEvents brought."""
    BOTH = "both"


def base_field(name: Name, holds: Holds, parameters: Parameters) -> Value:
    """A field of a log event; null if no log event can have it."""
    if name.text in _SYSTEM:
        found, kind = _SYSTEM[name.text]
        return column(found.value, kind)
    if holds is Holds.MESSAGES:
        return _of_message(name, parameters)
    of_event = _of_event(name, parameters)
    if holds is Holds.EVENTS:
        return of_event
    of_message = _of_message(name, parameters)
    return Value(
        f"CASE WHEN {Base.SEGMENT} < 0 THEN {of_message.sql} ELSE {of_event.sql} END",
        Kind.TEXT,
        of_message.columns | of_event.columns | {Base.SEGMENT.value},
    )


@dataclass(frozen=True, slots=True)
class Steps:
    """A field that is a member of a JSON column, in two steps.

    As columns of two levels it costs half: in one expression DuckDB takes the member out of the
    JSON again at each place that needs it.

    Attributes:
        found: What the member says, whatever its type.
        shown: The field, given the SQL of what was found.
    """

    found: Value
    shown: Callable[[str], Value]


def field_in_steps(name: Name, holds: Holds, parameters: Parameters) -> Steps | None:
    """A field of a log event in two steps; None if it has but one."""
    place = None
    if holds is Holds.MESSAGES:
        place = _place_in_message(name)
    elif holds is Holds.EVENTS:
        place = _place_in_event(name)
    if place is None or len(place.pointers) > 1:
        return None
    json, pointer = place.json, parameters.bind(place.pointers[0])

    def shown(found: str) -> Value:
        sql = leaf_text(found, f"json_type({json}, {pointer})")
        if holds is Holds.MESSAGES:
            return Value(sql, Kind.TEXT, frozenset({json}))
        return _unless_odd(sql, {json}, name.parts, parameters)

    # Of odd records JSON may be none that DuckDB reads.
    found = f"TRY({found_text(json, pointer)})"
    return Steps(Value(found, Kind.TEXT, frozenset({json})), shown)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a field may be: a column of JSON, and pointers, the likeliest first."""

    json: str
    pointers: list[str]


def _place_in_event(name: Name) -> _Place | None:
    """None where a column has the field whole."""
    first, *rest = name.parts
    if name.text in _COLUMNS or name.text in _PLAIN or name.text.startswith("@"):
        return None
    if first in _PARTS:
        return _Place(_PARTS[first], _readings(rest, name, plain=True)) if rest else None
    if first in _COLUMNS or first in _TRUTHS:
        return None
    return _Place(Base.MESSAGE.value, _readings(name.parts, name, plain=True))


def _place_in_message(name: Name) -> _Place | None:
    parts = name.parts
    if name.text.startswith("@@"):
        parts = (parts[0][1:], *parts[1:])
    elif name.text.startswith("@"):
        return None
    return _Place(Base.JSON.value, _readings(parts, name, plain=False))


def _of_event(name: Name, parameters: Parameters) -> Value:
    text = name.text
    if text in _COLUMNS:
        return column(_COLUMNS[text], Kind.TEXT)
    if text in _TRUTHS:
        found = _TRUTHS[text]
        sql = f"CASE {found} WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE {found} END"
        return Value(sql, Kind.TEXT, frozenset({found}))
    return NULL if text.startswith("@") else _of_record(name, parameters)


def _of_record(name: Name, parameters: Parameters) -> Value:
    text = name.text
    if text == "eventTime":
        spelled = f"strftime(make_timestamp({Base.TIME} * 1000), '%Y-%m-%dT%H:%M:%SZ')"
        return _unless_odd(spelled, {Base.TIME.value}, name.parts, parameters)
    if text == "errorMessage":
        return _unless_odd("error_message", {"error_message"}, name.parts, parameters)
    if text in _PARTS:
        return column(_PARTS[text], Kind.TEXT)
    place = _place_in_event(name)
    if place is None:
        # Texts have no members; records where they are objects are odd ones.
        return _unless_odd("NULL", set(), name.parts, parameters)
    leaf = f"TRY({_first_leaf(place, parameters)})"
    return _unless_odd(leaf, {place.json}, name.parts, parameters)


def _unless_odd(sql: str, columns: set[str], parts: Sequence[str], parameters: Parameters) -> Value:
    pointer = parameters.bind(json_pointer(parts))
    return Value(
        f"CASE WHEN record IS NULL THEN {sql} ELSE u_member(record, {pointer}) END",
        Kind.TEXT,
        frozenset(columns | {"record"}),
    )


def _of_message(name: Name, parameters: Parameters) -> Value:
    place = _place_in_message(name)
    if place is None:
        return NULL
    return Value(_first_leaf(place, parameters), Kind.TEXT, frozenset({place.json}))


def member(json: str, parts: Sequence[str], name: Name, parameters: Parameters) -> str:
    """The SQL of what a map or list holds; `json` is the SQL of valid JSON."""
    readings = _readings(parts, name, plain=True)
    return once(json, simple=False, body=lambda one: _first_leaf(_Place(one, readings), parameters))


def _readings(parts: Sequence[str], name: Name, *, plain: bool) -> list[str]:
    """Pointers, the likeliest first: a name in backticks, or of a message, may be one with dots."""
    found = [tuple(parts)]
    if not plain and len(parts) <= _MOST_SPLITS:
        found += _splits(parts)
    elif len(parts) > 1 and (name.whole or not plain):
        found.append((".".join(parts),))
    return [json_pointer(one) for one in dict.fromkeys(found)]


def _splits(parts: Sequence[str]) -> list[tuple[str, ...]]:
    if len(parts) == 1:
        return [tuple(parts)]
    first, *rest = parts
    inner = _splits(rest)
    return [(first, *one) for one in inner] + [(f"{first}.{one[0]}", *one[1:]) for one in inner]


def json_pointer(parts: Sequence[str]) -> str:
    """RFC 6901; a number leads into a list or to a member of that name."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _first_leaf(place: _Place, parameters: Parameters) -> str:
    leaves = [leaf_of(place.json, parameters.bind(one)) for one in place.pointers]
    return leaves[0] if len(leaves) == 1 else f"coalesce({', '.join(leaves)})"
