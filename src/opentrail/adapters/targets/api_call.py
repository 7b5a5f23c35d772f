"""Calls of an AWS API with a role of the identities file.

The target is `arn:aws:scheduler:::aws-sdk:SERVICE:OPERATION`, as EventBridge Scheduler names such
targets; the payload is the operation's parameters in JSON. Source: EventBridge Scheduler user
guide, "Using universal targets".
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from opentrail.adapters.targets.calls import CallRefused, ServerCalls, told
from opentrail.arn import Arn
from opentrail.errors import InvalidInput
from opentrail.ports.targets.outbox import ANSWER_BYTES, Delivery
from opentrail.ports.targets.target import Answer, Outcome, Target
from opentrail.targets.function import check_role

ROLE = "role"
"""The attribute of a delivery that holds the role's ARN."""

REGION = "region"
"""The attribute that holds the region of the call; the delivery's own, unless given."""

_SDK = "aws-sdk:"


class ApiCallTarget(Target):
    """See ports.targets.target."""

    event_name = "ApiCallMade"

    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls

    def send(self, delivery: Delivery, now: datetime) -> Answer:  # noqa: ARG002 - the port's
        service, name = _operation(delivery.target)
        parameters = _parameters(delivery.payload)
        role, region = delivery.attribute(ROLE), delivery.attribute(REGION) or delivery.region
        if not role:
            raise InvalidInput("a call of an API needs a role")
        check_role(role, delivery.account_id)
        key = self._calls.assume(role, delivery.id, region)
        client = self._calls.client(service, region, key)
        method = _method(client, service, name)
        try:
            with told(f"call {service}:{name}"):
                answer = getattr(client, method)(**parameters)
        except CallRefused as problem:
            return Answer(
                outcome=Outcome.REFUSED, status=problem.code, detail=str(problem), acted=True
            )
        metadata = answer.pop("ResponseMetadata", {})
        return Answer(
            outcome=Outcome.DELIVERED,
            status=str(metadata.get("HTTPStatusCode", "")),
            content=json.dumps(answer, default=str).encode()[:ANSWER_BYTES],
            acted=True,
        )


def is_api_call(target: str) -> bool:
    """Whether a delivery's target is an API."""
    parts = target.split(":", 5)
    return len(parts) == 6 and parts[2] == "scheduler" and parts[5].startswith(_SDK)


def _operation(target: str) -> tuple[str, str]:
    service, _, name = Arn.parse(target).resource.removeprefix(_SDK).partition(":")
    if not service or not name:
        raise InvalidInput(
            f"{target[:200]!r}: expected arn:aws:scheduler:::aws-sdk:SERVICE:OPERATION"
        )
    return service, name


def _method(client: Any, service: str, name: str) -> str:
    """The client's method of an operation, however its first letter is written."""
    for method, operation in client.meta.method_to_api_mapping.items():
        if operation.lower() == name.lower():
            return str(method)
    raise InvalidInput(f"{service[:100]} has no operation {name[:100]}")


def _parameters(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload or b"{}")
    except (ValueError, RecursionError) as cause:
        raise InvalidInput(f"the parameters are no JSON: {cause}") from cause
    if not isinstance(found, dict):
        raise InvalidInput("the parameters are no JSON object")
    return found
