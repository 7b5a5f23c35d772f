"""What a rule found: the same events give the same finding, with the same id, for good."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

import msgspec

_NAMESPACE = uuid.UUID("6f2a1c3e-0a41-5d0e-9c57-7b1c2f4de8a3")
"""Of ids of findings (RFC 9562, version 5); never changes."""

MOST_IDS = 100
"""eventIDs that one finding lists; its `count` goes on."""

MOST_CHARACTERS = 1000
"""Of a value that a finding shows."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        id: A UUID made of the rule and of what it found.
        level: See rule.Level.
        account_id: recipientAccountId of the (last) event, "" if it has none.
        first_time: Epoch seconds of the oldest event.
        last_time: Of the newest.
        event_ids: The first MOST_IDS eventIDs, by time.
        count: How many events it tells of.
        values: Name and value of the fields that tell the finding from others: what a correlation
            groups by, or what the rule says is of interest; null where a record has no such field.
        summary: One sentence.
        made: Epoch seconds.
        muted: Why it was brought to nobody, "" if it was.
        actor: Who did it (views.actor), "" if nobody is known; of a correlation, in its last event.
        incident_id: Of the incident it belongs to; "" for those that are muted.
    """

    id: str
    rule_id: str
    rule_title: str
    level: str
    account_id: str
    region: str
    first_time: int
    last_time: int
    event_ids: tuple[str, ...]
    count: int
    values: tuple[tuple[str, str | None], ...]
    summary: str
    made: int
    description: str = ""
    tags: tuple[str, ...] = ()
    muted: str = ""
    actor: str = ""
    incident_id: str = ""


def finding_id(*parts: str | Iterable[str] | None) -> str:
    """The id of what is told by `parts`."""
    spelled = json.dumps([one if isinstance(one, str | None) else list(one) for one in parts])
    return str(uuid.uuid5(_NAMESPACE, spelled))


def shown(text: str) -> str:
    """The text as a finding shows it; half a character (JSON can spell one) cannot be stored."""
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1] + "…"
    return text.encode("utf-8", "replace").decode()


def extended(finding: Finding, time: int, event_ids: Iterable[str]) -> Finding:
    """The finding, with one more event in it."""
    new = tuple(one for one in event_ids if one not in finding.event_ids)
    if not new:
        return finding
    return msgspec.structs.replace(
        finding,
        first_time=min(finding.first_time, time),
        last_time=max(finding.last_time, time),
        event_ids=(finding.event_ids + new)[:MOST_IDS],
        count=finding.count + 1,
    )
