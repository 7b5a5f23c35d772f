"""AddPermission and RemovePermission: statements of a topic's policy. Source: SNS API reference."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.backends import Parameters, SnsBackends, invalid, not_found
from opentrail.api.sns.find import find_own_topic
from opentrail.arn import partition_of
from opentrail.targets.topic import DEFAULT_ACTIONS, Topic

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def add_permission(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """A statement that lets accounts do things with the topic."""
    found = find_own_topic(parameters["TopicArn"], "AddPermission", caller, backends)
    label, accounts = parameters["Label"], parameters["AWSAccountId"]
    actions = parameters["ActionName"]
    policy = json.loads(found.topic.policy)
    statements = _statements(policy)
    if not _LABEL.fullmatch(label):
        raise invalid("Label")
    if any(one.get("Sid") == label for one in statements):
        raise invalid("Statement already exists")
    if not accounts or not all(_ACCOUNT.fullmatch(one) for one in accounts):
        raise invalid("AWSAccountId")
    if not actions or not all(one in DEFAULT_ACTIONS for one in actions):
        raise invalid("Policy statement action out of service scope!")
    partition = partition_of(found.topic.region)
    principals = [f"arn:{partition}:iam::{one}:root" for one in accounts]
    named = [f"SNS:{one}" for one in actions]
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": named[0] if len(named) == 1 else named,
        "Resource": found.topic.arn,
    }
    return Reply({}, (found.changed(_with(found.topic, policy, [*statements, statement])),))


def remove_permission(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """The statement of that label gone."""
    found = find_own_topic(parameters["TopicArn"], "RemovePermission", caller, backends)
    policy = json.loads(found.topic.policy)
    statements = _statements(policy)
    left = [one for one in statements if one.get("Sid") != parameters["Label"]]
    if len(left) == len(statements):
        raise not_found("Permission")
    return Reply({}, (found.changed(_with(found.topic, policy, left)),))


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found = policy["Statement"]
    return [found] if isinstance(found, dict) else list(found)


def _with(topic: Topic, policy: dict[str, Any], statements: list[dict[str, Any]]) -> Topic:
    """The topic with these statements; without any it has the default policy again."""
    text = json.dumps(policy | {"Statement": statements}, separators=(",", ":"))
    return msgspec.structs.replace(topic, own_policy=text if statements else "")
