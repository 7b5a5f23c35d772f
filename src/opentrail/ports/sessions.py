"""Who is behind which records: an index of callers, sessions and issued keys, beside the events.

Its fields `person` and `session` stand in no record. A search for them is rewritten into one over
the fields that lead to the same records (`rewrite`), or a record is given them (`derived`); both
say the same of every record that the index has observed.
Not the same where a member of userIdentity is an array of several different texts, or holds half
a character (a lone surrogate): no AWS service writes such records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any as AnyValue
from typing import Protocol

from opentrail.predicate.comparing import text_matcher
from opentrail.predicate.expression import (
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)
from opentrail.sessions import Anchor, AnchorKind, Caller, Chain, Person, Session, seen_of
from opentrail.sessions.caller import NAMES, SIGN_IN
from opentrail.sessions.session import DAY_LENGTH, is_daily

Passes = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions to list.

    Attributes:
        person: One of the person's texts passes; None for everybody.
        start: `2026-07-01T09:00:00Z`, inclusive; sessions with a record since then. "" for all.
        end: As `start`, exclusive: sessions that began before.
        account: recipientAccountId; "" for all.
    """

    person: Passes | None = None
    start: str = ""
    end: str = ""
    account: str = ""
    limit: int = 50


class SessionIndex(Protocol):
    """An index; several processes may observe."""

    def observe(self, raws: Iterable[bytes], *, place: int | None = None) -> None:
        """Take in what records tell; durable on return.

        In any order and any number of times: the index is the same in the end.

        Args:
            place: How far the store of events is dealt with, kept in the same step.
        """
        ...

    def place(self) -> int:
        """The place kept last, 0 before the first."""
        ...

    def chain_of(self, access_key_id: str) -> Chain | None:
        """The chain behind a key that was used or issued, None for an unknown one."""
        ...

    def chain(self, caller: Caller) -> Chain:
        """The chain behind a record's caller."""
        ...

    def person_at(self, anchor: Anchor, caller: Caller) -> Person:
        """The person behind the records of an anchor; `caller` counts if it was never observed."""
        ...

    def session_at(self, anchor: Anchor, day: str) -> str:
        """The id of the session of a record (the day counts where sessions end with the day)."""
        ...

    def sessions(self, query: SessionQuery) -> tuple[Session, ...]:
        """The sessions asked for, those used last first."""
        ...

    def find_session(self, session_id: str) -> Session | None:
        """The session of that id."""
        ...

    def keys_of_person(self, passes: Passes) -> frozenset[Anchor]:
        """Everything that records of persons are found by of whom one text passes."""
        ...

    def keys_of_session(self, session_id: str) -> frozenset[tuple[Anchor, str]]:
        """What the session's records are found by, with the day where sessions end with it."""
        ...

    def keys_of_sessions(self, passes: Passes) -> frozenset[tuple[Anchor, str]]:
        """The same for every session whose id passes; looks at all sessions."""
        ...

    def shared_keys(self, anchors: Iterable[Anchor]) -> frozenset[Anchor]:
        """Those of kind KEY whose key also stands in records that are found otherwise."""
        ...

    def expire(self, before: str) -> int:
        """Forget callers not seen since, and issued keys that nothing kept leads to.

        Args:
            before: `2026-07-01T09:00:00Z`.

        Returns:
            How many were forgotten.
        """
        ...


def derived(
    index: SessionIndex,
) -> Callable[[Mapping[str, AnyValue]], Mapping[str, AnyValue]]:
    """What gives a decoded record its `person` (several texts) and `session`."""

    def derive(record: Mapping[str, AnyValue]) -> Mapping[str, AnyValue]:
        seen = seen_of(record)
        if seen is None:
            return {}
        person = index.person_at(seen.anchor, seen.caller)
        return {"person": list(person.texts), "session": index.session_at(seen.anchor, seen.day)}

    return derive


def rewrite(expression: Expression, index: SessionIndex) -> Expression:
    """The expression without `person` and `session`, true of the same records.

    Raises:
        InvalidInput: CIDR without a network.
    """
    match expression:
        case Test():
            return _rewritten(expression, index)
        case All(parts):
            return All(tuple(rewrite(part, index) for part in parts))
        case Any(parts):
            return Any(tuple(rewrite(part, index) for part in parts))
        case Not(part):
            return Not(rewrite(part, index))
        case FreeText() | Reference():
            return expression


def _rewritten(test: Test, index: SessionIndex) -> Expression:
    if test.path[0] not in ("person", "session"):
        return test
    if len(test.path) > 1:
        return Any(())
    if test.operator is Operator.EXISTS:
        return _SOMEBODY
    if test.operator is Operator.NOT_EQUALS:
        equal = Test(test.path, Operator.EQUALS, test.value)
        return All((_SOMEBODY, Not(_rewritten(equal, index))))
    passes = text_matcher(test)
    if test.path[0] == "person":
        return records_of(index, index.keys_of_person(passes))
    if test.operator is Operator.EQUALS:
        return records_in(index, index.keys_of_session(test.value))
    return records_in(index, index.keys_of_sessions(passes))


