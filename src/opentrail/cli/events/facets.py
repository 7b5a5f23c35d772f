"""`opentrail events facets`: how often each value of a field occurs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from opentrail.app.searching.asking import Ask, parse_field
from opentrail.app.searching.shapes import VERSION, facet_object
from opentrail.cli.events.opening import interruptible, one_of, read_search, searching_here
from opentrail.cli.terminal import fail, output, safe
from opentrail.errors import InvalidInput
from opentrail.ports.events import Facet
from opentrail.search.render import render_path

TOP = 10
_BAR_COLUMNS = 30
_LONGEST_VALUE = 60
_OPERATORS = ("exists", "in", "like", "prefix", "suffix", "contains", "not")
_SIGNS = ("=", "!", "<", ">")


def facets(  # noqa: PLR0913, PLR0917 - the command's options
    words: Annotated[
        list[str], typer.Argument(metavar="FIELD... [FILTER]", help="Fields, then a filter.")
    ],
    since: Annotated[str, typer.Option(help="From this time on: 2h, yesterday.")] = "",
    until: Annotated[str, typer.Option(help="Before this time, or the end of a day.")] = "",
    between: Annotated[str, typer.Option(help="A range: 2h..1h, yesterday.")] = "",
    account: Annotated[list[str] | None, typer.Option(help="Only of this account.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Values of each field.")] = TOP,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Count the values of fields, of all events or of those that pass a filter.

    Exit codes: 0 done, 2 usage, 3 no data directory, 130 interrupted.
    """
    one_of("format", format, ("table", "json"))
    paths, filter_text = split(words)
    ask = Ask(
        filter=filter_text,
        since=since,
        until=until,
        between=between,
        accounts=frozenset(account) if account else None,
        limit=None,
    )
    searching = searching_here()
    with interruptible():
        found = searching.events.facets(read_search(ask, searching), paths, top=top)
        if format == "json":
            shape = {"version": VERSION, "facets": [facet_object(one) for one in found]}
            sys.stdout.write(msgspec.json.encode(shape).decode() + "\n")
        else:
            show_facets(found)


def split(words: Sequence[str]) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The fields that words begin with, and the filter behind them.

    A field with an operator behind it belongs to the filter.
    """
    paths: list[tuple[str, ...]] = []
    for word in words:
        try:
            paths.append(parse_field(word))
        except InvalidInput as problem:
            if not paths:
                fail(str(problem))
            break
    rest = words[len(paths) :]
    if rest and (rest[0].lower() in _OPERATORS or rest[0].startswith(_SIGNS)):
        paths.pop()
    if not paths:
        fail("no field to count; expected FIELD... [FILTER]")
    return tuple(paths), " ".join(words[len(paths) :])


def show_facets(facets: Sequence[Facet]) -> None:
    """Each field with its values, their counts and bars."""
    for facet in facets:
        output.print(f"\n{safe(render_path(facet.path))}")
        most = max((events for _, events in facet.values), default=1)
        wide = len(f"{max(most, facet.missing, facet.others):,}")
        for text, events in facet.values:
            bar = "█" * max(1, round(events / most * _BAR_COLUMNS))
            shown = text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
            output.print(f"  {events:>{wide},}  {bar:{_BAR_COLUMNS}}  {safe(shown)}")
        if facet.others:
            output.print(f"  {facet.others:>{wide},}  under other values")
        if facet.missing:
            output.print(f"  {facet.missing:>{wide},}  without the field")
