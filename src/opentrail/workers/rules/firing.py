"""From an event that a rule takes to the deliveries to its targets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog

from opentrail.clock import iso_seconds
from opentrail.ports.targets.outbox import Delivery
from opentrail.rules.book import ActiveRule
from opentrail.rules.envelope import Event, encoded, stable_id
from opentrail.rules.rule import MOST_ATTEMPTS, MOST_SECONDS, Rule, Target
from opentrail.rules.transform import NotTransformed, Occasion

DRY_RUN_TAG = "opentrail:dry-run"
APPROVAL_TAG = "opentrail:approval"
"""Tags of a rule: `true`, its deliveries are told and never sent; `required`, a person has to allow
each."""

_log = structlog.get_logger()


def deliveries(
    taker: ActiveRule,
    event: Event,
    *,
    now: datetime,
    event_ids: tuple[str, ...] = (),
    access_key_id: str = "",
) -> Iterator[Delivery]:
    """One delivery for each target of the rule.

    A target whose template makes nothing of the event gets none, as with EventBridge; it is told
    in the log.

    Args:
        now: When the event was taken.
        event_ids: eventIDs of the records that it comes from.
        access_key_id: The key that signed the call that it is of; "" for none.
    """
    rule = taker.rule
    occasion = Occasion(
        event=event.values,
        text=event.text,
        rule_arn=rule.arn,
        rule_name=rule.name,
        ingested=iso_seconds(now),
    )
    for target, input_for in taker.inputs:
        try:
            text = input_for(occasion)
        except NotTransformed as problem:
            _log.warning(
                "event_not_transformed",
                rule=rule.arn,
                target=target.id,
                event_id=event.id,
                problem=str(problem),
            )
            continue
        yield Delivery(
            # The same rule, target and event, the same delivery: it is put once.
            id=stable_id(f"{rule.arn} {target.id} {event.id}"),
            account_id=rule.account_id,
            region=rule.region,
            target=target.arn,
            cause=rule.arn,
            event_ids=event_ids,
            # Those that get the event itself share its bytes.
            payload=event.payload if text is event.text else encoded(text),
            attributes=_attributes(rule, target),
            created=int(now.timestamp()),
            max_attempts=_or(target.max_attempts, MOST_ATTEMPTS),
            max_age_seconds=_or(target.max_age_seconds, MOST_SECONDS),
            dead_letter=target.dead_letter_arn,
            needs_approval=rule.tag(APPROVAL_TAG) == "required",
            dry_run=rule.tag(DRY_RUN_TAG) == "true",
            access_key_id=access_key_id,
        )


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _attributes(rule: Rule, target: Target) -> tuple[tuple[str, str], ...]:
    found = {
        "role": target.role_arn or rule.role_arn,
        "group": _text(target.others.get("SqsParameters"), "MessageGroupId"),
    }
    http = target.others.get("HttpParameters")
    headers = http.get("HeaderParameters") if isinstance(http, dict) else None
    if isinstance(headers, dict):
        found |= {f"header:{name}": str(value) for name, value in headers.items()}
    return tuple((name, value) for name, value in found.items() if value)


def _text(parameters: object, name: str) -> str:
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value if isinstance(value, str) else ""
