"""Policy documents, of resources (bucket, topic, key) and of identities.

Source: IAM user guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from opentrail.access.conditions import Condition, parse_conditions
from opentrail.errors import InvalidInput

VERSIONS = ("2012-10-17", "2008-10-17")


class InvalidPolicy(InvalidInput):
    """A text is no policy document; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """`Action` or `NotAction`, `Resource` or `NotResource`: patterns, or their opposite."""

    patterns: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """`Principal` or `NotPrincipal`: (kind, name) pairs, as ("Service", "sns.amazonaws.com").

    `*` alone is ("AWS", "*").
    """

    names: tuple[tuple[str, str], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement.

    Attributes:
        name: Its Sid; one without is named by its number.
        principals: None in a policy of an identity.
        resources: None where a statement names none (a role's trust policy).
    """

    name: str
    allow: bool
    actions: Patterns
    resources: Patterns | None
    principals: Principals | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole document.

    Attributes:
        variables: Whether `${aws:username}` and the like are replaced (version 2012-10-17).
    """

    statements: tuple[Statement, ...]
    variables: bool


def parse_policy(text: str) -> Policy:
    """The policy in `text`.

    Raises:
        InvalidPolicy: it is none.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as cause:
        raise InvalidPolicy(f"the policy is not JSON: {cause}") from None
    if not isinstance(document, dict):
        raise InvalidPolicy("the policy is not a JSON object")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise InvalidPolicy(f"policy Version is {version!r}; expected one of {', '.join(VERSIONS)}")
    found = document.get("Statement")
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements:
        raise InvalidPolicy("the policy has no Statement")
    return Policy(
        tuple(_statement(one, number) for number, one in enumerate(statements, 1)),
        version == VERSIONS[0],
    )


def parse_identity_policy(text: str) -> Policy:
    """The policy in `text`, that users and roles have.

    Raises:
        InvalidPolicy: it is none, or it is one that a resource has: passing over its statements
            could pass over one that denies.
    """
    policy = parse_policy(text)
    for one in policy.statements:
        if one.principals is not None:
            raise InvalidPolicy(f"{one.name} has a Principal; it is the one it is attached to")
        if one.resources is None:
            raise InvalidPolicy(f"{one.name} has neither Resource nor NotResource")
    return policy


def _statement(values: Any, number: int) -> Statement:
    where = f"statement {number}"
    if not isinstance(values, dict):
        raise InvalidPolicy(f"{where} is not an object")
    effect = values.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise InvalidPolicy(f"{where}: Effect is {effect!r}; expected Allow or Deny")
    actions = _patterns(values, "Action", where)
    if actions is None:
        raise InvalidPolicy(f"{where} has neither Action nor NotAction")
    try:
        conditions = parse_conditions(values.get("Condition", {}))
    except InvalidInput as cause:
        raise InvalidPolicy(f"{where}: {cause}") from None
    return Statement(
        name=str(values.get("Sid") or where),
        allow=effect == "Allow",
        actions=actions,
        resources=_patterns(values, "Resource", where),
        principals=_principals(values, where),
        conditions=conditions,
    )


def _patterns(values: dict[str, Any], name: str, where: str) -> Patterns | None:
    key = _only(values, name, where)
    if key is None:
        return None
    patterns = _texts(values[key], f"{where}: {key}")
    if not patterns:
        raise InvalidPolicy(f"{where}: {key} is empty")
    return Patterns(patterns=patterns, negated=key != name)


def _principals(values: dict[str, Any], where: str) -> Principals | None:
    key = _only(values, "Principal", where)
    if key is None:
        return None
    found, negated = values[key], key != "Principal"
    if found == "*":
        return Principals(names=(("AWS", "*"),), negated=negated)
    if not isinstance(found, dict):
        raise InvalidPolicy(f"{where}: {key} is neither * nor an object")
    names = tuple(
        (str(kind), name)
        for kind, listed in found.items()
        for name in _texts(listed, f"{where}: {key} {kind}")
    )
    return Principals(names=names, negated=negated)


def _only(values: dict[str, Any], name: str, where: str) -> str | None:
    """`name` or its opposite, whichever the statement has."""
    present = [key for key in (name, f"Not{name}") if key in values]
    if len(present) > 1:
        raise InvalidPolicy(f"{where} has both {name} and Not{name}")
    return present[0] if present else None


def _texts(values: Any, where: str) -> tuple[str, ...]:
    listed = [values] if isinstance(values, str) else values
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise InvalidPolicy(f"{where} is neither a text nor a list of texts")
    return tuple(listed)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One of two equal members would be passed over, be it the one that denies."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands in an object twice")
    return found
