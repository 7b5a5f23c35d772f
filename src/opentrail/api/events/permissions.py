"""PutPermission, RemovePermission: who else may put events on a bus.

Source: EventBridge API reference; EventBridge user guide, "Permissions for event buses".
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from opentrail.access.evaluate import Asking, Verdict, evaluate
from opentrail.access.policy import InvalidPolicy, parse_policy
from opentrail.api.errors import ApiError
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    own_bus,
    saved_bus,
)
from opentrail.api.outcome import Caller, Reply
from opentrail.arn import partition_of
from opentrail.rules.rule import DEFAULT_BUS, EventBus

MOST_CHARACTERS = 10_240
"""Of a bus's policy."""

_PUT_EVENTS = "events:PutEvents"


def put_permission(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A statement added, or the whole policy."""
    bus, version = _bus(parameters, caller, backends)
    policy = parameters.get("Policy") or _with_statement(bus, parameters)
    if len(policy) > MOST_CHARACTERS:
        raise ApiError(
            "PolicyLengthExceededException",
            f"The policy has {len(policy)} characters; {MOST_CHARACTERS} are allowed.",
        )
    try:
        parse_policy(policy)
    except InvalidPolicy as problem:
        raise ApiError("ValidationException", f"The policy is not valid: {problem}") from None
    return _changed(bus, version, policy, caller)


def remove_permission(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """A statement removed, or all of them."""
    bus, version = _bus(parameters, caller, backends)
    if parameters.get("RemoveAllPermissions"):
        return _changed(bus, version, "", caller)
    if not bus.policy:
        raise ApiError("ResourceNotFoundException", "EventBus does not have a policy.")
    wanted = parameters.get("StatementId")
    statements = _statements(bus.policy)
    left = [one for one in statements if one.get("Sid") != wanted]
    if len(left) == len(statements):
        raise ApiError(
            "ResourceNotFoundException", "Statement with the provided id does not exist."
        )
    return _changed(bus, version, _document(left) if left else "", caller)


def may_put(bus: EventBus, caller: Caller) -> bool:
    """Whether the caller may put events on a bus of another account."""
    if not bus.policy:
        return False
    principal = caller.credential.principal
    asking = Asking(
        action=_PUT_EVENTS,
        resource=bus.arn,
        principals=(("AWS", principal.arn), ("AWS", caller.account_id)),
        context={"aws:principalaccount": caller.account_id, "aws:principalarn": principal.arn},
    )
    return evaluate((parse_policy(bus.policy),), asking) is Verdict.ALLOWED


def _bus(parameters: Parameters, caller: Caller, backends: EventsBackends) -> tuple[EventBus, int]:
    return own_bus(parameters.get("EventBusName", DEFAULT_BUS), caller, backends)


def _with_statement(bus: EventBus, parameters: Parameters) -> str:
    given = [parameters.get(name) for name in ("Action", "Principal", "StatementId")]
    if None in given:
        raise ApiError(
            "ValidationException",
            "Parameter(s) Policy, or Action, Principal and StatementId must be specified.",
        )
    action, principal, name = given
    if action != _PUT_EVENTS:
        raise ApiError("ValidationException", f"Parameter Action is not {_PUT_EVENTS}.")
    who = f"arn:{partition_of(bus.region)}:iam::{principal}:root"
    statement: dict[str, Any] = {
        "Sid": name,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": who},
        "Action": _PUT_EVENTS,
        "Resource": bus.arn,
    }
    condition = parameters.get("Condition")
    if condition is not None:
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    others = _statements(bus.policy) if bus.policy else []
    return _document([*(one for one in others if one.get("Sid") != name), statement])


def _statements(policy: str) -> list[dict[str, Any]]:
    found = json.loads(policy)["Statement"]
    return found if isinstance(found, list) else [found]


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _changed(bus: EventBus, version: int, policy: str, caller: Caller) -> Reply:
    changed = msgspec.structs.replace(bus, policy=policy, changed=int(caller.now.timestamp()))
    return Reply({}, (saved_bus(changed, version),))
