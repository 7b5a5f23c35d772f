"""A record as cells: one text for each column that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from opentrail.app.searching.asking import parse_field, position_text
from opentrail.app.searching.shapes import clean, one_line
from opentrail.errors import InvalidInput
from opentrail.ports.events import StoredEvent
from opentrail.predicate.reading import decoded, leads_to, texts_at
from opentrail.search.render import render_path

RECORD = "record"
POSITION = "position"

_USUAL = (
    "eventTime",
    "eventName",
    "eventSource",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.accessKeyId",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "resources.ARN",
    "readOnly",
    "eventCategory",
    "recipientAccountId",
    "requestID",
    "eventID",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        path: () for `record`, the exact bytes as text, and `position`.
    """

    name: str
    path: tuple[str, ...]


USUAL_COLUMNS = tuple(Column(name, tuple(name.split("."))) for name in _USUAL)


def parse_columns(text: str) -> tuple[Column, ...]:
    """The columns of `eventTime,user,record`; none for "".

    Raises:
        InvalidInput: no such field, or none between two commas.
    """
    if not text:
        return ()
    return tuple(_column(name.strip()) for name in text.split(","))


def _column(name: str) -> Column:
    if name in {RECORD, POSITION}:
        return Column(name, ())
    if not name:
        raise InvalidInput("a column has no name; expected fields with commas between them")
    path = parse_field(name)
    return Column(render_path(path), path)


def cells(event: StoredEvent, columns: Sequence[Column]) -> list[str]:
    """The texts of an event; "" where it has none, a JSON array of several.

    Objects are JSON as the record has it. What is no record has only `record` and `position`.
    """
    record = decoded(event.raw)
    return [_cell(event, record, column) for column in columns]


def _cell(event: StoredEvent, record: Mapping[str, Any] | None, column: Column) -> str:
    if not column.path:
        if column.name == POSITION:
            return position_text(event.position)
        return one_line(event.raw).decode("utf-8", "replace")
    if record is None:
        return ""
    value: Any = record
    for name in column.path:
        if type(value) is not dict:
            break
        value = value.get(name)
        if value is None:
            return ""
    else:
        if type(value) is str:
            return clean(value)
    # Arrays, objects, numbers, booleans: less usual.
    texts = texts_at(record, column.path)
    match len(texts):
        case 0:
            return json_at(event.raw, column.path) if leads_to(record, column.path) else ""
        case 1:
            return clean(str(texts[0]))
        case _:
            return msgspec.json.encode([clean(str(text)) for text in texts]).decode()


def json_at(raw: bytes, path: Sequence[str]) -> str:
    """The object or array at the path, its JSON as the record has it; "" for anything else."""
    value: bytes = raw
    for name in path:
        try:
            members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        except (msgspec.MsgspecError, ValueError):
            return ""
        if name not in members:
            return ""
        value = bytes(members[name])
    return one_line(value).decode("utf-8", "replace") if value[:1] in {b"{", b"["} else ""
