"""`opentrail incidents`: findings about one actor that came close together."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from opentrail.cli.events.opening import interruptible, now, one_of
from opentrail.cli.sigma.places import findings_here, iso
from opentrail.cli.sigma.showing import FORMATS, VERSION, line, told
from opentrail.cli.terminal import EXIT_USAGE, fail, messages, output, safe
from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery
from opentrail.search.times import parse_time
from opentrail.sigma.incidents import Incident
from opentrail.sigma.rule import Level

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
        at_least=Level(one_of("level", level, list(Level)) if level else Level.INFORMATIONAL),
        since=parse_time(since, now()),
        limit=limit,
    )
    with interruptible():
        found = findings_here().incidents(query)
        _print(found, format)
    if format == "table":
        more = " (there may be more: --limit)" if len(found) == limit else ""
        messages.print(f"{len(found)} incidents since {since}{more}")


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
        data = {"version": VERSION, "incident": _told(found), "findings": [*map(told, findings)]}
        output.print_json(data=data)
        return
    output.print(_line(found))
    output.print("")
    for one in findings:
        output.print(line(one))
    if found.findings > len(findings):
        messages.print(f"{found.findings - len(findings)} of its findings are not shown.")


def _print(found: tuple[Incident, ...], form: str) -> None:
    if form == "json":
        output.print_json(data={"version": VERSION, "incidents": [*map(_told, found)]})
        return
    for one in found:
        text = _line(one) if form == "table" else msgspec.json.encode(_told(one)).decode()
        output.print(text)


def _told(one: Incident) -> dict[str, Any]:
    """The incident as JSON tells it."""
    return msgspec.structs.asdict(one) | {
        "first_time": iso(one.first_time),
        "last_time": iso(one.last_time),
        "made": iso(one.made),
        "told": dict(one.told),
    }


def _line(one: Incident) -> str:
    return safe(
        f"{one.id}  {iso(one.first_time)} to {iso(one.last_time)}  {one.level:13} "
        f"{one.findings:>4} findings  {one.account_id or '-'}  {one.actor or '-'}: "
        f"{'; '.join(one.rules)}"
    )
