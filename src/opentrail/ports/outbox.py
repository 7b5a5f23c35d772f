"""What is on its way to targets: kept until it arrived, was given up, or is refused by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one target.

    Attributes:
        id: Its idempotency key: the same cause, target and event give the same one, so that a
            delivery put twice is one, and a target can tell what it got already.
        target: The target's ARN, or the URL of a webhook, or `mailto:` and an address.
        cause: ARN of the rule, alarm or subscription that asks for it.
        event_ids: eventIDs of the records that it comes from; () if none.
        payload: What the target is to get, exactly.
        attributes: Short texts that go with it, by name (headers, message attributes, a role).
        created: Epoch seconds.
        max_attempts: Tries after the first one.
        max_age_seconds: Given up when older.
        dead_letter: ARN of the queue for what is given up; "" for none.
        needs_approval: It waits until a person allows it.
        dry_run: It is told as if it were sent, and never is.
    """

    id: str
    account_id: str
    region: str
    target: str
    cause: str
    event_ids: tuple[str, ...] = ()
    payload: bytes
    attributes: tuple[tuple[str, str], ...] = ()
    created: int
    max_attempts: int = 185
    max_age_seconds: int = 86_400
    dead_letter: str = ""
    needs_approval: bool = False
    dry_run: bool = False


class Outbox(Protocol):
    """Deliveries of all causes; followers of the journal keep their place with what they put."""

    def put(
        self, deliveries: Sequence[Delivery], *, follower: str = "", place: int | None = None
    ) -> int:
        """Durable on return, all or nothing; how many were new (a known id is left out).

        Args:
            follower: Whose place is kept in the same step; "" keeps none.
            place: The journal offset that the follower goes on from.
        """
        ...

    def place(self, follower: str) -> int | None:
        """The place kept last, None before the first."""
        ...
