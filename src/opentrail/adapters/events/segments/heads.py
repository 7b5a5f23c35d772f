"""The texts of a record's columns: quickly where the record is as AWS writes it, else carefully.

Both ways must tell the same; the careful one decides (tests/adapters/test_event_store_proof.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from opentrail.adapters.events.segments.schema import (
    HASHED_PATHS,
    IDENTITY_PATHS,
    LIST_PATHS,
    TOP_PATHS,
    Path,
)
from opentrail.history.resource_names import names_in
from opentrail.history.row import username
from opentrail.predicate.reading import Spelled, decoded, leads_to, texts_at
from opentrail.record import UserIdentity


class Untold(Enum):
    """Stands where a field holds what no single text tells."""

    COMPLEX = 1


COMPLEX = Untold.COMPLEX
Text = str | Untold | None
"""A column's text; None where the field is absent."""

_NULL = msgspec.Raw(b"null")

PARTS = (
    "userIdentity",
    "requestParameters",
    "responseElements",
    "resources",
    "additionalEventData",
    "serviceEventDetails",
    "tlsDetails",
    "insightDetails",
)
"""Members that are kept as JSON beside the columns, in the open files."""


Texts = tuple[Text, ...]
Pairs = tuple[tuple[str, str], ...]


class Head(msgspec.Struct, gc=False):
    """The members of a record that columns are made of, where they have their usual types."""

    eventTime: str
    userIdentity: msgspec.Raw = _NULL
    eventVersion: str | None = None
    eventSource: str | None = None
    eventName: str | None = None
    eventType: str | None = None
    eventCategory: str | None = None
    awsRegion: str | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    errorCode: str | None = None
    readOnly: bool | None = None
    managementEvent: bool | None = None
    recipientAccountId: str | None = None
    vpcEndpointId: str | None = None
    eventID: str | None = None
    requestID: str | None = None
    sharedEventID: str | None = None
    resources: msgspec.Raw = _NULL
    requestParameters: msgspec.Raw = _NULL
    responseElements: msgspec.Raw = _NULL
    additionalEventData: msgspec.Raw = _NULL
    serviceEventDetails: msgspec.Raw = _NULL
    tlsDetails: msgspec.Raw = _NULL
    insightDetails: msgspec.Raw = _NULL
    errorMessage: str | None = None


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that is not as usual, its texts found one by one.

    Attributes:
        texts: Of TOP_PATHS, then HASHED_PATHS.
        identity: Of IDENTITY_PATHS.
        lists: Of LIST_PATHS, all texts.
        parameters: The request's, decoded.
        readable: False: there is no record in the bytes.
    """

    event_time: int | None
    texts: tuple[Text, ...]
    identity: tuple[Text, ...]
    username: str
    lists: tuple[Texts, ...]
    resources: tuple[Pairs, bool]
    parts: tuple[bytes, ...]
    parameters: Any
    readable: bool


class _Issuer(msgspec.Struct, gc=False):
    arn: str | None = None
    userName: str | None = None


class _Attributes(msgspec.Struct, gc=False):
    mfaAuthenticated: str | None = None
    creationDate: str | None = None


class _Session(msgspec.Struct, gc=False):
    sessionIssuer: _Issuer | None = None
    attributes: _Attributes | None = None
    sourceIdentity: str | None = None


class _Identity(msgspec.Struct, gc=False):
    type: str | None = None
    principalId: str | None = None
    arn: str | None = None
    accountId: str | None = None
    accessKeyId: str | None = None
    userName: str | None = None
    invokedBy: str | None = None
    sessionContext: _Session | None = None


class _Resource(msgspec.Struct, gc=False):
    ARN: str | None = None
    type: str | None = None


_HEAD = msgspec.json.Decoder(Head)
_IDENTITY = msgspec.json.Decoder(_Identity | None)
_RESOURCES = msgspec.json.Decoder(list[_Resource] | None)
_PART = msgspec.json.Decoder(float_hook=Spelled)
REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)
_EMPTY_SESSION, _EMPTY_ISSUER, _EMPTY_ATTRIBUTES = _Session(), _Issuer(), _Attributes()
NO_IDENTITY: tuple[tuple[Text, ...], str] = ((None,) * len(IDENTITY_PATHS), "")


def read_head(raw: bytes) -> Head | None:
    """The head of a usual record, None for an odd one."""
    if not raw.isascii() and not _is_utf8(raw):
        return None
    try:
        return _HEAD.decode(raw)
    except REFUSED:
        return None


def _is_utf8(raw: bytes) -> bool:
    """What is skipped while decoding is not looked at otherwise."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_identity(raw: bytes) -> tuple[tuple[Text, ...], str] | None:
    """Texts of IDENTITY_PATHS and the user name of look-ups; None for an odd one."""
    try:
        one = _IDENTITY.decode(raw)
    except REFUSED:
        return None
    if one is None:
        return NO_IDENTITY
    session = one.sessionContext or _EMPTY_SESSION
    issuer = session.sessionIssuer or _EMPTY_ISSUER
    attributes = session.attributes or _EMPTY_ATTRIBUTES
    texts = (
        one.type,
        one.principalId,
        one.arn,
        one.accountId,
        one.accessKeyId,
        one.userName,
        one.invokedBy,
        issuer.arn,
        issuer.userName,
        session.sourceIdentity,
        attributes.mfaAuthenticated,
        attributes.creationDate,
    )
    return texts, _username(texts)


