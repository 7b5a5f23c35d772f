"""A finding as its targets get it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import msgspec

from opentrail.clock import iso_seconds
from opentrail.ports.sigma.rule_files import FindingTarget
from opentrail.ports.targets.outbox import Delivery
from opentrail.sigma.finding import Finding

_NAMESPACE = uuid.UUID("6b0cc3a9-3a43-5f0c-a1a4-2f1c0b7f4a55")
"""Of idempotency keys; never changes."""

_NO_REGION = "us-east-1"
"""Of a finding whose records tell none."""


def delivery(finding: Finding, target: FindingTarget, access_key_id: str) -> Delivery:
    """One target's delivery: the same finding and target, the same one.

    Args:
        access_key_id: That signed the call which led to it, "" if none did.
    """
    attributes = {"subject": f"[{finding.level}] {finding.rule_title}", "role": target.role}
    return Delivery(
        id=str(uuid.uuid5(_NAMESPACE, f"{finding.rule_id} {target.target} {finding.id}")),
        account_id=finding.account_id,
        region=finding.region or _NO_REGION,
        target=target.target,
        cause=cause_of(finding),
        event_ids=finding.event_ids,
        payload=message(finding),
        attributes=tuple((name, value) for name, value in attributes.items() if value),
        created=finding.made,
        dead_letter=target.dead_letter,
        needs_approval=target.needs_approval,
        dry_run=target.dry_run,
        access_key_id=access_key_id,
    )


def cause_of(finding: Finding) -> str:
    """The rule, as an ARN of ours."""
    return (
        f"arn:aws:opentrail:{finding.region or _NO_REGION}:{finding.account_id}:"
        f"sigma-rule/{finding.rule_id}"
    )


def message(finding: Finding) -> bytes:
    """The finding in an envelope like EventBridge's, so that one handler can take both."""
    detail = {
        **msgspec.structs.asdict(finding),
        "first_time": _iso(finding.first_time),
        "last_time": _iso(finding.last_time),
        "made": _iso(finding.made),
        "values": dict(finding.values),
    }
    envelope = {
        "version": "0",
        "id": finding.id,
        "detail-type": "Sigma Finding",
        "source": "opentrail.sigma",
        "account": finding.account_id,
        "time": _iso(finding.last_time),
        "region": finding.region,
        "resources": [],
        "detail": detail,
    }
    return msgspec.json.encode(envelope)


def _iso(seconds: int) -> str:
    return iso_seconds(datetime.fromtimestamp(seconds, UTC))