def records_in(index: SessionIndex, found: Iterable[tuple[Anchor, str]]) -> Expression:
    """What is true of the records of sessions, given by `keys_of_session`."""
    by_day: dict[Expression | None, list[Anchor]] = {}
    for anchor, day in found:
        by_day.setdefault(_day_test(day) if is_daily(anchor) else None, []).append(anchor)
    parts = []
    for test, anchors in by_day.items():
        of_day = records_of(index, anchors)
        parts.append(of_day if test is None else All((test, of_day)))
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def _day_test(day: str) -> Expression:
    if not day:
        return Not(_has(_TIME))
    return Test(_TIME, Operator.PREFIX if len(day) == DAY_LENGTH else Operator.EQUALS, day)


def records_of(index: SessionIndex, anchors: Iterable[Anchor]) -> Expression:
    """What is true of the records that have one of the anchors.

    Most keys stand in no other records than those found by them: such are asked for without more,
    as one list of values, which a store decides by its columns.
    """
    anchors = sorted(anchors)
    shared = index.shared_keys(anchors)
    guarded = [one for one in anchors if one.kind is not AnchorKind.KEY or one in shared]
    alone = [one for one in anchors if one.kind is AnchorKind.KEY and one not in shared]
    parts: list[Expression] = []
    for kind, group in groupby(guarded, key=lambda one: one.kind):
        found = tuple(group)
        parts.append(All((*_GUARDS[kind], Any(tuple(map(_FINDS[kind], found))))))
    # Last, since where a record itself has to be asked, it is asked in this order.
    parts += [_equals(_KEY, one.first) for one in alone]
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


_TIME = ("eventTime",)
_IDENTITY = "userIdentity"
_KEY = (_IDENTITY, "accessKeyId")
_PRINCIPAL = (_IDENTITY, "principalId")
_INVOKED_BY = (_IDENTITY, "invokedBy")
_CREATED = (_IDENTITY, "sessionContext", "attributes", "creationDate")
_PATHS: Mapping[str, tuple[str, ...]] = {
    "on_behalf_of": (_IDENTITY, "onBehalfOf", "userId"),
    "principal": _PRINCIPAL,
    "arn": (_IDENTITY, "arn"),
    "user_name": (_IDENTITY, "userName"),
    "invoked_by": _INVOKED_BY,
    "account": (_IDENTITY, "accountId"),
    "type": (_IDENTITY, "type"),
}


def _has(path: tuple[str, ...]) -> Test:
    return Test(path, Operator.NOT_EQUALS, "")


def _equals(path: Sequence[str], value: str) -> Test:
    return Test(tuple(path), Operator.EQUALS, value)


_SOMEBODY = Test((_IDENTITY,), Operator.EXISTS)
_CONSOLE = Any(
    (
        _equals(("sessionCredentialFromConsole",), "true"),
        _equals(_INVOKED_BY, SIGN_IN),
        _equals(("eventSource",), SIGN_IN),
    )
)
_IN_SESSION = (_has(_PRINCIPAL), _has(_CREATED))
_GUARDS: Mapping[AnchorKind, tuple[Expression, ...]] = {
    AnchorKind.CONSOLE: (_CONSOLE,),
    AnchorKind.DELEGATED: (Not(_CONSOLE), _has(_INVOKED_BY)),
    AnchorKind.KEY: (Not(All((*_IN_SESSION, Any((_CONSOLE, _has(_INVOKED_BY)))))),),
    AnchorKind.KEYLESS: (Not(_has(_KEY)), Not(_CONSOLE), Not(_has(_INVOKED_BY))),
    AnchorKind.NAMED: (_SOMEBODY, Not(_has(_KEY)), Not(All(_IN_SESSION))),
}
"""What tells the kinds apart, in the order of AnchorKind."""


def _finds_session(anchor: Anchor) -> Expression:
    return All((_equals(_PRINCIPAL, anchor.first), _equals(_CREATED, anchor.second)))


def _finds_name(anchor: Anchor) -> Expression:
    place = int(anchor.first)
    absent = tuple(Not(_has(_PATHS[name])) for name in NAMES[:place])
    if place == len(NAMES):
        return All(absent)
    return All((_equals(_PATHS[NAMES[place]], anchor.second), *absent))


_FINDS: Mapping[AnchorKind, Callable[[Anchor], Expression]] = {
    AnchorKind.CONSOLE: _finds_session,
    AnchorKind.DELEGATED: _finds_session,
    AnchorKind.KEY: lambda anchor: _equals(_KEY, anchor.first),
    AnchorKind.KEYLESS: _finds_session,
    AnchorKind.NAMED: _finds_name,
}
