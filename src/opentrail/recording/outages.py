"""Records of what could not be recorded: an outage of the journal, a gap found at a start.

They are service events of OpenTrail's own, in the shape that AWS gives its own (spec: record
contents 6.1), with `addendum.reason` SERVICE_OUTAGE.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opentrail.clock import iso_seconds
from opentrail.recording.compose import EVENT_VERSION, SERVICE_OUTAGE, RecordFacts, encode

OUTAGE_NAME = "RecordingOutage"
GAP_NAME = "RecordingGap"
_OURSELVES = "AWS Internal"


def outage_record(
    name: str, details: Mapping[str, object], *, when: datetime, region: str, facts: RecordFacts
) -> bytes:
    """The record of an outage or gap.

    Args:
        name: OUTAGE_NAME or GAP_NAME.
        details: Become `serviceEventDetails`.
    """
    return encode(
        {
            "eventVersion": EVENT_VERSION,
            "userIdentity": {"accountId": facts.account_id, "invokedBy": _OURSELVES},
            "eventTime": iso_seconds(when),
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": _OURSELVES,
            "userAgent": _OURSELVES,
            "requestParameters": None,
            "responseElements": None,
            "eventID": facts.event_id,
            "readOnly": False,
            "eventType": "AwsServiceEvent",
            "managementEvent": True,
            "recipientAccountId": facts.account_id,
            "serviceEventDetails": dict(details),
            "eventCategory": "Management",
            "addendum": {"reason": SERVICE_OUTAGE},
        }
    )
