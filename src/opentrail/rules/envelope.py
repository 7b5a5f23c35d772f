"""CloudTrail's records, scheduled times and custom events as events of EventBridge.

Source: EventBridge user guide, "Amazon EventBridge events" and "AWS service events delivered via
CloudTrail"; lang: EventBridge 5; spec: record contents, section 12.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha1
from typing import Any
from uuid import UUID

_NAMESPACE = UUID("7c0f9a56-2d3b-5b0e-9d54-6a1f0d6b7e21").bytes
"""Of ids made here (UUID version 5), so that the same event has the same id in every run."""

_DETAIL_TYPES = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
    "AwsVpceEvent": "AWS Network Activity Event via CloudTrail",
}
_API_CALL = _DETAIL_TYPES["AwsApiCall"]

SIGN_IN = _DETAIL_TYPES["AwsConsoleSignIn"]
SIGN_IN_ELSEWHERE = "AWS Console Signin via CloudTrail"
"""As one page of AWS's spells it; rules that ask for it get sign-ins, too."""

_READING = ("Describe", "Get", "List")
_HOST = ".amazonaws.com"


@dataclass(frozen=True)
class Event:
    """An event; its JSON is made once, for all who take it as it is.

    Attributes:
        values: As predicate.reading decodes it.
        detail: The JSON of its detail, as it came.
        reads_only: A read-only management event, which only some rules take.
    """

    values: Mapping[str, Any]
    detail: bytes
    reads_only: bool = False

    @cached_property
    def text(self) -> str:
        """The event's JSON."""
        head = {name: value for name, value in self.values.items() if name != "detail"}
        before = json.dumps(head, separators=(",", ":"))[:-1]
        return f'{before},"detail":{self.detail.decode()}}}'

    @cached_property
    def payload(self) -> bytes:
        """The bytes of `text`."""
        return encoded(self.text)

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.values["id"])

    def spellings(self) -> Iterator[Mapping[str, Any]]:
        """The event's values, as rules may ask for them."""
        yield self.values
        if self.values["detail-type"] == SIGN_IN:
            yield {**self.values, "detail-type": SIGN_IN_ELSEWHERE}


def of_record(record: Mapping[str, Any], raw: bytes) -> Event:
    """The event of a record.

    Args:
        record: As predicate.reading decodes it.
        raw: Its bytes, which become the event's detail as they are.
    """
    values = {
        "version": "0",
        "id": stable_id(_text(record, "eventID") or raw.decode("utf-8", "replace")),
        "detail-type": _DETAIL_TYPES.get(_text(record, "eventType"), _API_CALL),
        "source": _source(record),
        "account": _text(record, "recipientAccountId"),
        "time": _text(record, "eventTime"),
        "region": _text(record, "awsRegion"),
        "resources": [],
        "detail": record,
    }
    return Event(values, raw, reads_only=_reads_only(record))


def of_schedule(rule_arn: str, account_id: str, region: str, time: str) -> Event:
    """The event of a scheduled rule that is due.

    Args:
        time: When it is due, as 2026-07-01T09:00:00Z.
    """
    values = {
        "version": "0",
        "id": stable_id(f"{rule_arn} {time}"),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account_id,
        "time": time,
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }
    return Event(values, b"{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """What somebody put on an event bus.

    Attributes:
        detail: A JSON object, as predicate.reading decodes it.
        detail_text: The same as it was sent.
    """

    id: str
    source: str
    detail_type: str
    account_id: str
    region: str
    time: str
    resources: tuple[str, ...]
    detail: Mapping[str, Any]
    detail_text: str


def of_custom(custom: Custom) -> Event:
    """The event of what somebody put on a bus."""
    values = {
        "version": "0",
        "id": custom.id,
        "detail-type": custom.detail_type,
        "source": custom.source,
        "account": custom.account_id,
        "time": custom.time,
        "region": custom.region,
        "resources": list(custom.resources),
        "detail": custom.detail,
    }
    return Event(values, custom.detail_text.encode())


def stable_id(name: str) -> str:
    """An id that is the same whenever it is made of the same text."""
    digest = bytearray(sha1(_NAMESPACE + _bytes(name), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    digits = digest.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if type(value) is str else ""


def _source(record: Mapping[str, Any]) -> str:
    if _text(record, "eventType") == "AwsCloudTrailInsight":
        return "aws.cloudtrail"
    source = _text(record, "eventSource")
    return f"aws.{source.removesuffix(_HOST)}" if source.endswith(_HOST) else source


def _reads_only(record: Mapping[str, Any]) -> bool:
    """Whether only rules take it that are enabled with all of CloudTrail's management events."""
    if record.get("eventCategory", "Management") != "Management":
        return False
    if record.get("managementEvent") is False:
        return False
    reads = record.get("readOnly")
    if reads is None:
        return _text(record, "eventName").startswith(_READING)
    return reads is True


def encoded(text: str) -> bytes:
    """What a target gets for a text; half characters, which are no UTF-8, become `?`."""
    return text.encode("utf-8", "replace")
