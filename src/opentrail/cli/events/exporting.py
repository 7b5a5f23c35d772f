"""Exports into a file that go on where they were killed.

Beside FILE stands FILE.position until the export is whole: what was asked for, the range of time
and the sequence that it was begun with, and how far FILE is surely written. Whoever resumes cuts
FILE there and goes on behind the last event; so the bytes are those of an export without a break.
The position is written first of all and removed last: a FILE without one is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import msgspec

from opentrail.app.searching.asking import parse_position, position_text
from opentrail.cli.events.formats import TextFormat
from opentrail.cli.events.parquet import PART_ROWS, ParquetParts
from opentrail.errors import InvalidInput
from opentrail.ports.events import EventReader, Search, StoredEvent

NOTED_EVENTS = 5_000
"""A kill costs the work on so many events at the most; noting them takes a sync of the disk."""

Seen = Callable[[StoredEvent], None]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far an export is.

    Attributes:
        request: What was asked for, in words; another request does not go on here.
        size: Bytes of FILE that are surely written.
        events: How many events those are.
        after: The position of the last of them, "" before the first.
    """

    version: int = 1
    request: tuple[str, ...]
    start: int | None
    end: int | None
    sequence_before: int | None
    size: int = 0
    events: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is begun.

    Attributes:
        search: With the times and the sequence of the beginning.
    """

    path: Path
    search: Search
    place: Place

    def remaining(self, events: EventReader) -> Iterator[StoredEvent]:
        """The events behind the place."""
        search, place = self.search, self.place
        if place.after:
            left = None if search.limit is None else search.limit - place.events
            search = replace(search, after=parse_position(place.after), limit=left)
        return events.stream(search)


def begin(path: Path, request: tuple[str, ...], search: Search, *, resume: bool) -> Export | None:
    """The export into `path`, from the beginning unless it is resumed; None if it is whole.

    Raises:
        InvalidInput: what is resumed was another request, or its position can't be read.
    """
    noted = _noted(path)
    if resume and noted.exists():
        place = _read(noted)
        if place.request != request:
            raise InvalidInput(
                f"{noted} is of another request: {' '.join(place.request)}; without --resume the "
                "export begins anew"
            )
        search = replace(
            search, start=place.start, end=place.end, sequence_before=place.sequence_before
        )
        return Export(path, search, place)
    if resume and path.exists():
        return None
    place = Place(
        request=request,
        start=search.start,
        end=search.end,
        sequence_before=search.sequence_before,
    )
    _note(path, place)
    return Export(path, search, place)


def export_text(export: Export, events: EventReader, form: TextFormat, seen: Seen) -> int:
    """Write the rest of the file; how many events it has."""
    place = export.place
    with export.path.open("r+b" if export.path.exists() else "w+b") as file:
        file.truncate(place.size)
        file.seek(place.size)
        if not place.size:
            file.write(form.header())
        found = export.remaining(events)
        while batch := list(islice(found, NOTED_EVENTS)):
            for event in batch:
                file.write(form.encode(event))
                seen(event)
            place = _behind(place, batch)
            file.flush()
            os.fdatasync(file.fileno())
            place = msgspec.structs.replace(place, size=file.tell())
            _note(export.path, place)
        file.flush()
        os.fsync(file.fileno())
    _noted(export.path).unlink()
    return place.events


def export_parquet(export: Export, events: EventReader, parts: ParquetParts, seen: Seen) -> int:
    """Write the rest of the parts, then the file; how many events it has."""
    place = export.place
    number = -(-place.events // PART_ROWS)
    parts.begin(number)
    found = export.remaining(events)
    while batch := list(islice(found, PART_ROWS)):
        parts.write(number, batch)
        number += 1
        for event in batch:
            seen(event)
        place = _behind(place, batch)
        _note(export.path, place)
    parts.finish(number)
    _noted(export.path).unlink()
    return place.events


def _behind(place: Place, batch: list[StoredEvent]) -> Place:
    return msgspec.structs.replace(
        place, events=place.events + len(batch), after=position_text(batch[-1].position)
    )


def _noted(path: Path) -> Path:
    return path.with_name(path.name + ".position")


def _read(noted: Path) -> Place:
    try:
        return msgspec.json.decode(noted.read_bytes(), type=Place)
    except msgspec.MsgspecError as cause:
        raise InvalidInput(f"{noted} is no position of an export: {cause}") from cause


def _note(path: Path, place: Place) -> None:
    noted = _noted(path)
    aside = noted.with_name(noted.name + ".partial")
    with aside.open("wb") as file:
        file.write(msgspec.json.encode(place) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(noted)
