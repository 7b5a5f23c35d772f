"""How far a worker has come in the journal, and how far it may go."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from opentrail.ports.journal import Entry, JournalDamaged, JournalReader
from opentrail.ports.state import Change, StateStore
from opentrail.trail.timeline import PENDING_KIND, TIMELINE_KIND, PendingCall, Timeline
from opentrail.trail.trail import Trail

FOLLOWER_KIND = "follower"
"""The state documents of places, keyed by the worker's name."""


class Place(msgspec.Struct, frozen=True):
    """The offset of the first entry that is not dealt with yet."""

    offset: int


def read_place(state: StateStore, follower: str) -> int | None:
    """The place remembered for `follower`, None before its first."""
    document = state.get(FOLLOWER_KIND, follower)
    return None if document is None else msgspec.json.decode(document.body, type=Place).offset


def place_change(follower: str, offset: int) -> Change:
    """Remember `offset` for `follower`."""
    return Change(FOLLOWER_KIND, follower, msgspec.json.encode(Place(offset)))


def settled_end(journal: JournalReader, state: StateStore) -> int:
    """The offset up to which every trail's timeline is known (exclusive).

    The journal's end is read first: a call that begins to change a trail after that has its own
    record, and so its turn, behind it.
    """
    end = journal.end()
    for document in state.list(PENDING_KIND):
        end = min(end, msgspec.json.decode(document.body, type=PendingCall).not_before)
    return end


def read_timelines(state: StateStore) -> dict[str, Timeline]:
    """The timelines of all trails by ARN; read after `settled_end`."""
    return {
        document.key: msgspec.json.decode(document.body, type=Timeline)
        for document in state.list(TIMELINE_KIND)
    }


def read_until(
    journal: JournalReader, offset: int, end: int, limit_bytes: int
) -> tuple[tuple[Entry, ...], JournalDamaged | None]:
    """Entries in [offset, end), or the damage that lies at `offset`."""
    try:
        entries = journal.read(offset, limit_bytes)
    except JournalDamaged as damage:
        return (), damage
    return tuple(entry for entry in entries if entry.offset < end), None


def logging_trails(timelines: Mapping[str, Timeline], offset: int) -> list[Trail]:
    """The trails that are logging at a place of the journal."""
    current = (timeline.at(offset) for timeline in timelines.values())
    return [trail for trail in current if trail is not None and trail.is_logging]
