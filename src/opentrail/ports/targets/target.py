"""Whom a delivery goes to: webhooks, queues, functions, topics and others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from opentrail.ports.targets.outbox import Delivery, Kept


class Outcome(StrEnum):
    """How a try ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """Another try may help."""
    REFUSED = "refused"
    """No other try would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target did.

    Attributes:
        status: Its word for it: an HTTP status, an error's code, how a program ended.
        detail: What was wrong, in a sentence.
        content: The first bytes of what it answered.
        acted: Whether something was done, be it in vain: it is told in a record of its own.
        wait_seconds: Before which it wants no other try.
    """

    outcome: Outcome
    status: str = ""
    detail: str = ""
    content: bytes = b""
    acted: bool = False
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a target itself asks of deliveries to it.

    Attributes:
        max_attempts: Tries after the first one, at the most.
    """

    dry_run: bool = False
    needs_approval: bool = False
    max_attempts: int = 2**31


NO_TERMS = Terms()


class Target(Protocol):
    """Targets of one kind.

    Attributes:
        event_name: What the record of such a response is called.
    """

    event_name: str

    def terms(self, delivery: Delivery) -> Terms:  # noqa: ARG002 - few kinds ask for anything
        """What the delivery's target asks of it."""
        return NO_TERMS

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        """Try once; it may take seconds, and never more than the target's own limits.

        Raises:
            Unavailable: as FAILED.
            InvalidInput: as REFUSED.
        """
        ...


class Targets(Protocol):
    """Every kind."""

    def of(self, target: str) -> Target | None:
        """Who takes deliveries to `target`, None if nobody does."""
        ...

    def to_dead_letter(self, kept: Kept) -> Answer:
        """Send what was given up to its dead-letter queue, with the reason.

        Raises:
            Unavailable: as FAILED.
            InvalidInput: as REFUSED.
        """
        ...
