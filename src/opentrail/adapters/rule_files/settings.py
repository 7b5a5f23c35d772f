"""What `rules.toml` says: placeholders' values, and targets of findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentrail.errors import InvalidInput
from opentrail.ports.sigma.rule_files import FindingTarget
from opentrail.sigma.rule import Level

_TEXTS = ("target", "level", "role", "dead_letter")
_LISTS = ("rules", "accounts")
_FLAGS = ("dry_run", "needs_approval", "once_an_incident")
_SCHEMES = ("arn:", "https://", "http://", "mailto:")


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """See above."""

    placeholders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: tuple[FindingTarget, ...] = ()


def read_settings(found: Mapping[str, Any]) -> RuleSettings:
    """The settings of a file's tables.

    Raises:
        InvalidInput: a name that is none, or a value that does not fit.
    """
    if unknown := sorted(set(found) - {"placeholders", "targets"}):
        raise InvalidInput(f"{', '.join(unknown)}: expected [placeholders] and [[targets]]")
    placeholders = found.get("placeholders", {})
    targets = found.get("targets", [])
    if not isinstance(placeholders, dict) or not isinstance(targets, list):
        raise InvalidInput("expected [placeholders] and [[targets]]")
    return RuleSettings(
        {name: _texts(f"placeholders.{name}", value) for name, value in placeholders.items()},
        tuple(_target(number, one) for number, one in enumerate(targets, 1)),
    )


def _target(number: int, found: Any) -> FindingTarget:
    if not isinstance(found, dict):
        raise InvalidInput("targets: expected tables, [[targets]]")
    if unknown := sorted(set(found) - {*_TEXTS, *_LISTS, *_FLAGS}):
        raise InvalidInput(
            f"target {number}: {', '.join(unknown)}: expected "
            f"{', '.join((*_TEXTS, *_LISTS, *_FLAGS))}"
        )
    for names, kind, words in ((_TEXTS, str, "a text"), (_FLAGS, bool, "true or false")):
        for name in names:
            if name in found and type(found[name]) is not kind:
                raise InvalidInput(f"target {number}: {name}: expected {words}")
    target = found.get("target", "")
    if not target.startswith(_SCHEMES):
        raise InvalidInput(
            f"target {number}: {target[:80]!r}: expected an ARN, a URL or mailto: and an address"
        )
    level = found.get("level", Level.LOW)
    if level not in set(Level):
        raise InvalidInput(f"target {number}: level {level!r}: expected {', '.join(Level)}")
    lists = {name: _texts(f"target {number}: {name}", found.get(name, [])) for name in _LISTS}
    return FindingTarget(
        target=target,
        level=Level(level),
        role=found.get("role", ""),
        dead_letter=found.get("dead_letter", ""),
        dry_run=found.get("dry_run", False),
        needs_approval=found.get("needs_approval", False),
        once_an_incident=found.get("once_an_incident", False),
        **lists,
    )


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f"{name}: expected a list of texts")
    return tuple(value)
