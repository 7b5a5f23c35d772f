"""What is on its way to targets: kept until it arrived, was given up, or is refused by a person.

Each attempt is kept with it for a while, so that anybody can see what OpenTrail did on its own.
The chain of causes is kept, too: what answers an answer is told from what answers an event, and a
cause that would set itself off again is stopped (`first_state`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Protocol

from opentrail.errors import InvalidInput

ANSWER_BYTES = 1024
"""Of a target's answer that are kept with an attempt."""

FIRST_ATTEMPTS_KEPT = 5
LAST_ATTEMPTS_KEPT = 20
"""Of a delivery; those in between are counted and forgotten."""

ACTS_AFTERWARDS = 15 * 60 * 1000
"""Milliseconds after a delivery's end in which calls with its keys are still taken for its own:
records may come late. Later they are somebody's who got hold of the key."""

LONGEST_CHAIN = 8
"""Deliveries that follow from one another: a rule, its function, the rule for that function, …"""


class DeliveryUnknown(InvalidInput):
    """There is no such delivery, or it is not in a state in which that can be done."""


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
        by_hand: Whoever puts it sends it at once; no worker does, and no person decides on it.
        access_key_id: The key that signed the event's call, if it is one: calls that a delivery
            makes are known by it, so that no cause answers itself for ever.
        after: The id of the delivery that this one comes from, as a subscription's comes from that
            to its topic; "" if from none.
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
    by_hand: bool = False
    access_key_id: str = ""
    after: str = ""

    def attribute(self, name: str) -> str:
        """The text of that name, "" if there is none."""
        return next((value for key, value in self.attributes if key == name), "")


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    WAITING = "waiting"
    """Due at its time, for the first or another attempt."""
    HELD = "needs-approval"
    """A person has to allow it."""
    DEAD = "to-dead-letter"
    """Given up at its target, due to be sent to its queue."""
    DELIVERED = "delivered"
    DRY_RUN = "dry-run"
    """Told as if it were sent."""
    GIVEN_UP = "given-up"
    REFUSED = "refused"
    """By a person, or since nobody allowed it in time."""
    LOOP = "loop"
    """Stopped: its cause would answer itself."""
    BY_HAND = "by-hand"
    """Under way where it was put; it stays so if that is killed: nobody knows how it ended."""


PENDING = frozenset({DeliveryState.WAITING, DeliveryState.DEAD})
"""States in which there is something to do at the due time."""

