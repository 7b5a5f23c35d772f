"""The chain of keys from a caller back to a person.

1. A caller's credentials were issued by the record that issued their key; without such a record,
   by the one that made a session of the same principalId at the creationDate.
2. Records about one key belong together when they name the same issuer (the copies in two
   accounts do). When they do not, somebody's record is wrong: both are shown, none is believed.
3. Who asked is followed the same way, until someone is reached whose credentials nobody issued. A
   user's long-term key ends the chain: it is the user's own, though who made it is told.
4. Callers of different principals with one key (a redacted one, or a forged record) are not one
   person: again none is believed.
5. A chain that comes back to where it was (forged records), or is too long, is cut off there.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from opentrail.sessions.caller import Caller, best, references, said
from opentrail.sessions.issued import Issued
from opentrail.sessions.person import Person, claimed, person_of

LONGEST = 1000
"""Sessions can be renewed by each other for months; that is a chain of one an hour."""

Lookup = Callable[[str], tuple[Issued, ...]]
"""What is known to have been issued as a key or session."""

_TEMPORARY = frozenset({"AssumedRole", "FederatedUser"})
_UNLINKED = frozenset({"AWSAccount"})


class Chain(msgspec.Struct, frozen=True):
    """Where a caller's credentials come from.

    Attributes:
        caller: Whose credentials they are.
        links: What issued them, then what issued the issuer's, up to the root.
        root: Who asked first, as far as is known; the caller, without links.
        complete: No link is missing.
        conflicts: Records that say different things of one key; () normally.
        cycle: The records lead back to themselves.
        made_by: Who created the root's long-term key.
        disputed: Callers of other principals with the same key.
    """

    caller: Caller
    links: tuple[Issued, ...]
    root: Caller
    person: Person
    complete: bool
    conflicts: tuple[Issued, ...] = ()
    cycle: bool = False
    made_by: tuple[Issued, ...] = ()
    disputed: tuple[Caller, ...] = ()

    @property
    def source_identity(self) -> str:
        """The source identity that was set on the way; a name of the setter's choice."""
        told = (self.caller.source_identity, *(link.source_identity for link in self.links))
        return next((one for one in told if one), "")


def chain_behind(callers: tuple[Caller, ...], lookup: Lookup) -> Chain:
    """The chain behind records that are found together; there is at least one caller."""
    main = best(callers)
    chain = follow(main, lookup)
    others = {one for one in callers if _is_other(one, main)}
    if not others:
        return chain
    disputed = tuple(sorted(others, key=msgspec.json.encode))  # (4)
    person = claimed(main)
    return msgspec.structs.replace(chain, person=person, complete=False, disputed=disputed)


def _is_other(caller: Caller, main: Caller) -> bool:
    pairs = ((caller.principal, main.principal), (caller.arn, main.arn))
    return any(one and known and one != known for one, known in pairs)


def follow(caller: Caller, lookup: Lookup) -> Chain:
    """The chain behind a caller; ends on any records."""
    links: list[Issued] = []
    visited: set[str] = set()
    root, role_arn = caller, ""
    conflicts: tuple[Issued, ...] = ()
    cycle = False
    while True:
        reference, found = _issuing(root, lookup)
        if not found:
            break
        conflicts = _conflicts(found)
        cycle = reference in visited or len(links) >= LONGEST
        if conflicts or cycle:
            break
        visited.add(reference)
        link = max(found, key=_preference)
        links.append(link)
        root, role_arn = link.issuer, link.role_arn
    broken = bool(conflicts) or cycle
    return Chain(
        caller=caller,
        links=tuple(links),
        root=root,
        person=claimed(root) if broken else person_of(root, role_arn),
        complete=not broken and _is_origin(root),
        conflicts=conflicts,
        cycle=cycle,
        made_by=tuple(sorted(_made_by(root, lookup), key=_preference)),
    )


def _issuing(caller: Caller, lookup: Lookup) -> tuple[str, tuple[Issued, ...]]:
    for reference in references(caller):  # (1)
        found = tuple(one for one in lookup(reference) if not one.long_term)
        if found:
            return reference, found
    return "", ()


def _conflicts(found: tuple[Issued, ...]) -> tuple[Issued, ...]:
    keys = {one.issuer.key for one in found if one.issuer.key}
    names = {_issuer_name(one.issuer) for one in found}
    if len(keys) <= 1 and len(names) <= 1:  # (2)
        return ()
    return tuple(sorted(found, key=_preference))


def _issuer_name(issuer: Caller) -> str:
    return issuer.principal or issuer.arn or issuer.invoked_by or issuer.user_name or issuer.account


def _preference(issued: Issued) -> tuple[int, bytes]:
    """The copy of the caller's own account says more than the one of the role's account."""
    return said(issued.issuer), msgspec.json.encode(issued)


def _made_by(root: Caller, lookup: Lookup) -> tuple[Issued, ...]:
    return tuple(one for one in lookup(root.key) if one.long_term) if root.key else ()


def _is_origin(root: Caller) -> bool:
    """Whether these credentials were issued by nobody: a user's own key, a sign-in, a service."""
    if root.type in _TEMPORARY or root.type in _UNLINKED or root.assumed_root:
        return False
    return root.console or not root.created
