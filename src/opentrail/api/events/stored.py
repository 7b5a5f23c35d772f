"""Rules and event buses as they are stored, as a caller in an account and region may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.arn import Arn
from opentrail.errors import InvalidArn
from opentrail.ports.ids import Ids
from opentrail.ports.journal import JournalReader
from opentrail.ports.state import Change, StateStore
from opentrail.rules.book import Bus
from opentrail.rules.envelope import Custom
from opentrail.rules.rule import (
    BUS_KIND,
    DEFAULT_BUS,
    RULE_KIND,
    RULES_CHANGED_KEY,
    RULES_CHANGED_KIND,
    EventBus,
    Rule,
    RuleHistory,
    RuleTurn,
    bus_key,
    rule_key,
)
from opentrail.trail.quotas import Quotas

Parameters = Mapping[str, Any]

Publish = Callable[[Sequence[tuple[Bus, Custom]], str], None]
"""Takes events and the key that signed their call; what comes of them is durable on return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsBackends:
    """What the handlers of EventBridge's API work with.

    Attributes:
        journal: Whose end is the place from which a change of a rule holds.
        place: Before it no record needs to be decided any more; None: not known.
    """

    state: StateStore
    journal: JournalReader
    place: Callable[[], int | None]
    publish: Publish
    ids: Ids
    quotas: Quotas = field(default_factory=Quotas)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule, with what it was.

    Attributes:
        version: Of its document.
    """

    rule: Rule
    history: RuleHistory
    version: int


def bus_of(parameters: Parameters, caller: Caller, backends: EventsBackends) -> EventBus:
    """The event bus that a request names, by name or ARN; the default one if it names none.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    name = bus_name(parameters.get("EventBusName"), caller)
    return own_bus(name, caller, backends)[0]


def bus_name(given: str | None, caller: Caller) -> str:
    """The name of a bus of the caller's account and region.

    Raises:
        ApiError: ResourceNotFoundException: an ARN of another account or region.
    """
    if given is None:
        return DEFAULT_BUS
    if not given.startswith("arn:"):
        return given
    account_id, region, name = bus_in_arn(given)
    if (account_id, region) != (caller.account_id, caller.region):
        raise missing_bus(name)
    return name


def bus_in_arn(text: str) -> Bus:
    """Account, region and name of a bus.

    Raises:
        ApiError: ValidationException: it is no ARN of one.
    """
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        raise invalid_arn(text) from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "events" or kind != "event-bus" or not name:
        raise invalid_arn(text)
    return arn.account, arn.region, name


def invalid_arn(text: str) -> ApiError:
    """The error for a text that is no ARN of the kind that is asked for."""
    return ApiError(
        "ValidationException",
        f"Parameter {text[:200]} is not valid. Reason: Provided Arn is not in correct format.",
    )


def missing_bus(name: str) -> ApiError:
    """The error for a bus that there is not."""
    return ApiError("ResourceNotFoundException", f"Event bus {name[:256]} does not exist.")


def missing_rule(name: str, bus: str) -> ApiError:
    """The error for a rule that there is not."""
    return ApiError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")


def limit_exceeded() -> ApiError:
    """The error for one more than a quota allows."""
    return ApiError(
        "LimitExceededException", "The requested resource exceeds the maximum number allowed."
    )


def find_bus(where: Bus, backends: EventsBackends) -> tuple[EventBus, int] | None:
    """A bus with its document's version, None if there is none.

    The default bus is there without a document; its version is 0 then.
    """
    account_id, region, name = where
    document = backends.state.get(BUS_KIND, bus_key(account_id, region, name))
    if document is not None:
        return msgspec.json.decode(document.body, type=EventBus), document.version
    if name != DEFAULT_BUS:
        return None
    return EventBus(name=name, account_id=account_id, region=region), 0


def own_bus(name: str, caller: Caller, backends: EventsBackends) -> tuple[EventBus, int]:
    """A bus of the caller's account and region, with its document's version.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    found = find_bus((caller.account_id, caller.region, name), backends)
    if found is None:
        raise missing_bus(name)
    return found


def buses_of(caller: Caller, backends: EventsBackends) -> list[EventBus]:
    """The buses of the caller's account and region, ordered by name."""
    prefix = bus_key(caller.account_id, caller.region)
    found = [
        msgspec.json.decode(document.body, type=EventBus)
        for document in backends.state.list(BUS_KIND, prefix)
    ]
    if all(bus.name != DEFAULT_BUS for bus in found):
        found.append(EventBus(name=DEFAULT_BUS, account_id=caller.account_id, region=caller.region))
    return sorted(found, key=lambda bus: bus.name)


def saved_bus(bus: EventBus, version: int) -> Change:
    """The change that keeps a bus."""
    return Change(BUS_KIND, bus.key, msgspec.json.encode(bus), expected=version)


def rules_of(bus: EventBus, backends: EventsBackends) -> list[Rule]:
    """The rules of a bus, ordered by name."""
    prefix = rule_key(bus.account_id, bus.region, bus.name)
    found = (
        msgspec.json.decode(document.body, type=RuleHistory).current
        for document in backends.state.list(RULE_KIND, prefix)
    )
    return [rule for rule in found if rule is not None]


def rule_of(name: str, bus: EventBus, backends: EventsBackends) -> StoredRule:
    """The rule of that name.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    history, version = history_of(name, bus, backends)
    if history is None or history.current is None:
        raise missing_rule(name, bus.name)
    return StoredRule(history.current, history, version)


def history_of(
    name: str, bus: EventBus, backends: EventsBackends
) -> tuple[RuleHistory | None, int]:
    """What a rule was and is, with its document's version; None and 0 if there is nothing."""
    key = rule_key(bus.account_id, bus.region, bus.name, name)
    document = backends.state.get(RULE_KIND, key)
    if document is None:
        return None, 0
    return msgspec.json.decode(document.body, type=RuleHistory), document.version


def turned(
    key: str,
    rule: Rule | None,
    history: RuleHistory | None,
    version: int,
    backends: EventsBackends,
) -> tuple[Change, ...]:
    """The changes that make a rule what it is to be, from here in the journal on.

    Args:
        rule: None deletes it.
        history: What it was, with its document's version.
    """
    offset = backends.journal.end()
    if history is None:
        history = RuleHistory((RuleTurn(offset, rule),))
    else:
        place = backends.place()
        needed = history if place is None else history.since(place)
        history = needed.turned(offset, rule)
    return (
        Change(RULE_KIND, key, msgspec.json.encode(history), expected=version),
        Change(RULES_CHANGED_KIND, RULES_CHANGED_KEY, b"{}"),
    )
