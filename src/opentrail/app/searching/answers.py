"""The answers of the door's calls, all but the tail's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.app.searching.asking import Searching, make_search, parse_field
from opentrail.app.searching.finding import MOST_CANDIDATES, find_events
from opentrail.app.searching.requests import (
    Asked,
    CountAsked,
    FacetsAsked,
    HistogramAsked,
    SearchAsked,
    ShowAsked,
    as_ask,
)
from opentrail.app.searching.sentence import sentence
from opentrail.app.searching.shapes import (
    VERSION,
    event_object,
    facet_object,
    histogram_objects,
    next_object,
    range_object,
    total_object,
)
from opentrail.errors import InvalidInput
from opentrail.ports.events import Search, StoredEvent
from opentrail.predicate.reading import decoded

INTERVALS = 60
"""About so many, where the width of a histogram is not given."""

MOST_INTERVALS = 10_000
_DAY = 86_400
_WIDTHS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, _DAY, 7 * _DAY)


class Ambiguous(ApiError):
    """Several events are meant.

    Attributes:
        candidates: The first of them, as event objects.
    """

    def __init__(self, candidates: Sequence[dict[str, Any]]) -> None:
        super().__init__("AmbiguousEventException", "several events are meant; name one", 409)
        self.candidates = candidates


def search(searching: Searching, asked: SearchAsked, account: str, now: datetime) -> dict[str, Any]:
    """A page of events, and how many there are on all pages."""
    wanted = _search(searching, asked, account, now)
    found = searching.events.search(wanted)
    total = searching.events.count(
        replace(wanted, limit=None, after=None), at_most=asked.count_at_most or None
    )
    return {
        "version": VERSION,
        "events": [event_object(one) for one in found],
        "total": total_object(total),
        "next": next_object(found[-1].position if len(found) == asked.limit else None),
        **_told(wanted),
    }


def count(searching: Searching, asked: CountAsked, account: str, now: datetime) -> dict[str, Any]:
    """How many events there are."""
    wanted = _search(searching, asked, account, now)
    total = searching.events.count(wanted, at_most=asked.count_at_most or None)
    return {"version": VERSION, "total": total_object(total), **_told(wanted)}


def facets(searching: Searching, asked: FacetsAsked, account: str, now: datetime) -> dict[str, Any]:
    """The values of fields, counted."""
    wanted = _search(searching, asked, account, now)
    paths = [parse_field(one) for one in asked.fields]
    found = searching.events.facets(wanted, paths, top=asked.top)
    return {"version": VERSION, "facets": [facet_object(one) for one in found], **_told(wanted)}


def histogram(
    searching: Searching, asked: HistogramAsked, account: str, now: datetime
) -> dict[str, Any]:
    """Events by intervals of time."""
    wanted = _search(searching, asked, account, now)
    width = asked.width_seconds or _width(searching, wanted)
    found = searching.events.histogram(wanted, width_seconds=width)
    if len(found) > MOST_INTERVALS:
        raise InvalidInput(
            f"widthSeconds {width} gives {len(found)} intervals; {MOST_INTERVALS} are allowed"
        )
    return {
        "version": VERSION,
        "widthSeconds": width,
        "intervals": histogram_objects(found),
        **_told(wanted),
    }


def show(searching: Searching, asked: ShowAsked, account: str, _now: datetime) -> dict[str, Any]:
    """One event, and what it says in a sentence."""
    if not asked.event:
        raise InvalidInput("no event is named; expected an id, its start, a position or latest")
    found = find_events(searching.events, asked.event, frozenset((account,)))
    if not found:
        raise ApiError("EventNotFoundException", "there is no such event in this account", 404)
    if len(found) > 1:
        raise Ambiguous([event_object(one) for one in found[:MOST_CANDIDATES]])
    return {"version": VERSION, "event": event_object(found[0]), "sentence": _sentence(found[0])}


def _search(searching: Searching, asked: Asked, account: str, now: datetime) -> Search:
    """What is asked for; events that come in from now on are left out."""
    ask = as_ask(asked, account, searching.events.sequence_end())
    return make_search(ask, now, searching.rewrite)


def _told(search: Search) -> dict[str, Any]:
    """What makes the same search again: absolute times, and what was there."""
    return {"range": range_object(search), "sequenceBefore": search.sequence_before}


def _width(searching: Searching, search: Search) -> int:
    """Of the bounds that are not given the events found decide, no others: they are a caller's."""
    start, end = search.start, search.end
    if start is None or end is None:
        days = searching.events.histogram(search, width_seconds=_DAY)
        first, last = (days[0][0], days[-1][0] + _DAY) if days else (0, _DAY)
        start = first if start is None else start
        end = last if end is None else end
    wanted = max(1, (end - start) // INTERVALS)
    return next((width for width in _WIDTHS if width >= wanted), _WIDTHS[-1])


def _sentence(event: StoredEvent) -> str:
    record = decoded(event.raw)
    return "" if record is None else sentence(record)
