"""`opentrail logs query`: a query of Logs Insights, straight on the data directory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from opentrail.app.searching.asking import read_range
from opentrail.app.settings import Settings
from opentrail.app.watching.log_queries import QueryParts, find_queried
from opentrail.app.wiring import default_account, open_parts
from opentrail.cli.events.opening import caret, existing_settings, interruptible, now, one_of
from opentrail.cli.logs.answering import answered
from opentrail.cli.logs.showing import FORMATS, show
from opentrail.cli.terminal import EXIT_UNKNOWN, EXIT_USAGE, fail, messages, safe
from opentrail.clock import SystemClock, epoch_milliseconds
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import QueriedGroup, QueryFailed, QueryRequest

logs = typer.Typer(help="Query log groups and the store of events.", no_args_is_help=True)

_USUAL_SPAN = timedelta(hours=1)


@logs.callback()
def group() -> None:
    """Query log groups and the store of events."""


@logs.command("query")
def query(  # noqa: PLR0913, PLR0917 - the command's options
    text: Annotated[str, typer.Argument(metavar="QUERY", help="In Logs Insights QL.")],
    group: Annotated[
        list[str] | None,
        typer.Option(help="A log group, by name or ARN; without, every event of the store."),
    ] = None,
    since: Annotated[str, typer.Option(help="From this time on: 2h, yesterday, an ISO time.")] = "",
    until: Annotated[str, typer.Option(help="Before this time, or until the end of a day.")] = "",
    between: Annotated[str, typer.Option(help="A range: 2h..1h, 2026-07-01..2026-07-03.")] = "",
    account: Annotated[
        list[str] | None, typer.Option(help="Without --group: only events of this account.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Rows, if the query sets no limit.")
    ] = None,
    format: Annotated[str, typer.Option(help=f"{', '.join(FORMATS)}.")] = "table",  # noqa: A002
) -> None:
    """Ask in Logs Insights QL; the last hour, unless said otherwise.

    Exit codes: 0 answered, 2 usage or a malformed query, 3 not answered, 130 interrupted.
    """
    form = one_of("format", format, FORMATS)
    if group and account:
        fail("--account is for queries without --group")
    settings = existing_settings()
    asked_at = now()
    start, end = _times(since, until, between, asked_at)
    request = QueryRequest(
        text=text,
        start=start,
        end=end,
        now=epoch_milliseconds(asked_at),
        limit=limit,
        groups=_groups(settings, group or [], asked_at),
        accounts=tuple(account) if account else None,
    )
    with interruptible():
        _answer(settings, request, form)


def _answer(settings: Settings, request: QueryRequest, form: str) -> None:
    engine = QueryParts(settings.data, SystemClock()).engine()
    try:
        show(answered(engine, request), form)
    except MalformedQuery as problem:
        messages.print(f"opentrail: {safe(str(problem))}")
        for line in caret(request.text, problem.start):
            messages.print(f"  {line}")
        raise typer.Exit(EXIT_USAGE) from None
    except QueryFailed as problem:
        fail(str(problem), EXIT_UNKNOWN)
    finally:
        engine.close()


def _times(since: str, until: str, between: str, asked_at: datetime) -> tuple[int, int]:
    """Milliseconds, the end exclusive."""
    found = read_range(since, until, between, asked_at)
    end = epoch_milliseconds(asked_at) + 1000 if found.end is None else found.end * 1000
    if found.start is not None:
        return found.start * 1000, end
    return end - int(_USUAL_SPAN.total_seconds() * 1000), end


def _groups(
    settings: Settings, names: list[str], asked_at: datetime
) -> tuple[QueriedGroup, ...] | None:
    if not names:
        return None
    return find_queried(
        names,
        open_parts(settings).state,
        account_id=default_account(settings.data),
        region=settings.region,
        now=epoch_milliseconds(asked_at),
    )
