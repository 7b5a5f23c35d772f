"""What an engine's process and whoever started it say to each other: messages with their length.

The engine is a process of its own, so that a query that takes too much ends it alone, and one that
does not end can be killed (spec: reliability, DuckDB).
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from opentrail.ports.queries import Progress, QueryRequest, QueryStatistics, Row

_LENGTH = 4
LONGEST = 1024 * 1024 * 1024


class Begin(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first message to the engine: where things are and what it may take.

    Attributes:
        data_bytes: Memory of the process beside its libraries; the kernel refuses more.
    """

    events: str
    log_events: str
    directory: str
    memory_bytes: int
    spill_bytes: int
    result_bytes: int
    threads: int
    data_bytes: int


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A query to be answered."""

    request: QueryRequest


class Stop(msgspec.Struct, frozen=True, tag=True):
    """The query is not wanted any longer."""


class Rows(msgspec.Struct, frozen=True, tag=True):
    """Rows of the result."""

    rows: list[Row]


class Seen(msgspec.Struct, frozen=True, tag=True):
    """How far the query is."""

    progress: Progress


class Done(msgspec.Struct, frozen=True, tag=True):
    """All rows are told."""

    statistics: QueryStatistics


class Malformed(msgspec.Struct, frozen=True, tag=True):
    """The query cannot be compiled."""

    message: str
    start: int
    end: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The query could not be answered."""

    message: str


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    """The query was stopped."""


ToEngine = Begin | Ask | Stop
FromEngine = Rows | Seen | Done | Malformed | Failed | Cancelled

_TO: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_FROM: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def write(out: BinaryIO, message: ToEngine | FromEngine) -> None:
    """Send a message."""
    body = msgspec.msgpack.encode(message)
    out.write(len(body).to_bytes(_LENGTH, "big") + body)
    out.flush()


def read_to_engine(source: BinaryIO) -> ToEngine | None:
    """The next message to the engine, None at the end."""
    body = _read(source)
    return None if body is None else _TO.decode(body)


def read_from_engine(source: BinaryIO) -> FromEngine | None:
    """The next message of the engine, None at the end."""
    body = _read(source)
    return None if body is None else _FROM.decode(body)


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "big")
    body = source.read(length) if length <= LONGEST else b""
    return body if len(body) == length else None
