"""Records inside the JSON values that carry them: envelopes, lists, and strings of JSON.

Sources: CloudTrail API (LookupEvents), CloudWatch Logs API (FilterLogEvents, GetLogEvents,
subscription filters), EventBridge user guide; spec: record, sections 1 and 12.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, UnsetType

from opentrail.imports.found import Form, Limits, Sieve
from opentrail.imports.judging import DUPLICATE_KEYS, has_duplicate_keys, refusal

NOT_A_RECORD = "JSON, but no CloudTrail record"

_Maybe = Raw | UnsetType


class _Element(msgspec.Struct):
    """The members by which a JSON object is recognised; any may be of any type."""

    event_version: _Maybe = msgspec.field(name="eventVersion", default=UNSET)
    event_name: _Maybe = msgspec.field(name="eventName", default=UNSET)
    event_source: _Maybe = msgspec.field(name="eventSource", default=UNSET)
    event_id: _Maybe = msgspec.field(name="eventID", default=UNSET)
    event_time: _Maybe = msgspec.field(name="eventTime", default=UNSET)
    told_source: _Maybe = msgspec.field(name="EventSource", default=UNSET)
    s3: _Maybe = UNSET
    records: _Maybe = msgspec.field(name="Records", default=UNSET)
    lookup_events: _Maybe = msgspec.field(name="Events", default=UNSET)
    log_events: _Maybe = msgspec.field(name="events", default=UNSET)
    subscribed: _Maybe = msgspec.field(name="logEvents", default=UNSET)
    lookup_event: _Maybe = msgspec.field(name="CloudTrailEvent", default=UNSET)
    message: _Maybe = UNSET
    timestamp: _Maybe = UNSET
    detail: _Maybe = UNSET
    detail_type: _Maybe = msgspec.field(name="detail-type", default=UNSET)
    digest_key: _Maybe = msgspec.field(name="digestS3Object", default=UNSET)
    log_files: _Maybe = msgspec.field(name="logFiles", default=UNSET)
    hash_signature: _Maybe = msgspec.field(name="hashSignature", default=UNSET)

    def is_notification(self) -> bool:
        """Whether it is one of the events that services hand to functions and queues."""
        told = (self.event_source, self.told_source)
        return self.s3 is not UNSET or any(
            isinstance(one, Raw) and bytes(one).startswith(b'"aws:') for one in told
        )

    def is_record(self) -> bool:
        """Whether it has what records of some version have."""
        if self.is_notification():
            return False
        if self.event_version is not UNSET:
            return True
        known = (self.event_name, self.event_source, self.event_id, self.event_time)
        return sum(one is not UNSET for one in known) >= 2


_FAILURES = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_element = msgspec.json.Decoder(_Element)
_list = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_PLAIN_LISTS = (
    ("records", Form.RECORDS),
    ("lookup_events", Form.LOOKUP_EVENTS),
    ("log_events", Form.LOG_EVENTS),
    ("subscribed", Form.SUBSCRIPTION),
)


def looks_like_record(raw: bytes) -> bool:
    """Whether a JSON object has what records of some version have."""
    try:
        return _element.decode(raw).is_record()
    except _FAILURES:
        return False


def are_notifications(raws: Sequence[bytes]) -> bool:
    """Whether the items of `Records` are a service's notifications, all of them."""
    try:
        return bool(raws) and all(_element.decode(raw).is_notification() for raw in raws)
    except _FAILURES:
        return False


def take_value(raw: bytes, sieve: Sieve, limits: Limits, *, offset: int = -1) -> Form:
    """Put the records that one JSON object carries into `sieve`; in which form it carries them."""
    try:
        element = _element.decode(raw)
    except _FAILURES:
        take_record(raw, sieve, limits, offset=offset)  # which refuses it, and says why
        return Form.RECORD
    if element.is_record():
        take_record(raw, sieve, limits, offset=offset)
        return Form.RECORD
    for name, form in _PLAIN_LISTS:
        items = _items(getattr(element, name))
        if items is not None:
            return _take_list(items, form, sieve, limits)
    return _take_envelope(element, raw, sieve, limits, offset)


def take_record(raw: bytes, sieve: Sieve, limits: Limits, *, offset: int = -1) -> None:
    """Put one record into `sieve`, or say why it is none."""
    problem = refusal(raw, limits)
    if problem:
        sieve.refuse(offset, raw, problem)
        return
    if has_duplicate_keys(raw):
        sieve.flag(DUPLICATE_KEYS)
    sieve.raws.append(raw)


def _take_list(items: list[Raw], form: Form, sieve: Sieve, limits: Limits) -> Form:
    raws = [bytes(item) for item in items]
    if form is Form.RECORDS:
        if are_notifications(raws):
            return Form.NOTIFICATION
        for raw in raws:
            take_record(raw, sieve, limits)
        return form
    for raw in raws:
        if not raw.startswith(b"{"):
            sieve.refuse(-1, raw, "not a JSON object")
        elif take_value(raw, sieve, limits) is Form.DIGEST:
            sieve.refuse(-1, raw, NOT_A_RECORD)
    return form if raws else Form.EMPTY


def _take_envelope(
    element: _Element, raw: bytes, sieve: Sieve, limits: Limits, offset: int
) -> Form:
    form = Form.UNKNOWN
    if not isinstance(element.lookup_event, UnsetType):
        form = Form.LOOKUP_EVENTS
        take_text(bytes(element.lookup_event), sieve, limits)
    elif not isinstance(element.detail, UnsetType) and element.detail_type is not UNSET:
        form = Form.EVENTBRIDGE
        inner = bytes(element.detail)
        if looks_like_record(inner):
            take_record(inner, sieve, limits, offset=offset)
        else:
            sieve.refuse(offset, raw, "an EventBridge event that holds no CloudTrail record")
    elif not isinstance(element.message, UnsetType) and element.timestamp is not UNSET:
        form = Form.LOG_EVENTS
        take_text(bytes(element.message), sieve, limits)
    elif element.digest_key is not UNSET and element.log_files is not UNSET:
        form = Form.DIGEST
    elif element.hash_signature is not UNSET:
        form = Form.LAKE_RESULT
    elif element.is_notification():
        form = Form.NOTIFICATION
    else:
        sieve.refuse(offset, raw, NOT_A_RECORD)
    return form


def take_text(literal: bytes, sieve: Sieve, limits: Limits) -> None:
    """Put the record that a JSON string holds into `sieve`: the string's own bytes."""
    try:
        raw = _text.decode(literal).encode()
    except (msgspec.MsgspecError, UnicodeError):
        sieve.refuse(-1, literal, "not a JSON string that holds a record")
        return
    take_message(raw.strip(b" \t\r\n"), sieve, limits)


def take_message(raw: bytes, sieve: Sieve, limits: Limits, *, offset: int = -1) -> None:
    """Put a log event's message into `sieve`: a record, or an EventBridge event with one."""
    if not raw.startswith(b"{"):
        sieve.refuse(offset, raw, NOT_A_RECORD)
        return
    take_value(raw, sieve, limits, offset=offset)


def _items(member: _Maybe) -> list[Raw] | None:
    """A member's items if it is an array."""
    if isinstance(member, UnsetType):
        return None
    try:
        return _list.decode(bytes(member))
    except _FAILURES:
        return None
