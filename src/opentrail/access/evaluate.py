"""Whether policies let a call through: an explicit deny wins, and nothing is allowed by itself.

Source: IAM user guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from opentrail.access.conditions import Context
from opentrail.access.policy import Patterns, Policy, Principals, Statement
from opentrail.access.wildcards import fits, literal


class Verdict(Enum):
    """What policies say."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "explicitly denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A call to be decided on.

    Attributes:
        action: As `cloudtrail:CreateTrail`.
        resource: An ARN, or `*` where an action has none; None asks a role's trust policy.
        principals: (kind, name) pairs that stand for the caller, as ("AWS", ARN), ("AWS", account
            id) or ("Service", "cloudtrail.amazonaws.com"); () asks policies of the caller's own.
    """

    action: str
    resource: str | None
    principals: tuple[tuple[str, str], ...] = ()
    context: Context = field(default_factory=dict)


_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_ESCAPED = {"*": "*", "?": "?", "$": "$"}


def evaluate(policies: Iterable[Policy], asking: Asking) -> Verdict:
    """What all the policies together say."""
    verdict = Verdict.NOT_ALLOWED
    for statement in applying(policies, asking):
        if not statement.allow:
            return Verdict.DENIED
        verdict = Verdict.ALLOWED
    return verdict


def applying(policies: Iterable[Policy], asking: Asking) -> Iterator[Statement]:
    """The statements that are about the call."""
    for policy in policies:
        replace = _replacer(policy, asking.context)
        for statement in policy.statements:
            if _applies(statement, asking, replace):
                yield statement


def _applies(statement: Statement, asking: Asking, replace: Callable[[str], str]) -> bool:
    return (
        _is_meant(statement.principals, asking)
        and _match(statement.actions, asking.action.lower(), str.lower)
        and _is_about(statement.resources, asking.resource, replace)
        and all(one.holds(asking.context, replace) for one in statement.conditions)
    )


def _is_about(
    resources: Patterns | None, resource: str | None, replace: Callable[[str], str]
) -> bool:
    if resources is None or resource is None:
        return resources is None and resource is None
    return _match(resources, resource, replace)


def _match(patterns: Patterns, text: str, prepare: Callable[[str], str]) -> bool:
    return any(fits(prepare(one), text) for one in patterns.patterns) is not patterns.negated


def _is_meant(principals: Principals | None, asking: Asking) -> bool:
    if principals is None or not asking.principals:
        return principals is None and not asking.principals
    meant = (
        any(
            kind == wanted and (name in ("*", value) or _root_of(name) == value)
            for kind, name in principals.names
            for wanted, value in asking.principals
        )
        or ("AWS", "*") in principals.names
    )
    return meant is not principals.negated


def _root_of(name: str) -> str | None:
    """The account that `arn:aws:iam::ACCOUNT:root` stands for."""
    parts = name.split(":")
    return parts[4] if len(parts) == 6 and parts[2] == "iam" and parts[5] == "root" else None


def _replacer(policy: Policy, context: Context) -> Callable[[str], str]:
    """Policy variables to their values; one without a value makes the text fit nothing."""
    if not policy.variables:
        return lambda text: text

    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(",")
        if name in _ESCAPED:
            return literal(_ESCAPED[name])
        known = context.get(name.strip().lower())
        if isinstance(known, str):
            return literal(known)
        return literal(default.strip().strip("'")) if default else "\0"

    return lambda text: _VARIABLE.sub(value, text)
