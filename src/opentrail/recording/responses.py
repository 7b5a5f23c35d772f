"""Records of what OpenTrail did on its own: a webhook sent, a function run, a call made.

They are service events of OpenTrail's own. `additionalEventData` tells the cause: the ARN of the
rule, alarm or subscription, the eventIDs of the records that it comes from, and the delivery's id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from opentrail.clock import iso_seconds
from opentrail.recording.compose import EVENT_VERSION, encode

EVENT_SOURCE = "opentrail.amazonaws.com"

GIVEN_UP = "ResponseGivenUp"
APPROVED = "ResponseApproved"
REFUSED = "ResponseRefused"
RETRIED = "ResponseRetried"
"""Names of records beside those of targets (`WebhookSent`, `FunctionRun`, …)."""

_NAMESPACE = UUID("0b8f1d5e-50a5-4f35-9a6a-1d8d4a0c7b52")
MOST_EVENT_IDS = 100
MOST_TEXT = 1024
_OURSELVES = "AWS Internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFacts:
    """What a response's record tells.

    Attributes:
        name: eventName.
        place: Tells records of one delivery apart; the same one gives the same eventID.
        target: As records may tell it, without secrets.
        status: The target's word.
        problem: What was wrong, "" if nothing.
        person: Who decided; "" where nobody did.
        data: Whether it is a data event, as a function's run for a subscriber of a topic is.
    """

    name: str
    place: str
    account_id: str
    region: str
    delivery_id: str
    cause: str
    event_ids: tuple[str, ...]
    target: str
    status: str = ""
    attempt: int = 0
    problem: str = ""
    dry_run: bool = False
    person: str = ""
    data: bool = False


def response_record(facts: ResponseFacts, when: datetime) -> tuple[str, bytes]:
    """The eventID and the record."""
    event_id = str(uuid5(_NAMESPACE, f"{facts.delivery_id}/{facts.place}"))
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {"accountId": facts.account_id, "invokedBy": _OURSELVES},
        "eventTime": iso_seconds(when),
        "eventSource": EVENT_SOURCE,
        "eventName": facts.name,
        "awsRegion": facts.region,
        "sourceIPAddress": _OURSELVES,
        "userAgent": _OURSELVES,
    }
    if facts.problem:
        code = _text(facts.status) or "ResponseFailed"
        record |= {"errorCode": code, "errorMessage": _text(facts.problem)}
    record |= {
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": _cause(facts),
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": not facts.data,
        "recipientAccountId": facts.account_id,
        "serviceEventDetails": _details(facts),
        "eventCategory": "Data" if facts.data else "Management",
    }
    return event_id, encode(record)


def _cause(facts: ResponseFacts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "deliveryId": facts.delivery_id,
        "cause": _text(facts.cause),
        "causeEventIDs": list(facts.event_ids[:MOST_EVENT_IDS]),
    }
    if len(facts.event_ids) > MOST_EVENT_IDS:
        found["causeEventCount"] = len(facts.event_ids)
    return found


def _details(facts: ResponseFacts) -> dict[str, Any]:
    found: dict[str, Any] = {"target": _text(facts.target)}
    if facts.status:
        found["status"] = _text(facts.status)
    if facts.attempt:
        found["attempt"] = facts.attempt
    if facts.dry_run:
        found["dryRun"] = True
    if facts.person:
        found["decidedBy"] = _text(facts.person)
    return found


def _text(text: str) -> str:
    """A target's words may hold what no JSON can."""
    return text[:MOST_TEXT].encode("utf-8", "replace").decode()
