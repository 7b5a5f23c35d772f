"""What a batch of records tells of callers, sessions and keys: quick, since every record passes.

A record is read for four members; its identity's bytes are looked up among those met before. Only
what issues a key, or has an identity not met before, is decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, NamedTuple

import msgspec

from opentrail.sessions.caller import SIGN_IN, Caller, anchor_of, caller_of, text
from opentrail.sessions.issued import ISSUING, Issued, issued_by
from opentrail.sessions.session import DAY_LENGTH, Seen, Span, is_daily, own_session

REMEMBERED = 50_000
"""Identities; about 100 MB of them."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class _Head(msgspec.Struct, gc=False):
    userIdentity: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - the record's own name
    eventTime: str = ""  # noqa: N815
    eventSource: str = ""  # noqa: N815
    eventName: str = ""  # noqa: N815
    recipientAccountId: str = ""  # noqa: N815
    sessionCredentialFromConsole: str = ""  # noqa: N815


_HEAD = msgspec.json.Decoder(_Head)
_RECORD = msgspec.json.Decoder()


class Gathered(NamedTuple):
    """What a batch tells.

    Attributes:
        seen: Callers, with the times of their first and last records.
    """

    seen: dict[Seen, Span]
    issued: set[Issued]


class _Met(NamedTuple):
    """An identity met before; the number stands for it where a hash of all would be slow."""

    number: int
    seen: Seen


_MetAs = tuple[bytes, str, str, bool]


class Gatherer:
    """Reads batches; remembers the identities met last."""

    def __init__(self) -> None:
        self._met: dict[_MetAs, _Met | None] = {}
        self._numbers = count()

    def gather(self, raws: Iterable[bytes]) -> Gathered:
        """What the records tell; those that can't be read tell nothing."""
        batch = _Batch()
        known, decode = self._met, _HEAD.decode
        for raw in raws:
            try:
                head = decode(raw)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._read_slowly(raw, batch)
                continue
            time = head.eventTime
            console = head.sessionCredentialFromConsole == "true" or head.eventSource == SIGN_IN
            met_as = (
                bytes(head.userIdentity),
                head.recipientAccountId,
                time[:DAY_LENGTH],
                console,
            )
            try:
                met = known[met_as]
            except KeyError:
                met = self._meet(met_as, raw)
            if met is None:
                continue
            batch.note(met, time)
            if (head.eventSource, head.eventName) in ISSUING:
                batch.note_issued(decode_record(raw), met.seen.caller)
        return batch.gathered()

    def _meet(self, met_as: _MetAs, raw: bytes) -> _Met | None:
        record = decode_record(raw)
        seen = None if record is None else seen_of(record)
        if len(self._met) >= REMEMBERED:
            self._met.clear()
        met = None if seen is None else _Met(next(self._numbers), seen)
        self._met[met_as] = met
        return met

    def _read_slowly(self, raw: bytes, batch: _Batch) -> None:
        record = decode_record(raw)
        seen = None if record is None else seen_of(record)
        if record is None or seen is None:
            return
        batch.note(_Met(next(self._numbers), seen), text(record.get("eventTime")))
        batch.note_issued(record, seen.caller)


class _Batch:
    def __init__(self) -> None:
        self._spans: dict[int, tuple[Seen, list[str]]] = {}
        self._issued: set[Issued] = set()

    def note(self, met: _Met, time: str) -> None:
        """A record at a time; times that are none do not count."""
        found = self._spans.get(met.number)
        if found is None:
            time = time if _TIME.fullmatch(time) else ""
            self._spans[met.number] = met.seen, [time, time]
            return
        span = found[1]
        if not span[0] <= time <= span[1] and _TIME.fullmatch(time):
            span[0] = min(span[0], time) if span[0] else time
            span[1] = max(span[1], time)

    def note_issued(self, record: Mapping[str, Any] | None, caller: Caller) -> None:
        issued = None if record is None else issued_by(record, caller)
        if issued is not None:
            self._issued.add(issued)

    def gathered(self) -> Gathered:
        """Identities that are spelled differently, but say the same, are one."""
        seen: dict[Seen, Span] = {}
        for one, span in self._spans.values():
            known = seen.get(one)
            seen[one] = Span(*span) if known is None else known.joined(Span(*span))
        return Gathered(seen, self._issued)


def decode_record(raw: bytes) -> dict[str, Any] | None:
    """The record in `raw`, None when it is no JSON object."""
    try:
        record = _RECORD.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            return None
    return record if isinstance(record, dict) else None


def seen_of(record: Mapping[str, Any]) -> Seen | None:
    """The caller of a decoded record and the session it is in by itself."""
    caller = caller_of(record)
    if caller is None:
        return None
    anchor = anchor_of(caller)
    day = text(record.get("eventTime"))[:DAY_LENGTH]
    account = text(record.get("recipientAccountId"))
    kept_day = day if is_daily(anchor) else ""
    return Seen(anchor, own_session(anchor, day), account, caller, kept_day)
