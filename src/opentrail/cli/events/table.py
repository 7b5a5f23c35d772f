"""Events as lines for people, fitted to the terminal."""

from __future__ import annotations

import os

from opentrail.cli.terminal import is_terminal, safe
from opentrail.errors import InvalidInput
from opentrail.history.row import username
from opentrail.record import Record, UserIdentity, read_record

SHORT_ID = 8
"""Characters of an id on a terminal; `opentrail events show` takes them."""

WIDE = 130
"""Columns of a terminal from which on a line has everything."""

_UNREADABLE_SHOWN = 200


def width() -> int:
    """The columns of the terminal; 0 where nobody looks."""
    return os.get_terminal_size().columns if is_terminal() else 0


def line(record: Record, columns: int) -> str:
    """A record in one line; cut to `columns` unless that is 0."""
    return _cut(_text(record), columns)


def row(raw: bytes, columns: int) -> str:
    """A record in one line that begins with its id, on a terminal with the id's start."""
    try:
        record = read_record(raw)
    except InvalidInput as problem:
        text = raw[:_UNREADABLE_SHOWN].decode("utf-8", "replace")
        return _cut(safe(f"{'unreadable':{SHORT_ID}} {text}  ({problem})"), columns)
    event_id = record.head.event_id
    shown = event_id[:SHORT_ID] if columns else event_id
    told = _narrow(record) if 0 < columns < WIDE else _text(record)
    return _cut(safe(f"{shown:{SHORT_ID}} ") + told, columns)


def _text(record: Record) -> str:
    head = record.head
    about = next((one.arn or one.arn_prefix or "" for one in head.resources or ()), "")
    parts = (
        head.event_time,
        f"{head.event_name or head.event_type or '-':28}",
        f"{(head.event_source or '-').removesuffix('.amazonaws.com'):14}",
        f"{_who(head.user_identity or UserIdentity()):16}",
        f"{head.aws_region:12}",
        f"{head.source_ip_address or '-':15}",
        f"{head.error_code or 'ok':18}",
        about,
    )
    return safe(" ".join(parts).rstrip())


def _narrow(record: Record) -> str:
    """What matters most, for a terminal that is not wide."""
    head = record.head
    about = next((one.arn or one.arn_prefix or "" for one in head.resources or ()), "")
    parts = (
        head.event_time[5:19].replace("T", " "),
        _fitted(head.event_name or head.event_type or "-", 20),
        _fitted(_who(head.user_identity or UserIdentity()), 12),
        _fitted(head.error_code or "ok", 12),
        about or head.source_ip_address or "",
    )
    return safe(" ".join(parts).rstrip())


def _who(identity: UserIdentity) -> str:
    """The caller in one word."""
    return username(identity) or identity.access_key_id or identity.type or "-"


def _fitted(text: str, columns: int) -> str:
    return f"{_cut(text, columns):{columns}}"


def _cut(text: str, columns: int) -> str:
    return text if not columns or len(text) <= columns else text[: columns - 1] + "…"
