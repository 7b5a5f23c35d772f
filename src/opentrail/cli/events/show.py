"""`opentrail events show`: one event, in words and as it is."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import typer

from opentrail.app.searching.asking import position_text
from opentrail.app.searching.finding import MOST_CANDIDATES, find_events
from opentrail.app.searching.sentence import sentence
from opentrail.app.searching.shapes import VERSION, event_object, one_line
from opentrail.cli.events.opening import interruptible, one_of, searching_here
from opentrail.cli.events.table import row
from opentrail.cli.terminal import EXIT_USAGE, fail, is_terminal, messages, output, safe
from opentrail.clock import iso_seconds, parse_iso_seconds
from opentrail.ports.events import StoredEvent
from opentrail.predicate.expression import Operator, Test
from opentrail.predicate.reading import decoded, texts_at
from opentrail.search.render import render

AROUND = timedelta(minutes=5)
_FACTS = (
    ("who", "userIdentity.arn"),
    ("type", "userIdentity.type"),
    ("key", "userIdentity.accessKeyId"),
    ("what", "eventName"),
    ("service", "eventSource"),
    ("region", "awsRegion"),
    ("from", "sourceIPAddress"),
    ("by", "userAgent"),
    ("when", "eventTime"),
    ("error", "errorCode"),
    ("message", "errorMessage"),
    ("resource", "resources.ARN"),
    ("account", "recipientAccountId"),
    ("request", "requestID"),
    ("event", "eventID"),
)
_RELATED = (
    ("same request", "requestID"),
    ("same event elsewhere", "sharedEventID"),
    ("same key", "userIdentity.accessKeyId"),
    ("same session", "userIdentity.arn"),
    ("same resource", "resources.ARN"),
)


def show(
    event: Annotated[
        str, typer.Argument(help="An event id, the start of one, a position, or latest.")
    ],
    format: Annotated[str, typer.Option(help="table, json or jsonl (exact bytes).")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show one event: who did what, where from, with what result, and the record itself.

    Exit codes: 0 shown, 2 none or several are meant, 3 no data directory.
    """
    one_of("format", format, ("table", "json", "jsonl"))
    if not event:
        fail("no event is named; expected an id, the start of one, a position or latest")
    searching = searching_here()
    with interruptible():
        found = find_events(searching.events, event, None)
        if not found:
            fail(f"no event {event[:60]!r} is here")
        if len(found) > 1:
            _candidates(event, found)
        _show(found[0], format)


def _candidates(named: str, found: tuple[StoredEvent, ...]) -> None:
    messages.print(f"opentrail: {safe(named)} may be one of these; show one by its position:")
    for one in found[:MOST_CANDIDATES]:
        messages.print(f"  {position_text(one.position):24} {row(one.raw, 0)}")
    if len(found) > MOST_CANDIDATES:
        messages.print("  … and more")
    raise typer.Exit(EXIT_USAGE)


def _show(event: StoredEvent, form: str) -> None:
    if form == "jsonl":
        raw = one_line(event.raw)
        shown = safe(raw.decode("utf-8", "replace")).encode() if is_terminal() else raw
        sys.stdout.buffer.write(shown + b"\n")
        return
    if form == "json":
        shape = {"version": VERSION, "event": event_object(event)}
        sys.stdout.buffer.write(msgspec.json.encode(shape) + b"\n")
        return
    record = decoded(event.raw)
    if record is None:
        output.print("These bytes are no record:")
        output.print(safe(event.raw.decode("utf-8", "replace")))
        return
    output.print(safe(sentence(record)))
    for name, path in _FACTS:
        for text in texts_at(record, path.split(".")):
            output.print(f"  {name:9} {safe(text)}")
    output.print(f"  {'position':9} {position_text(event.position)}")
    output.print("\nRelated:")
    for command in related(record):
        output.print(f"  {safe(command)}")
    output.print("\nRecord:")
    pretty = msgspec.json.format(one_line(event.raw), indent=2).decode("utf-8", "replace")
    for one in pretty.split("\n"):
        output.print(safe(one))


def related(record: dict[str, Any]) -> Iterator[str]:
    """Commands, ready to paste, that find what belongs to the event."""
    for name, path in _RELATED:
        for text in dict.fromkeys(texts_at(record, path.split("."))):
            asked = render(Test(tuple(path.split(".")), Operator.EQUALS, text))
            yield f"opentrail events search {shlex.quote(asked)}  # {name}"
    for text in texts_at(record, ("eventTime",)):
        try:
            when = parse_iso_seconds(text)
        except ValueError:
            continue
        span = f"{iso_seconds(when - AROUND)}..{iso_seconds(when + AROUND)}"
        yield f"opentrail events search --between {span}  # around it"
