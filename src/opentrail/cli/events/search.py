"""`opentrail events search`: find events by any of their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opentrail.app.searching.asking import Ask, parse_field
from opentrail.cli.events.answering import Wanted, answer
from opentrail.cli.events.columns import parse_columns
from opentrail.cli.events.opening import interruptible, one_of, read_search, searching_here
from opentrail.cli.terminal import fail

FORMATS = ("table", "json", "jsonl", "csv", "parquet")
_SUFFIXES = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}

Filter = Annotated[
    list[str] | None, typer.Argument(help="Words of the filter language, joined by blanks.")
]
Since = Annotated[str, typer.Option(help="From this time on: 2h, yesterday, an ISO time.")]
Until = Annotated[str, typer.Option(help="Before this time, or until the end of a day.")]
Between = Annotated[str, typer.Option(help="A range: 2h..1h, yesterday, 2026-07-01..2026-07-03.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only of this account.")]


def search(  # noqa: PLR0913, PLR0917 - the command's options
    filter: Filter = None,  # noqa: A002 - the argument's name
    since: Since = "",
    until: Until = "",
    between: Between = "",
    account: Accounts = None,
    limit: Annotated[int, typer.Option(min=1, help="Events at the most.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="All events found.")] = False,  # noqa: FBT002
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Oldest first.")] = False,  # noqa: FBT002
    format: Annotated[str, typer.Option(help=f"{', '.join(FORMATS)}; by FILE's ending.")] = "",  # noqa: A002
    output: Annotated[Path | None, typer.Option(help="Write into this file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the file.")] = False,  # noqa: FBT002
    columns: Annotated[str, typer.Option(help="Fields for csv and parquet; also record.")] = "",
    guard: Annotated[  # noqa: FBT002
        bool, typer.Option("--formula-guard/--no-formula-guard", help="csv: ' before formulas.")
    ] = True,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are.")] = False,  # noqa: FBT002
    facet: Annotated[list[str] | None, typer.Option(help="Count values of this field.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell what is asked.")] = False,  # noqa: FBT002
    after: Annotated[str, typer.Option(help="Behind this position: the next page.")] = "",
) -> None:
    """Find events, management and data, by any of their fields; newest first.

    Exit codes: 0 done, 2 usage, 3 no data directory, 130 interrupted.
    """
    form = one_of(
        "format", format or _SUFFIXES.get(output.suffix if output else "", "table"), FORMATS
    )
    if resume and (output is None or form in {"table", "json"}):
        fail("--resume goes on with the --output FILE of jsonl, csv or parquet")
    if form == "parquet" and output is None:
        fail("parquet is written into a file; name it with --output")
    if (facet or count) and form not in {"table", "json"}:
        fail(f"--count and --facet have no {form}; expected table or json")
    ask = Ask(
        filter=" ".join(filter or ()),
        since=since,
        until=until,
        between=between,
        accounts=frozenset(account) if account else None,
        newest_first=not oldest_first,
        limit=None if every else limit,
        after=after,
    )
    wanted = Wanted(
        ask=ask,
        form=form,
        output=output,
        resume=resume,
        columns=parse_columns(columns),
        guard=guard,
        facets=tuple(parse_field(one) for one in facet or ()),
        count=count,
        explain=explain,
    )
    searching = searching_here()
    with interruptible():
        answer(wanted, searching.events, read_search(ask, searching))
