"""What a search is answered with: a table, JSON, lines, or a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from opentrail.app.searching.asking import Ask, position_text
from opentrail.app.searching.shapes import (
    VERSION,
    event_object,
    facet_object,
    iso_epoch,
    next_object,
    total_object,
)
from opentrail.cli.events.columns import USUAL_COLUMNS, Column
from opentrail.cli.events.exporting import begin, export_parquet, export_text
from opentrail.cli.events.facets import TOP, show_facets
from opentrail.cli.events.formats import Csv, JsonLines, TextFormat
from opentrail.cli.events.parquet import USUAL_COLUMNS as PARQUET_COLUMNS
from opentrail.cli.events.parquet import ParquetParts
from opentrail.cli.events.progress import export_bar
from opentrail.cli.events.table import row, width
from opentrail.cli.terminal import is_terminal, messages, output, safe
from opentrail.ports.events import EventReader, Position, Search, StoredEvent, Total
from opentrail.search.render import render

MOST_COUNTED = 100_000
"""Beyond that a total beside a page is "at least" so many; `--count` counts all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a search is to be answered.

    Attributes:
        columns: () for the usual ones.
        facets: Paths of fields.
    """

    ask: Ask
    form: str
    output: Path | None = None
    resume: bool = False
    columns: tuple[Column, ...] = ()
    guard: bool = True
    facets: tuple[tuple[str, ...], ...] = ()
    count: bool = False
    explain: bool = False


def answer(wanted: Wanted, events: EventReader, search: Search) -> None:
    """Answer; what comes in meanwhile is left out, so that pages and totals fit together."""
    search = replace(search, sequence_before=events.sequence_end())
    if wanted.explain:
        _explain(wanted, search)
    if wanted.count:
        _count(wanted, events, search)
    elif wanted.output is not None and wanted.form in {"jsonl", "csv", "parquet"}:
        _export(wanted, wanted.output, events, search)
    elif wanted.output is not None:
        with wanted.output.open("wb") as file:
            _print(wanted, file, events, search, columns=0)
    else:
        _print(wanted, sys.stdout.buffer, events, search, columns=width())


def total_text(total: Total) -> str:
    """`12,345`, or `at least 100,000`."""
    return f"{total.events:,}" if total.exact else f"at least {total.events:,}"


def _count(wanted: Wanted, events: EventReader, search: Search) -> None:
    total = events.count(replace(search, limit=None))
    if wanted.form == "json":
        _write(sys.stdout.buffer, {"version": VERSION, "total": total_object(total)})
    else:
        output.print(str(total.events))


def _export(wanted: Wanted, path: Path, events: EventReader, search: Search) -> None:
    export = begin(path, _request(wanted), search, resume=wanted.resume)
    if export is None:
        messages.print(f"{safe(str(path))} is whole; nothing was left to resume")
        return
    try:
        with export_bar(events, export.search, export.place.events) as seen:
            if wanted.form == "parquet":
                parts = ParquetParts(path, wanted.columns or PARQUET_COLUMNS)
                written = export_parquet(export, events, parts, seen)
            else:
                written = export_text(export, events, _text_format(wanted), seen)
    except KeyboardInterrupt:
        messages.print(f"{safe(str(path))} is not whole; the same command with --resume goes on")
        raise
    _footer(written, events, export.search)


def _request(wanted: Wanted) -> tuple[str, ...]:
    """What was asked for, as it was said: times that are relative count from the beginning."""
    ask = wanted.ask
    order = "newest first" if ask.newest_first else "oldest first"
    guard = "" if wanted.guard else "no guard"
    names = ",".join(column.name for column in wanted.columns)
    accounts = ",".join(sorted(ask.accounts or ()))
    said = (ask.filter, ask.since, ask.until, ask.between, accounts, order, ask.after)
    return (wanted.form, *said, str(ask.limit), names, guard)


def _text_format(wanted: Wanted) -> TextFormat:
    if wanted.form == "csv":
        return Csv(wanted.columns or USUAL_COLUMNS, guard=wanted.guard)
    return JsonLines()


def _print(
    wanted: Wanted, out: BinaryIO, events: EventReader, search: Search, *, columns: int
) -> None:
    match wanted.form:
        case "json":
            _print_json(wanted, out, events, search)
        case "table":
            shown = _print_lines(
                out, events.stream(search), lambda one: row(one.raw, columns).encode() + b"\n"
            )
            out.flush()
            if wanted.facets:
                show_facets(events.facets(replace(search, limit=None), wanted.facets, top=TOP))
            _footer(shown, events, search)
        case _:
            form = _text_format(wanted)
            out.write(form.header())
            encode = _shown_safely(form) if out is sys.stdout.buffer else form.encode
            shown = _print_lines(out, events.stream(search), encode)
            out.flush()
            _footer(shown, events, search)


def _shown_safely(form: TextFormat) -> Callable[[StoredEvent], bytes]:
    """On a terminal nothing of a record moves the cursor; elsewhere bytes stay as they are."""
    if not is_terminal():
        return form.encode

    def encode(event: StoredEvent) -> bytes:
        text = form.encode(event).decode("utf-8", "replace")
        return (safe(text.rstrip("\r\n")) + "\n").encode()

    return encode


def _print_lines(
    out: BinaryIO, found: Iterator[StoredEvent], encode: Callable[[StoredEvent], bytes]
) -> int:
    shown = 0
    for event in found:
        out.write(encode(event))
        shown += 1
    return shown


def _print_json(wanted: Wanted, out: BinaryIO, events: EventReader, search: Search) -> None:
    """The one object, event by event: there may be millions."""
    out.write(b'{"version":%d,"events":[' % VERSION)
    shown = 0
    last: Position | None = None
    for event in events.stream(search):
        out.write(b",\n" if shown else b"\n")
        out.write(msgspec.json.encode(event_object(event)))
        last = event.position
        shown += 1
    total = _total(shown, events, search)
    rest: dict[str, object] = {
        "total": total_object(total),
        "next": next_object(last if _more(shown, total, search) else None),
    }
    if wanted.facets:
        found = events.facets(replace(search, limit=None), wanted.facets, top=TOP)
        rest["facets"] = [facet_object(one) for one in found]
    out.write(b"\n]," + msgspec.json.encode(rest)[1:] + b"\n")
    out.flush()


def _total(shown: int, events: EventReader, search: Search) -> Total:
    """How many there are on this page and all others."""
    if search.after is None and (search.limit is None or shown < search.limit):
        return Total(shown, exact=True)
    return events.count(replace(search, limit=None, after=None), at_most=MOST_COUNTED)


def _more(shown: int, total: Total, search: Search) -> bool:
    """Whether another page may follow."""
    return search.limit is not None and shown == search.limit and shown < total.events


def _footer(shown: int, events: EventReader, search: Search) -> None:
    total = _total(shown, events, search)
    hint = " (use --all)" if _more(shown, total, search) else ""
    messages.print(f"{shown:,} of {total_text(total)} shown{hint}")


def _explain(wanted: Wanted, search: Search) -> None:
    start = "the first event" if search.start is None else iso_epoch(search.start)
    end = "the last" if search.end is None else f"before {iso_epoch(search.end)}"
    lines: Sequence[str] = (
        f"filter    {render(search.where)}",
        f"time      from {start} to {end}",
        f"accounts  {', '.join(sorted(search.accounts)) if search.accounts else 'all'}",
        f"order     {'newest' if search.newest_first else 'oldest'} first, "
        f"{'all' if search.limit is None else search.limit} events"
        + (f", behind {position_text(search.after)}" if search.after else ""),
        f"counted   {', '.join('.'.join(path) for path in wanted.facets) or 'no field'}",
        f"sequence  below {search.sequence_before}: what comes in from now on is left out",
    )
    for one in lines:
        messages.print(safe(one))


def _write(out: BinaryIO, content: object) -> None:
    out.write(msgspec.json.encode(content) + b"\n")
    out.flush()
