"""A call's record, written once.

Source: AWS CloudTrail user guide, "CloudTrail record contents" (version 1.11), for members, their
presence and their size limits; real log files for the order of members.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from opentrail.aws.call import ApiCall
from opentrail.aws.decode import read_result
from opentrail.aws.models import service_heads
from opentrail.aws.observed import ObservedCall
from opentrail.aws.post_form import is_post_form
from opentrail.clock import iso_seconds
from opentrail.record.principal import Principal
from opentrail.recording.classify import is_data, is_read_only, is_read_only_method, issues_session
from opentrail.recording.ec2_names import arranged, ec2_names
from opentrail.recording.identity import ANONYMOUS, foreign_identity, user_identity
from opentrail.recording.names import AS_SENT, event_name
from opentrail.recording.redact import HIDDEN, UNTRACED, Redaction, hidden_members, safe_target
from opentrail.recording.resources import Place, resources
from opentrail.recording.s3 import s3_additional, s3_parameters
from opentrail.recording.spelling import NO_NAMES, Speller

EVENT_VERSION = "1.11"
MAX_TEXT_BYTES = 1024
"""User agent, error code, error message, request id: cut to 1 KB."""
MAX_OBJECT_BYTES = 100 * 1024
"""requestParameters and responseElements: left out whole when larger."""

UNDECODED_NAME = "UndecodedRequest"
"""The event name (ours) of a call whose operation could not be told."""

UNKNOWN_OUTCOME = "OutcomeUnknown"
"""The error code (ours) of a call during which the recorder stopped."""

UNKNOWN_OUTCOME_MESSAGE = (
    "the recorder stopped while the call was under way; whether it was carried out is not known"
)
SERVICE_OUTAGE = "SERVICE_OUTAGE"
"""One of the three values of `addendum.reason` (spec: record contents)."""

_OF_OUTCOME = frozenset(
    {
        "errorCode", "errorMessage", "responseElements", "additionalEventData", "requestID",
        "addendum",
    }
)  # fmt: skip
"""What a draft has of its outcome; an outcome that is known puts its own in their place."""

Draft = dict[str, Any]
"""A record's members, not yet bytes."""

