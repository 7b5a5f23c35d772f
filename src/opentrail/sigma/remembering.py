"""What detection remembers from record to record: whose it is, and who keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident
from opentrail.sigma.windows import Window


class WindowKey(NamedTuple):
    """Which window: a correlation and a group, the group as a hash of its values."""

    rule_id: str
    group: str


class SeenKey(NamedTuple):
    """What was seen: a value of a group, both as hashes; "" for the group itself."""

    rule_id: str
    group: str
    value: str


class Seen(msgspec.Struct, frozen=True):
    """When, in epoch seconds; of a group also how many values it had."""

    first: int
    last: int
    values: int = 0


class Memory(Protocol):
    """What was remembered before."""

    def window(self, key: WindowKey) -> Window | None:
        """The window of a group; the caller's own."""
        ...

    def seen(self, key: SeenKey) -> Seen | None:
        """When a value was seen."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A window, and when it is to be closed (epoch seconds)."""

    window: Window
    due: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be remembered from now on.

    Attributes:
        windows: None for those that are over.
        findings: Made, or grown since they were made; by id.
        new: Ids of those that were made.
        incidents: Opened, or grown since they were; by id.
    """

    windows: dict[WindowKey, Kept | None] = field(default_factory=dict)
    seen: dict[SeenKey, Seen] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    incidents: dict[str, Incident] = field(default_factory=dict)
