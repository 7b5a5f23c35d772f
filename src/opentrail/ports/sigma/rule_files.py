"""Where Sigma rules are kept, and who is told of what they find."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from opentrail.sigma.finding import Finding
from opentrail.sigma.rule import Level
from opentrail.sigma.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingTarget:
    """Who is told of findings.

    Attributes:
        target: An ARN, the URL of a webhook, or `mailto:` and an address.
        level: The lowest level that is told.
        rules: Ids of rules; () for all.
        accounts: recipientAccountIds; () for all.
        role: ARN of the role that calls the target, "" for none.
        dead_letter: ARN of a queue for what could not be brought, "" for none.
        dry_run: Deliveries are told and never sent.
        needs_approval: A person has to allow each.
        once_an_incident: It is told of an incident's first finding, and of those that are worse
            than what it was told of; not of every finding.
    """

    target: str
    level: Level = Level.LOW
    rules: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    role: str = ""
    dead_letter: str = ""
    dry_run: bool = False
    needs_approval: bool = False
    once_an_incident: bool = False

    def takes(self, finding: Finding) -> bool:
        """Whether it is told of a finding."""
        return (
            Level(finding.level).rank >= self.level.rank
            and (not self.rules or finding.rule_id in self.rules)
            and (not self.accounts or finding.account_id in self.accounts)
        )


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules; what could not be read is among the problems of the set."""

    rules: RuleSet = field(default_factory=RuleSet)
    targets: tuple[FindingTarget, ...] = ()


class RuleFiles(Protocol):
    """Rules, as somebody edits them."""

    def version(self) -> Hashable:
        """Another value whenever something has changed; quick."""
        ...

    def read(self) -> Rulebook:
        """The rules as they are now."""
        ...
