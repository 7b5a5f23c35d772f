"""`opentrail trails`: what keeps a trail from delivering."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Annotated

import msgspec
import typer

from opentrail.app.anchors import has_state
from opentrail.app.settings import Settings, read_settings
from opentrail.app.telemetry.status import is_running, read_status
from opentrail.app.upstreams import parse_upstreams
from opentrail.app.wiring import open_parts
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_UNKNOWN, fail, output, safe
from opentrail.ports.state import StateStore
from opentrail.trail.trail import TRAIL_KIND, Trail
from opentrail.workers.examination import Finding, examine

trails = typer.Typer(help="Trails of this installation.", no_args_is_help=True)


@trails.command("doctor")
def doctor(
    name: Annotated[str, typer.Argument(help="The trail's name or ARN.")],
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Explain what keeps a trail from delivering, and print what is missing, ready to paste.

    Exit codes: 0 nothing to do, 1 something is wrong, 2 usage, 3 can not tell.
    """
    if format not in ("table", "json"):
        fail(f"format {format!r}: expected table or json")
    settings = read_settings(os.environ)
    if not has_state(settings.data):
        fail(f"{settings.data} is not the data directory of an OpenTrail", EXIT_UNKNOWN)
    # Which services are OpenTrail's own depends on the upstreams that the server has.
    parts = open_parts(replace(settings, upstreams=_upstreams(settings)))
    trail = find_trail(parts.state, name)
    outside = parts.outside(parse_upstreams(parts.settings.upstreams).url)
    findings = list(
        examine(
            trail,
            parts.state,
            outside.store,
            outside.destinations,
            checks_bucket_policies=settings.bucket_policies == "check",
        )
    )
    good = all(one.good for one in findings)
    if format == "json":
        shown = [msgspec.to_builtins(one) for one in findings]
        output.print_json(data={"format": 1, "trail": trail.arn, "good": good, "findings": shown})
    else:
        _show(trail, findings)
    if not good:
        raise typer.Exit(EXIT_FINDINGS)


def find_trail(state: StateStore, name: str) -> Trail:
    """The trail of that name or ARN; ends the command if there is none or more than one."""
    known = [
        msgspec.json.decode(document.body, type=Trail)
        for document in state.list(TRAIL_KIND, "arn:")
    ]
    found = [trail for trail in known if name in (trail.arn, trail.name)]
    if len(found) > 1:
        arns = ", ".join(trail.arn for trail in found)
        fail(f"there is more than one trail {name!r}; name one by its ARN: {arns}")
    if not found:
        names = ", ".join(trail.name for trail in known) or "none"
        fail(f"there is no trail {name!r}; there are: {names}")
    return found[0]


def _upstreams(settings: Settings) -> tuple[str, ...]:
    status = read_status(settings.data)
    if settings.upstreams:
        return settings.upstreams
    if status is None or not is_running(status):
        fail(
            "no server runs on this data directory, so nothing is known of the services behind "
            "it; start it, or name them with OPENTRAIL_UPSTREAMS",
            EXIT_UNKNOWN,
        )
    return status.upstreams


def _show(trail: Trail, findings: list[Finding]) -> None:
    output.print(f"{safe(trail.arn)}\n")
    for one in findings:
        output.print(f"{'ok  ' if one.good else 'FAIL'}  {one.about:10} {safe(one.text)}")
        for statement in one.statements:
            output.print(json.dumps(statement, indent=2))