_ENCODER = msgspec.json.Encoder()


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says that neither the call nor the principal does.

    Attributes:
        account_id: The account that receives the record.
        account_alias: Root's user name in records, "" if the account has no alias.
        shared_event_id: The same in the records of one call for several accounts; "" for one.
        signature_verified: Whether the call's signature was found right; None if nobody looked.
        redaction: How secrets are hidden.
        keep_omitted: Takes the bytes of an object that is too large for a record, and its SHA-256
            in hex; None if they are not kept.
    """

    event_id: str
    account_id: str
    account_alias: str = ""
    shared_event_id: str = ""
    signature_verified: bool | None = None
    redaction: Redaction = UNTRACED
    keep_omitted: Callable[[str, bytes], None] | None = None


def compose(call: ApiCall, principal: Principal | None, *, facts: RecordFacts) -> bytes:
    """The record of a call.

    Args:
        principal: None for an unsigned call.
    """
    return encode(_record(call, principal, facts))


def compose_intent(
    call: ApiCall, principal: Principal | None, *, facts: RecordFacts
) -> tuple[bytes, Draft]:
    """The record of a call whose outcome never became known, and a draft for when it does.

    Args:
        call: Read of its request alone.
    """
    unknown = msgspec.structs.replace(
        call, error_code=UNKNOWN_OUTCOME, error_message=UNKNOWN_OUTCOME_MESSAGE
    )
    draft = _record(unknown, principal, facts)
    draft["addendum"] = {"reason": SERVICE_OUTAGE}
    return encode(draft), draft


def compose_outcome(draft: Draft, call: ApiCall, *, facts: RecordFacts) -> bytes:
    """The record of the same call with its outcome.

    Args:
        draft: Of the same request, principal and facts.
    """
    silent = draft["readOnly"] and not issues_session(call.service, call.operation)
    notes = dict((draft.get("additionalEventData") or {}).get("opentrail") or {})
    record: dict[str, Any] = {}
    for name, value in draft.items():
        if name == "requestParameters":
            _put_error(record, call)
            record[name] = value
            _put_answer(record, call, facts, notes, silent=silent)
        elif name not in _OF_OUTCOME:
            record[name] = value
    record["eventTime"] = iso_seconds(call.observed.ended)
    return encode(record)


def _record(call: ApiCall, principal: Principal | None, facts: RecordFacts) -> dict[str, Any]:
    operation = call.operation
    read_only = (
        is_read_only(call.service, operation)
        if operation is not None
        else is_read_only_method(call.observed.request.method)
    )
    record = _who_and_what(call, principal, facts)
    _put_error(record, call)
    notes = _notes(call) if call.problem or operation is None else {}
    if facts.signature_verified is False:
        notes["signatureVerified"] = False
    denied = (call.service, call.error_code) in _DENIED
    parameters = None if denied else _parameters(call, facts.redaction)
    record["requestParameters"] = _fitting(parameters, notes, "requestParameters", facts)
    silent = read_only and not issues_session(call.service, operation)
    _put_answer(record, call, facts, notes, silent=silent)
    record["eventID"] = facts.event_id
    record["readOnly"] = read_only
    entries = resources(call, Place(call.region, facts.account_id))
    if entries:
        record["resources"] = entries
    record["eventType"] = "AwsApiCall"
    version = _api_version(call)
    if version:
        record["apiVersion"] = version
    data = operation is not None and is_data(call.service, operation.name)
    record["managementEvent"] = not data
    record["recipientAccountId"] = facts.account_id
    if facts.shared_event_id:
        record["sharedEventID"] = facts.shared_event_id
    record["eventCategory"] = "Data" if data else "Management"
    if call.observed.request.tls and not (principal is not None and principal.invoked_by):
        version, cipher = call.observed.request.tls
        record["tlsDetails"] = {
            "tlsVersion": version,
            "cipherSuite": cipher,
            "clientProvidedHostHeader": _text(call.observed.request.header("host") or ""),
        }
    return record


def _who_and_what(call: ApiCall, principal: Principal | None, facts: RecordFacts) -> dict[str, Any]:
    """The record's first members, up to the error."""
    request = call.observed.request
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": (
            foreign_identity(principal)
            if principal is not None and principal.account_id not in ("", facts.account_id)
            else user_identity(call, principal, facts.account_alias)
        ),
        "eventTime": iso_seconds(call.observed.ended),
        "eventSource": call.event_source,
        "eventName": _event_name(call),
        "awsRegion": call.region,
        "sourceIPAddress": request.peer_address,
        "userAgent": _text(request.header("user-agent") or ""),
    }
    if principal is not None and principal.invoked_by:
        # A service's address and program are its own affair (spec: record contents, section 3).
        record["sourceIPAddress"] = record["userAgent"] = principal.invoked_by
    return record


def _event_name(call: ApiCall) -> str:
    if call.operation is None:
        return UNDECODED_NAME
    if call.service == "s3" and is_post_form(call.observed.request):
        return "PostObject"
    return event_name(call.service, call.operation)


_DENIED = {("cloudtrail", "AccessDeniedException"): "AccessDenied"}
"""Refusals that are recorded under another code, and without the request's parameters."""


def _put_error(record: dict[str, Any], call: ApiCall) -> None:
    if call.error_code:
        code = _DENIED.get((call.service, call.error_code), call.error_code)
        record["errorCode"] = _text(code)
        if call.error_message:
            record["errorMessage"] = _text(_safe_message(call.error_message))


def _put_answer(
    record: dict[str, Any],
    call: ApiCall,
    facts: RecordFacts,
    notes: dict[str, Any],
    *,
    silent: bool,
) -> None:
    """Put in the members from responseElements to requestID.

    Args:
        notes: What OpenTrail itself has to say of the call so far.
        silent: The call's result is not recorded.
    """
    elements = None if silent or call.error_code else _elements(call, facts.redaction)
    record["responseElements"] = _fitting(elements, notes, "responseElements", facts)
    additional = s3_additional(call) if call.service == "s3" else {}
    if notes:
        additional["opentrail"] = notes
    if additional:
        record["additionalEventData"] = additional
    if call.request_id:
        record["requestID"] = _text(call.request_id)


