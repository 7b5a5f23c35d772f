"""Which configuration of a trail holds for which record.

A trail's configuration takes effect at a place in the journal, not at a time of the clock: a call
answered before StartLogging is not in the trail, StopLogging itself is its last event, and a
replay after a crash decides as the first time. A change whose place is not settled yet holds back
whoever reads the journal (PendingCall.not_before).
"""

from __future__ import annotations

import msgspec

from opentrail.trail.trail import Trail

TIMELINE_KIND = "timeline"
"""The state documents of Timeline, keyed by trail ARN."""

PENDING_KIND = "pending_call"
"""The state documents of PendingCall, keyed by the event id of the call's record."""


class Turn(msgspec.Struct, frozen=True):
    """From `offset` on (inclusive) the trail is as told; None: it is deleted."""

    offset: int
    trail: Trail | None


class Timeline(msgspec.Struct, frozen=True):
    """The turns of one trail, oldest first."""

    turns: tuple[Turn, ...] = ()

    def at(self, offset: int) -> Trail | None:
        """The trail as it was for the record at `offset`; None before it was made or after."""
        current: Trail | None = None
        for turn in self.turns:
            if turn.offset > offset:
                break
            current = turn.trail
        return current

    def turned(self, offset: int, trail: Trail | None) -> Timeline:
        """With one more turn; `offset` is not before any other turn's."""
        return Timeline((*self.turns, Turn(offset, trail)))

    def next_turn(self, offset: int) -> int | None:
        """The offset of the first turn after `offset`; None if there is none."""
        return next((turn.offset for turn in self.turns if turn.offset > offset), None)

    def since(self, offset: int) -> Timeline:
        """Without the turns that no record from `offset` on needs."""
        needed = [turn for turn in self.turns if turn.offset > offset]
        past = [turn for turn in self.turns if turn.offset <= offset]
        return Timeline((*past[-1:], *needed))

    @property
    def ended(self) -> bool:
        """Whether only the deletion is left."""
        return len(self.turns) == 1 and self.turns[0].trail is None


class TrailTurn(msgspec.Struct, frozen=True):
    """What a call made of a trail; None: deleted."""

    trail_arn: str
    trail: Trail | None


class PendingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that changed trails and whose record may not be in the journal yet.

    It is kept with the change in one step, so after a crash the record is appended if it is
    missing: no change without a record, no record without the change.

    Attributes:
        record: The bytes of the call's record.
        not_before: The journal's end before the record was appended.
        own_record_before: The call's own record still falls under the configuration before
            (StopLogging, DeleteTrail).
    """

    event_id: str
    record: bytes
    not_before: int
    own_record_before: bool
    turns: tuple[TrailTurn, ...]