@dataclass(frozen=True, slots=True)
class Resources:
    """A record's own resources.

    Attributes:
        lists: Texts of LIST_PATHS.
        pairs: (type, ARN) of those that have both.
    """

    lists: tuple[Texts, ...]
    pairs: Pairs


def read_resources(raw: bytes) -> Resources | None:
    """The resources in a member's JSON; None for odd ones."""
    try:
        found = _RESOURCES.decode(raw) or []
    except REFUSED:
        return None
    return Resources(
        lists=(
            tuple(one.ARN for one in found if one.ARN is not None),
            tuple(one.type for one in found if one.type is not None),
        ),
        pairs=tuple((one.type, one.ARN) for one in found if one.type and one.ARN),
    )


def epoch_seconds(text: str) -> int | None:
    """The time that a record's eventTime tells, in any of its spellings; None if it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    try:
        return int(when.timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def read_odd(raw: bytes) -> Odd:
    """Every text of an odd record."""
    record = decoded(raw)
    if record is None:
        return _unreadable()
    identity = tuple(_text(record, path) for path in IDENTITY_PATHS)
    source = _text(record, ("eventSource",))
    return Odd(
        event_time=_odd_time(record),
        texts=tuple(_text(record, path) for path in TOP_PATHS + HASHED_PATHS),
        identity=identity,
        username=_username(identity),
        lists=tuple(_list(record, path) for path in LIST_PATHS),
        resources=_odd_resources(record, source if isinstance(source, str) else ""),
        parts=tuple(_dumped(record.get(name)) for name in PARTS),
        parameters=record.get("requestParameters"),
        readable=True,
    )


def read_part(raw: bytes) -> Any:
    """A member's JSON decoded, numbers as they are spelled; None where it can hold nothing.

    Raises:
        ValueError: it is not as usual (REFUSED has all kinds).
    """
    if len(raw) < _SHORTEST:
        return None
    if b"-0" in raw and _MINUS_ZERO.search(raw):
        raise ValueError("a number that is spelled as no int is")
    return _PART.decode(raw)


_MINUS_ZERO = re.compile(rb"-0[\s,\]}]")
_SHORTEST = len(b'{"a":1}')


def _unreadable() -> Odd:
    nothing = (None,) * (len(TOP_PATHS) + len(HASHED_PATHS))
    return Odd(
        None,
        nothing,
        NO_IDENTITY[0],
        "",
        ((),) * len(LIST_PATHS),
        ((), False),
        (b"",) * len(PARTS),
        None,
        False,
    )


def _username(texts: tuple[Text, ...]) -> str:
    def text(number: int) -> str | None:
        found = texts[number]
        return found if isinstance(found, str) else None

    return username(UserIdentity(type=text(0), arn=text(2), user_name=text(5), invoked_by=text(6)))


def _text(record: Mapping[str, Any], path: Path) -> Text:
    texts = texts_at(record, path)
    if len(texts) == 1 and not _enters_array(record, path):
        return texts[0]
    return COMPLEX if texts or leads_to(record, path) else None


def _enters_array(value: Any, path: Path) -> bool:
    for name in path:
        if isinstance(value, list):
            return True
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, list)


def _list(record: Mapping[str, Any], path: Path) -> Texts:
    """All texts; COMPLEX among them where there may be more than texts."""
    texts: Texts = texts_at(record, path)
    return (*texts, COMPLEX) if leads_to(record, path) else ()


def odd_identity(raw: bytes) -> tuple[Texts, str]:
    """As read_identity, for an identity that is not as usual."""
    record = decoded(b'{"userIdentity":' + raw + b"}") or {}
    texts = tuple(_text(record, path) for path in IDENTITY_PATHS)
    return texts, _username(texts)


def _odd_time(record: Mapping[str, Any]) -> int | None:
    """Aggregated events and those of applications tell their time elsewhere."""
    for path in (("eventTime",), ("timeWindow", "windowEnd"), ("eventData", "eventTime")):
        text = _text(record, path)
        if isinstance(text, str) and (when := epoch_seconds(text)) is not None:
            return when
    return None


def _odd_resources(
    record: Mapping[str, Any], source: str
) -> tuple[tuple[tuple[str, str], ...], bool]:
    found = record.get("resources")
    named = (
        (one.get("type"), one.get("ARN"))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    )
    pairs = tuple(
        (kind, arn)
        for kind, arn in named
        if isinstance(kind, str) and isinstance(arn, str) and kind and arn
    )
    return names_in(
        source, pairs, [record.get("requestParameters"), record.get("responseElements")]
    )


def _dumped(value: Any) -> bytes:
    return b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
