"""Rules, their targets and event buses, as they are kept.

A change of a rule holds from a place of the journal on, so that records that were there before are
never decided by it, however late they are looked at. Source: EventBridge API reference; lang:
EventBridge 4.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from opentrail.arn import partition_of

RULE_KIND = "event_rule"
"""The state documents of RuleHistory, keyed by `rule_key`."""

BUS_KIND = "event_bus"
"""The state documents of EventBus, keyed by `bus_key`."""

RULES_CHANGED_KIND = "event_rules_changed"
RULES_CHANGED_KEY = "all"
"""Its version grows with every change of any rule: who has read all rules need not do so again."""

DEFAULT_BUS = "default"

MOST_ATTEMPTS = 185
MOST_SECONDS = 86_400
"""How often and how long a target is tried where nothing else is said."""


class RuleState(StrEnum):
    """Whether a rule takes events."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    WITH_READS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    """Read-only management events, too."""


class Transformer(msgspec.Struct, frozen=True):
    """An InputTransformer: paths by name, and the template."""

    paths: dict[str, str]
    template: str


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a rule tells.

    Attributes:
        arn: An ARN, the URL of a webhook, or `mailto:` and an address.
        input: What it gets, whatever the event is.
        max_attempts: Tries after the first one; None where nothing is said.
        max_age_seconds: None where nothing is said.
        others: Further members of the request, as they were sent.
    """

    id: str
    arn: str
    role_arn: str = ""
    input: str | None = None
    input_path: str | None = None
    transformer: Transformer | None = None
    dead_letter_arn: str = ""
    max_attempts: int | None = None
    max_age_seconds: int | None = None
    others: dict[str, Any] = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which events, or which times, tell which targets.

    Attributes:
        pattern: The event pattern as it was given; "" for none.
        schedule: The schedule expression; "" for none.
        since: Epoch seconds at which its schedule was set going.
        tags: In the order of their keys.
        targets: In the order in which they were put.
    """

    name: str
    account_id: str
    region: str
    bus: str = DEFAULT_BUS
    pattern: str = ""
    schedule: str = ""
    since: int = 0
    state: RuleState = RuleState.ENABLED
    description: str = ""
    role_arn: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    targets: tuple[Target, ...] = ()

    @property
    def arn(self) -> str:
        """The rule's ARN."""
        return rule_arn(self.account_id, self.region, self.bus, self.name)

    @property
    def key(self) -> str:
        """The key of its document."""
        return rule_key(self.account_id, self.region, self.bus, self.name)

    def tag(self, key: str) -> str:
        """The value of a tag, "" if it has none."""
        return next((value for name, value in self.tags if name == key), "")


class RuleTurn(msgspec.Struct, frozen=True):
    """From `offset` on (inclusive) the rule is as told; None: it is deleted."""

    offset: int
    rule: Rule | None


class RuleHistory(msgspec.Struct, frozen=True):
    """What a rule was and is, oldest first; at least one turn."""

    turns: tuple[RuleTurn, ...]

    @property
    def current(self) -> Rule | None:
        """The rule as it is now."""
        return self.turns[-1].rule

    def at(self, offset: int) -> Rule | None:
        """The rule as it was for what lies at `offset`; None before it was made or after."""
        found: Rule | None = None
        for turn in self.turns:
            if turn.offset > offset:
                break
            found = turn.rule
        return found

    def turned(self, offset: int, rule: Rule | None) -> RuleHistory:
        """With one more turn; `offset` is not before any other turn's."""
        return RuleHistory((*self.turns, RuleTurn(offset, rule)))

    def since(self, offset: int) -> RuleHistory:
        """Without the turns that nothing from `offset` on needs."""
        later = tuple(turn for turn in self.turns if turn.offset > offset)
        before = tuple(turn for turn in self.turns if turn.offset <= offset)
        return RuleHistory((*before[-1:], *later))

    @property
    def has_ended(self) -> bool:
        """Whether only the deletion is left."""
        return len(self.turns) == 1 and self.turns[0].rule is None


class EventBus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream of events with rules of its own.

    Attributes:
        policy: Who else may put events there: a policy document; "" for nobody.
        others: Further members of the request, as they were sent.
        created: Epoch seconds; 0 for the default bus, which every account has.
    """

    name: str
    account_id: str
    region: str
    description: str = ""
    policy: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    others: dict[str, Any] = {}
    created: int = 0
    changed: int = 0

    @property
    def arn(self) -> str:
        """The bus's ARN."""
        return bus_arn(self.account_id, self.region, self.name)

    @property
    def key(self) -> str:
        """The key of its document."""
        return bus_key(self.account_id, self.region, self.name)


def rule_arn(account_id: str, region: str, bus: str, name: str) -> str:
    """The ARN of a rule; the default bus is not named in it."""
    where = "" if bus == DEFAULT_BUS else f"{bus}/"
    return f"arn:{partition_of(region)}:events:{region}:{account_id}:rule/{where}{name}"


def bus_arn(account_id: str, region: str, name: str) -> str:
    """The ARN of an event bus."""
    return f"arn:{partition_of(region)}:events:{region}:{account_id}:event-bus/{name}"


def rule_key(account_id: str, region: str, bus: str, name: str = "") -> str:
    """The key of a rule's document; without `name`, what those of its bus start with.

    A bus's name may hold slashes (aws.partner/…), a rule's may not, so the bus ends at `#`.
    """
    return f"{account_id}/{region}/{bus}#{name}"


def bus_key(account_id: str, region: str, name: str = "") -> str:
    """The key of a bus's document; without `name`, what those of the region start with."""
    return f"{account_id}/{region}/{name}"