FINISHED = frozenset(DeliveryState) - PENDING - {DeliveryState.HELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try.

    Attributes:
        at: Epoch milliseconds at which it began.
        outcome: `delivered`, `failed` (another may follow), `refused` (none would help),
            `dry-run`; `dead-letter` and `dead-letter-failed` for the queue.
        status: The target's word: an HTTP status, an AWS error code, how a child process ended.
        detail: What was wrong, in a sentence; "" if nothing.
        answer: The first ANSWER_BYTES of what the target answered.
        took: Milliseconds.
    """

    at: int
    outcome: str
    status: str = ""
    detail: str = ""
    answer: bytes = b""
    took: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A delivery and where it is.

    Attributes:
        number: Grows with each delivery put.
        attempts: Made since it was put, or tried again by a person.
        since: Epoch milliseconds from which its age counts.
        due: Epoch milliseconds of the next attempt; None if there is to be none.
        changed: Epoch milliseconds of the last change of its state.
        reason: Why it is in this state, in a sentence; "" where the state says it.
        by: The person who decided on it last, "" if nobody did.
        chain: ARNs of the causes that led to it, the first one first, without its own.
    """

    delivery: Delivery
    number: int
    state: DeliveryState
    attempts: int
    since: int
    due: int | None
    changed: int
    reason: str = ""
    by: str = ""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of a delivery; attempts and age count anew when it becomes pending again.

    Attributes:
        at: Epoch milliseconds.
        due: Of the next attempt; None for none.
        by: The person who decided, "" if none did.
        attempt: What was tried, None if nothing was.
        counts: Whether the attempt is one of those that the delivery may have.
        response_id: eventID of the record that tells of it, "" if there is none.
        response: That record.
    """

    state: DeliveryState
    at: int
    due: int | None = None
    reason: str = ""
    by: str = ""
    attempt: Attempt | None = None
    counts: bool = True
    response_id: str = ""
    response: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """Which deliveries to list; "" and () ask for any.

    Attributes:
        text: Must be in the target or the cause.
        before: Only those with a lower number; None for the newest.
    """

    account_id: str = ""
    states: tuple[DeliveryState, ...] = ()
    text: str = ""
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """How many deliveries are in which state, and since when the oldest waits.

    Attributes:
        oldest: Epoch milliseconds from which the oldest one's age counts; None if none waits.
        unrecorded: Records of responses that are not in the journal yet.
        forgotten_early: Finished ones that were forgotten before their time since there were too
            many of their account, ever.
    """

    by_state: dict[str, int]
    oldest: int | None
    unrecorded: int
    forgotten_early: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many finished deliveries were forgotten: in their time, and earlier, by account."""

    aged: int = 0
    early: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """All of them."""
        return self.aged + sum(self.early.values())


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

    def due_lanes(self, now: int) -> tuple[str, ...]:
        """Lanes (see `lane_of`) in which something is due at `now`, that of the longest due first.

        Args:
            now: Epoch milliseconds, inclusive.
        """
        ...

    def due(self, lane: str, now: int, *, limit: int) -> tuple[Kept, ...]:
        """What is to be tried in a lane at `now`, the longest due first."""
        ...

    def too_old(self, now: int, *, limit: int) -> tuple[Kept, ...]:
        """What waits for its target and is older than it may be (`expires`), the oldest first.

        Due or not: its lane may stand.
        """
        ...

    def advance(self, delivery_id: str, step: Step) -> None:
        """Note what became of a delivery; durable on return.

        Raises:
            DeliveryUnknown: there is none of that id.
        """
        ...

    def decide(self, delivery_id: str, expected: Collection[DeliveryState], step: Step) -> Kept:
        """As `advance`, for a person who saw it in one of the states `expected`.

        The delivery as it is then.

        Raises:
            DeliveryUnknown: there is none of that id, or it is in another state by now.
        """
        ...

    def acts_with(self, delivery_id: str, access_key_id: str) -> None:
        """Remember that calls signed with the key are made by the delivery; durable on return.

        They are until ACTS_AFTERWARDS its end.
        """
        ...

    def find(self, delivery_id: str) -> Kept | None:
        """The delivery of that id, None if there is none (any more)."""
        ...

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        """Its attempts that are kept, the oldest first."""
        ...

    def list(self, query: DeliveryQuery) -> tuple[Kept, ...]:
        """The deliveries that are asked for, the newest first."""
        ...

    def figures(self) -> OutboxFigures:
        """How it stands."""
        ...

    def responses(self, limit: int) -> tuple[tuple[int, bytes], ...]:
        """Records that are not in the journal yet, the oldest first, with their numbers."""
        ...

    def recorded(self, number: int) -> None:
        """Every response up to that number (inclusive) is in the journal; durable on return."""
        ...

    def forget(self, before: int, *, most: int) -> Forgotten:
        """Forget some of the finished deliveries; nothing is said where nothing is left to forget.

        Args:
            before: Epoch milliseconds: those that finished earlier are forgotten.
            most: Finished ones of an account that are kept at the most; the oldest are forgotten
                first. No account's are forgotten for those of another.
        """
        ...


def storable(delivery: Delivery) -> Delivery:
    """The delivery, with halves of characters, that no file can hold, as question marks.

    Texts of events come by here; one that could not be kept would stop whoever puts it, and with
    it all that comes after.
    """
    texts = {
        one.name: whole(value)
        for one in fields(delivery)
        if isinstance(value := getattr(delivery, one.name), str)
    }
    return replace(
        delivery,
        **texts,  # type: ignore[arg-type] # each was a text
        event_ids=tuple(map(whole, delivery.event_ids)),
        attributes=tuple((whole(name), whole(value)) for name, value in delivery.attributes),
    )


def whole(text: str) -> str:
    """The text with halves of characters as question marks."""
    return text.encode("utf-8", "replace").decode()


def lane_of(delivery: Delivery, state: DeliveryState) -> str:
    """For whom and at whom it is tried: what waits for one lane never waits for another.

    Accounts share none: who floods an endpoint that hangs keeps nobody else from it.
    """
    target = delivery.dead_letter if state is DeliveryState.DEAD else delivery.target
    return f"{delivery.account_id} {target}"


def account_of(lane: str) -> str:
    """For whom it is tried in a lane."""
    return lane.partition(" ")[0]


def expires(delivery: Delivery, state: DeliveryState, since: int) -> int | None:
    """Epoch milliseconds after which it is not tried at its target; None where age ends nothing.

    Args:
        since: Epoch milliseconds from which its age counts.
    """
    waits = state is DeliveryState.WAITING
    return since + 1000 * delivery.max_age_seconds if waits else None


def first_state(delivery: Delivery, chain: Sequence[str]) -> tuple[DeliveryState, str]:
    """The state in which a delivery begins, and the reason.

    Args:
        chain: ARNs of the causes that led to it.
    """
    if delivery.cause in chain:
        return DeliveryState.LOOP, f"{delivery.cause} would answer itself"
    if len(chain) >= LONGEST_CHAIN:
        return DeliveryState.LOOP, f"{len(chain)} causes led to it; {LONGEST_CHAIN} are the most"
    if delivery.by_hand:
        return DeliveryState.BY_HAND, ""
    if delivery.needs_approval and not delivery.dry_run:
        return DeliveryState.HELD, ""
    return DeliveryState.WAITING, ""


def stepped(kept: Kept, step: Step) -> Kept:
    """The delivery after the step."""
    anew = step.state in PENDING and step.state is not kept.state
    tried = step.attempt is not None and step.counts
    return replace(
        kept,
        state=step.state,
        attempts=0 if anew else kept.attempts + tried,
        since=step.at if anew else kept.since,
        due=step.due,
        changed=step.at,
        reason=step.reason,
        by=step.by or kept.by,
    )


def chain_after(parents: Iterable[Kept]) -> tuple[str, ...]:
    """The causes that led to what follows from `parents`, each once, the first one first."""
    found: dict[str, None] = {}
    for one in parents:
        found |= dict.fromkeys((*one.chain, one.delivery.cause))
    return tuple(found)


def acts_at(kept: Kept, at: int) -> bool:
    """Whether calls with the keys of a delivery are its own at `at` (epoch milliseconds)."""
    return kept.state not in FINISHED or at <= kept.changed + ACTS_AFTERWARDS


def known_in(kept: Kept | None, delivery_id: str, expected: Collection[DeliveryState]) -> Kept:
    """`kept`, if it is in one of the states.

    Raises:
        DeliveryUnknown: it is not, or there is none.
    """
    if kept is None:
        raise DeliveryUnknown(f"there is no delivery {delivery_id[:100]}")
    if kept.state not in expected:
        words = " or ".join(sorted(expected))
        raise DeliveryUnknown(f"delivery {delivery_id} is {kept.state}, not {words}")
    return kept
