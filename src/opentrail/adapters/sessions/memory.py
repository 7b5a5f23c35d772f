"""An index in dicts that looks at everything each time; the reference for the port's suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from opentrail.adapters.sessions.answers import (
    Row,
    SessionAnswers,
    is_lasting_key,
    is_temporary_key,
)
from opentrail.ports.sessions import Passes, SessionQuery
from opentrail.sessions import (
    Anchor,
    AnchorKind,
    Caller,
    Gatherer,
    Issued,
    Person,
    Seen,
    Span,
)
from opentrail.sessions.caller import references
from opentrail.sessions.chain import chain_behind
from opentrail.sessions.session import JOINING


class MemorySessionIndex(SessionAnswers):
    """See ports.sessions."""

    def __init__(self) -> None:
        self._gatherer = Gatherer()
        self._seen: dict[Seen, Span] = {}
        self._issued: set[Issued] = set()
        self._place = 0

    def place(self) -> int:
        return self._place

    def observe(self, raws: Iterable[bytes], *, place: int | None = None) -> None:
        self._place = self._place if place is None else place
        gathered = self._gatherer.gather(raws)
        self._issued |= gathered.issued
        for seen, span in gathered.seen.items():
            known = self._seen.get(seen)
            self._seen[seen] = span if known is None else known.joined(span)

    def person_at(self, anchor: Anchor, caller: Caller) -> Person:
        return chain_behind(self.callers(anchor) or (caller,), self.lookup).person

    def keys_of_person(self, passes: Passes) -> frozenset[Anchor]:
        anchors = {seen.anchor: seen.caller for seen in self._seen}
        return frozenset(
            anchor
            for anchor, caller in anchors.items()
            if any(map(passes, self.person_at(anchor, caller).texts))
        )

    def shared_keys(self, anchors: Iterable[Anchor]) -> frozenset[Anchor]:
        others = {one.caller.key for one in self._seen if one.anchor.kind is not AnchorKind.KEY}
        return frozenset(
            one for one in anchors if one.kind is AnchorKind.KEY and one.first in others
        )

    def expire(self, before: str) -> int:
        old = [seen for seen, span in self._seen.items() if "" != span.last < before]
        for seen in old:
            del self._seen[seen]
        waiting = [one for seen in self._seen for one in references(seen.caller)]
        live: set[str] = set()
        while waiting:
            reference = waiting.pop()
            if reference not in live:
                live.add(reference)
                waiting += [
                    more for one in self.lookup(reference) for more in references(one.issuer)
                ]
        gone = {
            one for one in self._issued if one.time < before and live.isdisjoint(one.references)
        }
        self._issued -= gone
        return len(old) + len(gone)

    def lookup(self, reference: str) -> tuple[Issued, ...]:
        return tuple(one for one in self._issued if reference in one.references)

    def callers(self, anchor: Anchor) -> tuple[Caller, ...]:
        return tuple({seen.caller for seen in self._seen if seen.anchor == anchor})

    def rows_of(self, session: str) -> tuple[Row, ...]:
        return tuple(row for row in self._seen.items() if row[0].session == session)

    def joining_rows(self, principal: str, created: str) -> tuple[Row, ...]:
        return tuple(
            (seen, span)
            for seen, span in self._seen.items()
            if seen.anchor.kind in JOINING
            and seen.anchor.first == principal
            and seen.anchor.second.startswith(created)
        )

    def newest_rows(self, query: SessionQuery) -> Iterator[Row]:
        rows = sorted(self._seen.items(), key=lambda row: row[1].last, reverse=True)
        for seen, span in rows:
            if query.account and seen.account != query.account:
                continue
            if span.last < query.start or (query.end and span.first >= query.end):
                continue
            texts = self.person_at(seen.anchor, seen.caller).texts
            if query.person is None or any(map(query.person, texts)):
                yield seen, span

    def all_sessions(self) -> Iterator[tuple[Anchor, str]]:
        yield from {(seen.anchor, seen.day) for seen in self._seen}

    def has_console(self, principal: str, created: str) -> bool:
        wanted = Anchor(AnchorKind.CONSOLE, principal, created)
        return any(seen.anchor == wanted for seen in self._seen)

    def temporary_keys(self, principal: str, created: str) -> tuple[str, ...]:
        found = {
            seen.session
            for seen in self._seen
            if is_temporary_key(seen)
            and (seen.caller.principal, seen.caller.created) == (principal, created)
        }
        return tuple(islice(sorted(found), 2))

    def lasting_sessions(self, principal: str, day: str) -> tuple[str, ...]:
        found = {
            seen.session
            for seen in self._seen
            if is_lasting_key(seen) and seen.caller.principal == principal and seen.day == day
        }
        return tuple(islice(sorted(found), 2))
