"""`opentrail incidents`: findings about one actor that came close together."""

from __future__ import annotations

from typing import Annotated

import typer

from opentrail.cli.events.opening import interruptible, now, one_of
from opentrail.cli.sigma.places import findings_here
from opentrail.cli.sigma.showing import (
    FORMATS,
    VERSION,
    at_least,
    incident_line,
    line,
    print_all,
    told,
)
from opentrail.cli.terminal import EXIT_USAGE, fail, messages, output
from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery
from opentrail.search.times import parse_time

incidents = typer.Typer(help="Findings that belong together.", no_args_is_help=True)

_MOST_SHOWN = 1000


@incidents.command("list")
def list_incidents(
    level: Annotated[str, typer.Option(help="Only so bad or worse: low, medium, high …")] = "",
    actor: Annotated[str, typer.Option(help="Only of this actor: the ARN of a user or role.")] = "",
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    since: Annotated[str, typer.Option(help="With events since: 30m, 7d, 2026-07-01.")] = "7d",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    format: Annotated[str, typer.Option(help="table, json or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List incidents, those with the newest events first.

    Exit codes: 0 listed (also none), 2 a wrong option, 3 nothing ran here.
    """
    one_of("format", format, FORMATS)
    query = IncidentQuery(
        account_id=account,
        actor=actor,
        at_least=at_least(level),
        since=parse_time(since, now()),
        limit=limit,
    )
    with interruptible():
        found = findings_here().incidents(query)
        count = print_all(found, format, name="incidents", shown=incident_line)
    if format == "table":
        more = " (there may be more: --limit)" if count == limit else ""
        messages.print(f"{count} incidents since {since}{more}")


@incidents.command("show")
def show_incident(
    incident_id: Annotated[str, typer.Argument(metavar="ID", help="The incident's id.")],
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show an incident and its findings, in the order of their events.

    Exit codes: 0 shown, 2 no such incident, 3 nothing ran here.
    """
    one_of("format", format, ("table", "json"))
    store = findings_here()
    found = store.incident(incident_id)
    if found is None:
        fail(f"there is no incident {incident_id[:80]!r}", EXIT_USAGE)
    query = FindingQuery(incident_id=found.id, with_muted=True, limit=_MOST_SHOWN)
    findings = sorted(store.page(query), key=lambda one: (one.last_time, one.id))
    if format == "json":
        listed = [told(one) for one in findings]
        output.print_json(data={"version": VERSION, "incident": told(found), "findings": listed})
        return
    output.print(incident_line(found))
    output.print("")
    for one in findings:
        output.print(line(one))
    if found.findings > len(findings):
        messages.print(f"{found.findings - len(findings)} of its findings are not shown.")
