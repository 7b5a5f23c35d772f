"""PutTargets, RemoveTargets, ListTargetsByRule, ListRuleNamesByTarget.

Source: EventBridge API reference; the messages are those that AWS gave (lang: EventBridge 6).
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.events.paging import paged
from opentrail.api.events.stored import (
    EventsBackends,
    Parameters,
    bus_of,
    invalid_arn,
    limit_exceeded,
    rule_of,
    rules_of,
    turned,
)
from opentrail.api.outcome import Caller, Reply
from opentrail.arn import Arn
from opentrail.errors import InvalidArn, InvalidInput
from opentrail.rules.json_path import InvalidPath, parse_path
from opentrail.rules.rule import Target, Transformer
from opentrail.rules.transform import PREDEFINED, placeholders
from opentrail.targets.function import check_role
from opentrail.targets.mail import is_mail
from opentrail.targets.webhook import InvalidUrl, is_webhook, parse_url

_SERVICES = frozenset({"lambda", "logs", "scheduler", "sns", "sqs"})
"""Whose ARNs deliveries go to; scheduler's stand for calls of any API."""

_OURS = frozenset(
    {
        *("Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer"),
        *("DeadLetterConfig", "RetryPolicy"),
    }
)


def put_targets(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Targets added; one of the same id is replaced."""
    bus = bus_of(parameters, caller, backends)
    stored = rule_of(parameters["Rule"], bus, backends)
    targets = {target.id: target for target in stored.rule.targets}
    given = [_parsed(one) for one in parameters["Targets"]]
    reasons = {one.id: _why_not(one, bus.account_id) for one in given}
    failed = [
        {"TargetId": target_id, "ErrorCode": "UnsupportedTarget", "ErrorMessage": why}
        for target_id, why in reasons.items()
        if why
    ]
    targets |= {one.id: one for one in given if not reasons[one.id]}
    if len(targets) > backends.quotas.targets_per_rule:
        raise limit_exceeded()
    output = {"FailedEntryCount": len(failed), "FailedEntries": failed}
    if len(failed) == len(given):
        return Reply(output)
    rule = msgspec.structs.replace(stored.rule, targets=tuple(targets.values()))
    return Reply(output, turned(rule.key, rule, stored.history, stored.version, backends))


def remove_targets(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """Targets removed by id."""
    bus = bus_of(parameters, caller, backends)
    stored = rule_of(parameters["Rule"], bus, backends)
    gone = set(parameters["Ids"])
    left = tuple(target for target in stored.rule.targets if target.id not in gone)
    known = {target.id for target in stored.rule.targets}
    failed = [
        {
            "TargetId": target_id,
            "ErrorCode": "ResourceNotFoundException",
            "ErrorMessage": f"Rule '{stored.rule.name}' does not have a target with the Id "
            f"'{target_id}'.",
        }
        for target_id in parameters["Ids"]
        if target_id not in known
    ]
    output = {"FailedEntryCount": len(failed), "FailedEntries": failed}
    if len(left) == len(stored.rule.targets):
        return Reply(output)
    rule = msgspec.structs.replace(stored.rule, targets=left)
    return Reply(output, turned(rule.key, rule, stored.history, stored.version, backends))


def list_targets_by_rule(parameters: Parameters, caller: Caller, backends: EventsBackends) -> Reply:
    """The targets of a rule, by id."""
    bus = bus_of(parameters, caller, backends)
    targets = rule_of(parameters["Rule"], bus, backends).rule.targets
    found = sorted(targets, key=lambda target: target.id)
    page, more = paged(found, parameters, lambda target: target.id)
    return Reply({"Targets": [_described(target) for target in page], **more})


def list_rule_names_by_target(
    parameters: Parameters, caller: Caller, backends: EventsBackends
) -> Reply:
    """The names of a bus's rules that tell a target."""
    bus = bus_of(parameters, caller, backends)
    wanted = parameters["TargetArn"]
    found = [
        rule.name
        for rule in rules_of(bus, backends)
        if any(target.arn == wanted for target in rule.targets)
    ]
    page, more = paged(found, parameters, lambda name: name)
    return Reply({"RuleNames": page, **more})


def _parsed(given: Parameters) -> Target:
    """The target that a request gives.

    Raises:
        ApiError: ValidationException.
    """
    target_id, retry = given["Id"], given.get("RetryPolicy", {})
    _check_arn(given["Arn"])
    inputs = [one for one in ("Input", "InputPath", "InputTransformer") if given.get(one)]
    if len(inputs) > 1:
        raise ApiError(
            "ValidationException",
            "Only one of Input, InputPath, or InputTransformer must be provided for target "
            f"{target_id}.",
        )
    _check_input(given.get("Input"), target_id)
    _check_path(given.get("InputPath"), target_id)
    dead_letter = given.get("DeadLetterConfig", {}).get("Arn", "")
    if dead_letter:
        _check_queue(dead_letter)
    return Target(
        id=target_id,
        arn=given["Arn"],
        role_arn=given.get("RoleArn", ""),
        input=given.get("Input") or None,
        input_path=given.get("InputPath") or None,
        transformer=_transformer(given.get("InputTransformer"), target_id),
        dead_letter_arn=dead_letter,
        max_attempts=retry.get("MaximumRetryAttempts"),
        max_age_seconds=retry.get("MaximumEventAgeInSeconds"),
        others={name: value for name, value in given.items() if name not in _OURS},
    )


def _check_arn(text: str) -> None:
    """Nothing, if it may be whom deliveries go to: an ARN, or a URL, or a mail address."""
    if is_webhook(text):
        try:
            parse_url(text)
        except InvalidUrl as problem:
            raise ApiError("ValidationException", str(problem)) from None
    elif not is_mail(text):
        try:
            Arn.parse(text)
        except InvalidArn:
            raise invalid_arn(text) from None


def _check_queue(text: str) -> None:
    try:
        is_queue = Arn.parse(text).service == "sqs"
    except InvalidArn:
        is_queue = False
    if not is_queue:
        raise invalid_arn(text)


def _why_not(target: Target, account_id: str) -> str:
    """Why nothing could ever be delivered to a target, "" if something can."""
    if is_webhook(target.arn) or is_mail(target.arn):
        return ""
    arn = Arn.parse(target.arn)
    if arn.service not in _SERVICES:
        return (
            f"OpenTrail does not deliver to {arn.service}; it does "
            f"to {', '.join(sorted(_SERVICES))}, to webhooks and by mail."
        )
    if arn.service == "scheduler":
        return _why_not_role(target.role_arn, account_id)
    if arn.account != account_id:
        return f"{target.arn[:200]} is not of account {account_id}, whose rule it is."
    return ""


def _why_not_role(role: str, account_id: str) -> str:
    if not role:
        return "A call of an API needs a RoleArn."
    try:
        check_role(role, account_id)
    except InvalidInput as problem:
        return f"{problem}."
    return ""


def _check_input(text: str | None, target_id: str) -> None:
    if not text:
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError(
            "ValidationException", f"JSON syntax error in input for target {target_id}."
        ) from None


def _check_path(text: str | None, target_id: str) -> None:
    try:
        parse_path(text or "$")
    except InvalidPath:
        raise ApiError(
            "ValidationException", f"Invalid InputPath for target {target_id}."
        ) from None


def _transformer(given: Parameters | None, target_id: str) -> Transformer | None:
    if given is None:
        return None
    paths, template = given.get("InputPathsMap", {}), given["InputTemplate"]
    for path in paths.values():
        _check_path(path, target_id)
    for name in placeholders(template):
        if name not in paths and name not in PREDEFINED:
            raise ApiError(
                "ValidationException",
                f"InputTemplate for target {target_id} contains invalid placeholder {name}.",
            )
    return Transformer(paths, template)


def _described(target: Target) -> dict[str, Any]:
    """A target as it was put."""
    found: dict[str, Any] = {"Id": target.id, "Arn": target.arn}
    optional = {
        "RoleArn": target.role_arn or None,
        "Input": target.input,
        "InputPath": target.input_path,
        "InputTransformer": _transformer_shown(target.transformer),
        "DeadLetterConfig": {"Arn": target.dead_letter_arn} if target.dead_letter_arn else None,
        "RetryPolicy": _retry_shown(target),
    }
    found |= {name: value for name, value in optional.items() if value is not None}
    return found | target.others


def _transformer_shown(transformer: Transformer | None) -> dict[str, Any] | None:
    if transformer is None:
        return None
    paths = {"InputPathsMap": transformer.paths} if transformer.paths else {}
    return {**paths, "InputTemplate": transformer.template}


def _retry_shown(target: Target) -> dict[str, int] | None:
    found = {
        "MaximumRetryAttempts": target.max_attempts,
        "MaximumEventAgeInSeconds": target.max_age_seconds,
    }
    given = {name: value for name, value in found.items() if value is not None}
    return given or None
