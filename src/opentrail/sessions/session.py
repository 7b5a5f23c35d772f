"""Which session a record belongs to: one stretch of work with one set of credentials.

1. Temporary keys (ASIA…): the key is the session.
2. The console changes keys within one sign-in: principalId and creationDate are the session
   (`AIDA…@2026-07-01T09:00:00Z`).
3. Long-term keys have no end: one session a UTC day (`AKIA…/2026-07-01`). Stretches between idle
   times would get other ids whenever older records are imported; a day is the record's own.
4. Calls that services make for somebody (forward access sessions) use keys of their own, with the
   principalId and creationDate of the session they act for, or, for a user's long-term key, the
   user's principalId. They belong to the console session of that name; else to the one temporary
   key; else to the one long-term key of the principal on that day. Where it could be more than
   one, they stay a session of their own, (2)'s name.
5. All others (services, other accounts, failed sign-ins): who, and the UTC day.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from opentrail.sessions.caller import (
    TEMPORARY,
    Anchor,
    AnchorKind,
    Caller,
    session_reference,
)
from opentrail.sessions.person import Person

DAY_LENGTH = 10
JOINING = (AnchorKind.DELEGATED, AnchorKind.KEYLESS)
"""The kinds whose sessions depend on what else is known (4)."""


class Seen(NamedTuple):
    """Records of one caller in one session and account.

    Attributes:
        session: The session's id by the record alone; JOINING kinds may belong to another.
        account: recipientAccountId.
        day: The first ten characters of eventTime; "" for temporary credentials.
    """

    anchor: Anchor
    session: str
    account: str
    caller: Caller
    day: str


class Span(NamedTuple):
    """Times of the first and the last record, `2026-07-01T09:00:00Z`; "" where unknown."""

    first: str
    last: str

    def joined(self, other: Span) -> Span:
        """What covers both."""
        firsts = [one for one in (self.first, other.first) if one]
        return Span(min(firsts, default=""), max(self.last, other.last))


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as listed.

    Attributes:
        caller: Of its callers the one that says most.
        complete: The chain to the person has no gap and no contradiction.
        accounts: recipientAccountIds of its records.
    """

    id: str
    person: Person
    caller: Caller
    complete: bool
    accounts: tuple[str, ...]
    first: str
    last: str


class SessionFacts(Protocol):
    """What (4) needs to know."""

    def has_console(self, principal: str, created: str) -> bool:
        """Whether a console session has this name."""
        ...

    def temporary_keys(self, principal: str, created: str) -> tuple[str, ...]:
        """At most two temporary keys used by a session of this name."""
        ...

    def lasting_sessions(self, principal: str, day: str) -> tuple[str, ...]:
        """At most two sessions of the principal's long-term keys on that day."""
        ...


def is_daily(anchor: Anchor) -> bool:
    """Whether the sessions of an anchor end with the day (3, 5)."""
    if anchor.kind is AnchorKind.KEY:
        return not anchor.first.startswith(TEMPORARY)
    return anchor.kind is AnchorKind.NAMED


def own_session(anchor: Anchor, day: str) -> str:
    """The session's id by the record alone."""
    match anchor.kind:
        case AnchorKind.KEY:
            return f"{anchor.first}/{day}" if is_daily(anchor) else anchor.first  # (1, 3)
        case AnchorKind.NAMED:
            return f"{anchor.second or 'nobody'}/{day}"  # (5)
        case _:
            return session_reference(anchor.first, anchor.second)  # (2)


def session_of(anchor: Anchor, day: str, facts: SessionFacts) -> str:
    """The session that a record with this anchor belongs to."""
    if anchor.kind not in JOINING:
        return own_session(anchor, day)
    principal, created = anchor.first, anchor.second
    if facts.has_console(principal, created):
        return session_reference(principal, created)
    keys = facts.temporary_keys(principal, created) or facts.lasting_sessions(
        principal, created[:DAY_LENGTH]
    )
    return keys[0] if len(keys) == 1 else session_reference(principal, created)
