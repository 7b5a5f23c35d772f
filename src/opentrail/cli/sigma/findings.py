"""`opentrail findings`: what rules found."""

from __future__ import annotations

from typing import Annotated

import typer

from opentrail.app.wiring import open_event_reader
from opentrail.cli.events.opening import interruptible, now, one_of, settings_here
from opentrail.cli.events.table import row, width
from opentrail.cli.sigma.places import findings_here
from opentrail.cli.sigma.showing import (
    FORMATS,
    VERSION,
    at_least,
    details,
    line,
    print_all,
    told,
)
from opentrail.cli.terminal import EXIT_USAGE, fail, messages, output
from opentrail.ports.events import EventReader, Search
from opentrail.ports.sigma.findings import FindingQuery
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.expression import Operator, Test
from opentrail.search.times import parse_time
from opentrail.sigma.finding import Finding

findings = typer.Typer(help="What rules found.", no_args_is_help=True)


@findings.command("list")
def list_findings(  # noqa: PLR0913, PLR0917 - the command's options
    level: Annotated[str, typer.Option(help="Only so bad or worse: low, medium, high …")] = "",
    rule: Annotated[str, typer.Option(help="Only of the rule of this id.")] = "",
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    since: Annotated[str, typer.Option(help="Found since: 30m, 7d, 2026-07-01.")] = "7d",
    muted: Annotated[bool, typer.Option("--muted", help="Muted ones, too.")] = False,  # noqa: FBT002 - an option
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    format: Annotated[str, typer.Option(help="table, json or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List findings, those made last first.

    Exit codes: 0 listed (also none), 2 a wrong option, 3 nothing ran here.
    """
    one_of("format", format, FORMATS)
    query = FindingQuery(
        account_id=account,
        rule_id=rule,
        at_least=at_least(level),
        since=parse_time(since, now()),
        with_muted=muted,
        limit=limit,
    )
    with interruptible():
        count = print_all(findings_here().page(query), format, name="findings", shown=line)
    if format == "table":
        more = " (there may be more: --limit)" if count == limit else ""
        messages.print(f"{count} findings since {since}{more}")


@findings.command("show")
def show_finding(
    finding_id: Annotated[str, typer.Argument(metavar="ID", help="The finding's id.")],
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show a finding and its events.

    Exit codes: 0 shown, 2 no such finding, 3 nothing ran here.
    """
    one_of("format", format, ("table", "json"))
    found = findings_here().find(finding_id)
    if found is None:
        fail(f"there is no finding {finding_id[:80]!r}", EXIT_USAGE)
    raws = _events(open_event_reader(settings_here()), found)
    if format == "json":
        records = [raw.decode("utf-8", "replace") for raw in raws]
        output.print_json(data={"version": VERSION, "finding": told(found), "events": records})
        return
    for detail in details(found):
        output.print(detail)
    output.print("")
    for raw in raws:
        output.print(row(raw, width()))
    if len(raws) < len(found.event_ids):
        messages.print(f"{len(found.event_ids) - len(raws)} of its events are not in the store.")


def _events(events: EventReader, finding: Finding) -> list[bytes]:
    """The records that it tells of, oldest first."""
    wanted = (Test(("eventID",), Operator.EQUALS, one) for one in finding.event_ids)
    search = Search(where=AnyOf(tuple(wanted)), newest_first=False, limit=None)
    return [one.raw for one in events.stream(search)]
