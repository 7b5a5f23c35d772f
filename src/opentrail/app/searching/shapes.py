"""Events, totals, facets and histograms as JSON: one shape for command line and HTTP.

Version 1: members may be added, none goes or changes its meaning (docs/reference/search-api.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from opentrail.app.searching.asking import position_text
from opentrail.clock import iso_seconds
from opentrail.ports.events import Facet, Position, Search, StoredEvent, Total
from opentrail.predicate.reading import decoded
from opentrail.search.render import render_path

VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def one_line(raw: bytes) -> bytes:
    """The record's bytes on one line: exact, but for line breaks, which become blanks.

    In JSON they stand only between tokens, so the record stays the same.
    """
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return raw.replace(b"\r\n", b" ").replace(b"\n", b" ").replace(b"\r", b" ")


def event_object(event: StoredEvent) -> dict[str, Any]:
    """An event: `record` is the record as it came; `unreadable` the text of what is none."""
    found: dict[str, Any] = {
        "position": position_text(event.position),
        "sequence": event.position.sequence,
    }
    if decoded(event.raw) is None:
        found["unreadable"] = event.raw.decode("utf-8", "replace")
    else:
        found["record"] = msgspec.Raw(one_line(event.raw))
    return found


def total_object(total: Total) -> dict[str, Any]:
    """A total; not exact: there are at least so many."""
    return {"events": total.events, "exact": total.exact}


def next_object(position: Position | None) -> dict[str, Any] | None:
    """How to ask for the page behind that event; None if there is none."""
    return None if position is None else {"after": position_text(position)}


def facet_object(facet: Facet) -> dict[str, Any]:
    """The values of a field."""
    return {
        "field": render_path(facet.path),
        "values": [{"value": clean(text), "events": events} for text, events in facet.values],
        "missing": facet.missing,
        "others": facet.others,
    }


def histogram_objects(intervals: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Intervals that hold any events, oldest first."""
    return [{"start": iso_epoch(start), "events": events} for start, events in intervals]


def range_object(search: Search) -> dict[str, str | None]:
    """The range of time that was searched, absolute; None for no bound."""
    return {
        "start": None if search.start is None else iso_epoch(search.start),
        "end": None if search.end is None else iso_epoch(search.end),
    }


def iso_epoch(seconds: int) -> str:
    """Epoch seconds as records spell times."""
    return iso_seconds(_EPOCH + timedelta(seconds=seconds))


def clean(text: str) -> str:
    """`text` without halves of characters (lone surrogates), which UTF-8 can't hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
