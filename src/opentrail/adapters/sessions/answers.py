"""What every index answers in the same way, from rows that each finds in its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from opentrail.ports.sessions import Passes, SessionQuery
from opentrail.sessions import (
    Anchor,
    AnchorKind,
    Caller,
    Chain,
    Issued,
    Seen,
    Session,
    Span,
    anchor_of,
    follow,
    session_of,
)
from opentrail.sessions.caller import best
from opentrail.sessions.chain import chain_behind
from opentrail.sessions.session import DAY_LENGTH, JOINING, is_daily

Row = tuple[Seen, Span]


class SessionAnswers(ABC):
    """The part of ports.sessions.SessionIndex that needs only these rows."""

    @abstractmethod
    def lookup(self, reference: str) -> tuple[Issued, ...]:
        """What was issued as this key or session."""

    @abstractmethod
    def callers(self, anchor: Anchor) -> tuple[Caller, ...]:
        """The callers seen with this anchor."""

    @abstractmethod
    def rows_of(self, session: str) -> tuple[Row, ...]:
        """Rows whose own session this is."""

    @abstractmethod
    def joining_rows(self, principal: str, created: str) -> tuple[Row, ...]:
        """Rows of JOINING kinds of a principal; `created` is the start of their creationDate."""

    @abstractmethod
    def newest_rows(self, query: SessionQuery) -> Iterator[Row]:
        """Rows that fit, last used first; the limit does not count."""

    @abstractmethod
    def all_sessions(self) -> Iterator[tuple[Anchor, str]]:
        """Every anchor, with each day of daily ones."""

    @abstractmethod
    def has_console(self, principal: str, created: str) -> bool:
        """See SessionFacts."""

    @abstractmethod
    def temporary_keys(self, principal: str, created: str) -> tuple[str, ...]:
        """See SessionFacts."""

    @abstractmethod
    def lasting_sessions(self, principal: str, day: str) -> tuple[str, ...]:
        """See SessionFacts."""

    def chain(self, caller: Caller) -> Chain:
        known = self.callers(anchor_of(caller))
        return chain_behind(known or (caller,), self.lookup)

    def chain_of(self, access_key_id: str) -> Chain | None:
        anchor = Anchor(AnchorKind.KEY, access_key_id)
        known = self.callers(anchor)
        if known:
            return chain_behind(known, self.lookup)
        issued = self.lookup(access_key_id)
        if not issued:
            return None
        described = max(issued, key=lambda one: (one.arn, one.principal))
        kind = "IAMUser" if described.long_term else ""
        caller = Caller(
            type=kind, key=access_key_id, principal=described.principal, arn=described.arn
        )
        return follow(caller, self.lookup)

    def session_at(self, anchor: Anchor, day: str) -> str:
        return session_of(anchor, day, self)

    def sessions(self, query: SessionQuery) -> tuple[Session, ...]:
        ids: dict[str, None] = {}
        for seen, _ in self.newest_rows(query):
            if len(ids) >= query.limit:
                break
            ids[self.session_at(seen.anchor, seen.day)] = None
        found = (self.find_session(one) for one in ids)
        return tuple(one for one in found if one is not None)

    def find_session(self, session_id: str) -> Session | None:
        rows = self._rows_in(session_id)
        if not rows:
            return None
        span = Span("", "")
        for _, one in rows:
            span = span.joined(one)
        main = tuple(seen.caller for seen, _ in rows if seen.anchor.kind not in JOINING)
        chain = self.chain(best(main or tuple(seen.caller for seen, _ in rows)))
        return Session(
            id=session_id,
            person=chain.person,
            caller=chain.caller,
            complete=chain.complete,
            accounts=tuple(sorted({seen.account for seen, _ in rows if seen.account})),
            first=span.first,
            last=span.last,
        )

    def keys_of_session(self, session_id: str) -> frozenset[tuple[Anchor, str]]:
        return frozenset((seen.anchor, seen.day) for seen, _ in self._rows_in(session_id))

    def keys_of_sessions(self, passes: Passes) -> frozenset[tuple[Anchor, str]]:
        return frozenset(
            (anchor, day)
            for anchor, day in self.all_sessions()
            if passes(self.session_at(anchor, day))
        )

    def _rows_in(self, session_id: str) -> tuple[Row, ...]:
        own = self.rows_of(session_id)
        joining = {
            (seen.caller.principal, seen.day or seen.caller.created)
            for seen, _ in own
            if seen.anchor.kind is AnchorKind.KEY and seen.caller.principal
        }
        candidates = list(own)
        for principal, created in joining:
            candidates += self.joining_rows(principal, created) if created else ()
        return tuple(
            (seen, span)
            for seen, span in dict(candidates).items()
            if self.session_at(seen.anchor, seen.day) == session_id
        )


def is_temporary_key(seen: Seen) -> bool:
    """Whether the row is of a temporary key's own use."""
    return seen.anchor.kind is AnchorKind.KEY and not is_daily(seen.anchor)


def is_lasting_key(seen: Seen) -> bool:
    """Whether the row is of a long-term key's own use."""
    return seen.anchor.kind is AnchorKind.KEY and len(seen.day) == DAY_LENGTH
