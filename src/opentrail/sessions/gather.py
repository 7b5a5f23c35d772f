"""What a batch of records tells of callers, sessions and keys: quick, since every record passes.

A record is read for four members; its identity's bytes are looked up among those met before. Only
what issues a key, or has an identity not met before, is decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from opentrail.sessions.caller import anchor_of, caller_of, text
from opentrail.sessions.issued import ISSUING, Issued, issued_by
from opentrail.sessions.session import DAY_LENGTH, Seen, Span, is_daily, own_session

REMEMBERED = 50_000
"""Identities; about 100 MB at the most usual sizes would be 10 times that."""

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


class Gatherer:
    """Reads batches; remembers the identities met last."""

    def __init__(self) -> None:
        self._met: dict[tuple[bytes, str, str, bool], Seen | None] = {}

    def gather(self, raws: Iterable[bytes]) -> Gathered:
        """What the records tell; those that can't be read tell nothing."""
        spans: dict[Seen, list[str]] = {}
        issued: set[Issued] = set()
        met, decode = self._met, _HEAD.decode
        for raw in raws:
            try:
                head = decode(raw)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._read_slowly(raw, spans, issued)
                continue
            time = head.eventTime
            console = (
                head.sessionCredentialFromConsole == "true"
                or head.eventSource == "signin.amazonaws.com"
            )
            met_as = (
                bytes(head.userIdentity),
                head.recipientAccountId,
                time[:DAY_LENGTH],
                console,
            )
            try:
                seen = met[met_as]
            except KeyError:
                seen = self._meet(met_as, raw)
            if seen is not None:
                _note(spans, seen, time)
            if (head.eventSource, head.eventName) in ISSUING:
                _note_issued(issued, decode_record(raw))
        return Gathered({seen: Span(*span) for seen, span in spans.items()}, issued)

    def _meet(self, met_as: tuple[bytes, str, str, bool], raw: bytes) -> Seen | None:
        record = decode_record(raw)
        seen = None if record is None else seen_of(record)
        if len(self._met) >= REMEMBERED:
            self._met.clear()
        self._met[met_as] = seen
        return seen

    def _read_slowly(self, raw: bytes, spans: dict[Seen, list[str]], issued: set[Issued]) -> None:
        record = decode_record(raw)
        seen = None if record is None else seen_of(record)
        if record is None or seen is None:
            return
        _note(spans, seen, text(record.get("eventTime")))
        _note_issued(issued, record)


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


def _note(spans: dict[Seen, list[str]], seen: Seen, time: str) -> None:
    span = spans.get(seen)
    if span is None:
        time = time if _TIME.fullmatch(time) else ""
        spans[seen] = [time, time]
    elif not span[0] <= time <= span[1] and _TIME.fullmatch(time):
        span[0] = min(span[0], time) if span[0] else time
        span[1] = max(span[1], time)


def _note_issued(issued: set[Issued], record: Mapping[str, Any] | None) -> None:
    found = None if record is None else issued_by(record)
    if found is not None:
        issued.add(found)