def compose_undecoded(observed: ObservedCall, *, facts: RecordFacts, region: str) -> bytes:
    """A record that says only what HTTP says; for calls that even decoding failed on."""
    request = observed.request
    status = observed.response.status if observed.response is not None else 0
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": dict(ANONYMOUS) | {"type": "Unknown", "accountId": ""},
        "eventTime": iso_seconds(observed.ended),
        "eventSource": "unknown.amazonaws.com",
        "eventName": UNDECODED_NAME,
        "awsRegion": region,
        "sourceIPAddress": request.peer_address,
        "userAgent": _text(request.header("user-agent") or ""),
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {
            "opentrail": {
                "undecoded": "the call could not be decoded",
                "method": _text(request.method),
                "path": _text(safe_target(request.target)),
                "status": status,
            }
        },
        "eventID": facts.event_id,
        "readOnly": is_read_only_method(request.method),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": facts.account_id,
        "eventCategory": "Management",
    }
    return encode(record)


def encode(record: dict[str, Any]) -> bytes:
    """The record's bytes: compact JSON in UTF-8, whatever characters came in."""
    try:
        return _ENCODER.encode(record)
    except UnicodeEncodeError:
        return _ENCODER.encode(_clean(record))


def _clean(value: Any) -> Any:
    """Text without halves of characters (lone surrogates), which UTF-8 can't hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _parameters(call: ApiCall, redaction: Redaction) -> dict[str, Any] | None:
    if call.operation is None or call.parameters is None:
        return None
    if call.service == "s3":
        return s3_parameters(call, redaction)
    ec2, name = _speaks_ec2(call.service), str(call.operation.name)
    speller = Speller(
        hidden_members(call.service, name),
        ec2=ec2,
        names=ec2_names(name) if ec2 else NO_NAMES,
        as_sent=call.service in AS_SENT,
        redaction=redaction,
    )
    found = speller.members(call.operation.input_shape, call.parameters)
    return (arranged(name, found) if ec2 else found) or None


def _elements(call: ApiCall, redaction: Redaction) -> dict[str, Any] | None:
    result = read_result(call)
    if result is None or call.operation is None:
        return None
    ec2 = _speaks_ec2(call.service)
    hidden = hidden_members(call.service, call.operation.name)
    speller = Speller(hidden, ec2=ec2, result=True, redaction=redaction)
    found = speller.structure(call.operation.output_shape, result)
    if ec2 and call.request_id:
        return {"requestId": call.request_id} | found
    return found or None


def _speaks_ec2(service: str) -> bool:
    head = service_heads().get(service)
    return head is not None and "ec2" in head.protocols


def _api_version(call: ApiCall) -> str:
    head = service_heads().get(call.service)
    return head.version if head is not None and call.service != "s3" else ""


def _notes(call: ApiCall) -> dict[str, Any]:
    request = call.observed.request
    return {
        "undecoded": _text(call.problem or "the operation could not be told"),
        "method": _text(request.method),
        "path": _text(safe_target(request.target)),
    }


def _fitting(
    value: dict[str, Any] | None, notes: dict[str, Any], name: str, facts: RecordFacts
) -> dict[str, Any] | None:
    """`value`, or None with a note when it is larger than a record may hold.

    The note has the length and SHA-256 of what would have stood there, secrets hidden.
    """
    if value is None:
        return None
    encoded = encode(value)
    if len(encoded) <= MAX_OBJECT_BYTES:
        return value
    digest = hashlib.sha256(encoded).hexdigest()
    if facts.keep_omitted is not None:
        facts.keep_omitted(digest, encoded)
    notes.setdefault("omitted", {})[name] = {"length": len(encoded), "sha256": digest}
    return None


def _text(text: str) -> str:
    """`text`, cut to MAX_TEXT_BYTES on a character's border."""
    if len(text) * 4 <= MAX_TEXT_BYTES:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_TEXT_BYTES:
        return text
    return data[:MAX_TEXT_BYTES].decode("utf-8", "ignore")


def _safe_message(message: str) -> str:
    """An error message without the signed request that some services repeat in it."""
    for mark in ("The Canonical String", "The String-to-Sign"):
        place = message.find(mark)
        if place >= 0:
            return f"{message[:place]}{HIDDEN}"
    return message
