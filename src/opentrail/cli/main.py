"""The commands; each group of them has a module of its own."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from opentrail import __version__
from opentrail.adapters.outbox import FILE_NAME as OUTBOX_FILE
from opentrail.adapters.outbox import SqliteOutbox
from opentrail.app.serve import Started, serve
from opentrail.app.settings import Settings, read_settings
from opentrail.app.telemetry.log import start_log
from opentrail.app.telemetry.status import ServerStatus, is_running, read_status
from opentrail.app.upstreams import parse_upstreams
from opentrail.app.wiring import first_key, open_event_reader, open_parts, redaction
from opentrail.app.workers import run_loops, worker_loops
from opentrail.cli.events import events
from opentrail.cli.imports import import_logs, imports
from opentrail.cli.insights import insights
from opentrail.cli.keys import keys
from opentrail.cli.logs import logs
from opentrail.cli.org import org
from opentrail.cli.packs import init
from opentrail.cli.record import record
from opentrail.cli.responses.deliveries import deliveries
from opentrail.cli.responses.functions import functions
from opentrail.cli.responses.webhooks import webhooks
from opentrail.cli.selectors import selectors
from opentrail.cli.sessions import sessions
from opentrail.cli.sigma import findings, incidents, rules
from opentrail.cli.signing_keys import signing_keys
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_UNKNOWN, EXIT_USAGE, fail, messages, output
from opentrail.cli.trails import trails
from opentrail.cli.verify import verify
from opentrail.errors import InvalidInput, Unavailable

commands = typer.Typer(
    name="opentrail",
    help="A self-hosted CloudTrail: record, keep, prove and find AWS API calls.",
    invoke_without_command=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help texts hold brackets of their own
    add_completion=True,
)
commands.add_typer(keys, name="keys")
commands.add_typer(events, name="events")
commands.add_typer(trails, name="trails")
commands.add_typer(selectors, name="selectors")
commands.add_typer(org, name="org")
commands.add_typer(signing_keys, name="signing-keys")
commands.add_typer(imports, name="imports")
commands.add_typer(sessions, name="sessions")
commands.add_typer(deliveries, name="deliveries")
commands.add_typer(functions, name="functions")
commands.add_typer(webhooks, name="webhooks")
commands.add_typer(rules, name="rules")
commands.add_typer(findings, name="findings")
commands.add_typer(incidents, name="incidents")
commands.add_typer(insights, name="insights")
commands.command("init")(init)
commands.add_typer(logs, name="logs")
commands.command("verify")(verify)
commands.command("import")(import_logs)
commands.command("record", context_settings={"allow_interspersed_args": False})(record)


def main() -> None:
    """Run the command line; what goes wrong is told in one line."""
    try:
        commands()
    except InvalidInput as problem:
        messages.print(f"opentrail: {problem}")
        raise SystemExit(EXIT_USAGE) from None
    except Unavailable as problem:
        messages.print(f"opentrail: {problem}")
        raise SystemExit(EXIT_UNKNOWN) from None


@commands.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,  # noqa: FBT002 - an option
) -> None:
    """A self-hosted CloudTrail: record, keep, prove and find AWS API calls."""
    if version:
        output.print(f"opentrail {__version__}")
        raise typer.Exit


@commands.command("serve")
def serve_command(
    upstream: Annotated[
        list[str] | None,
        typer.Option(help="A service behind the endpoint, SERVICE=URL; '*' for all others."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
) -> None:
    """Start OpenTrail, and SeaweedFS and moto behind it unless --upstream names others."""
    settings = read_settings(
        os.environ,
        upstreams=tuple(upstream) if upstream else None,
        host=host,
        port=port,
        data=data,
    )
    start_log(settings.log_level)
    serve(settings, lambda started: _announce(settings, started))


@commands.command("run", hidden=True)
def run_command(what: Annotated[str, typer.Argument(help="workers")]) -> None:
    """Run the workers alone; the server starts this by itself."""
    if what != "workers":
        fail(f"{what!r} can't be run; expected: workers")
    settings = read_settings(os.environ)
    start_log(settings.log_level)
    run_loops(worker_loops(open_parts(settings), parse_upstreams(settings.upstreams).url))


@commands.command("env")
def env_command() -> None:
    """Print the lines that point AWS tools at OpenTrail: eval "$(opentrail env)"."""
    settings = read_settings(os.environ)
    status = read_status(settings.data)
    endpoint = (
        status.endpoint
        if status is not None and is_running(status)
        else f"http://{settings.host}:{settings.port}"
    )
    for line in _exports(settings, endpoint):
        output.print(line)


@commands.command("status")
def status_command(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Tell whether the server runs, and whether all that it forwarded is recorded.

    The exit code is 1 if calls have no record or no known outcome.
    """
    settings = read_settings(os.environ)
    status = read_status(settings.data)
    if status is None or not is_running(status):
        fail(f"no server runs on {settings.data}", EXIT_UNKNOWN)
    members = {name: getattr(status, name) for name in status.__struct_fields__}
    members |= _stored(settings)
    if format == "json":
        told = {
            name: one if isinstance(one, int | tuple) else str(one) for name, one in members.items()
        }
        output.print_json(data={"format": 1, "complete": status.complete, **told})
    else:
        for name, one in members.items():
            output.print(f"{name:26} {one}")
        output.print(_completeness(status))
    if not status.complete:
        raise typer.Exit(EXIT_FINDINGS)


@commands.command("secret-digest")
def secret_digest_command() -> None:
    """Print what records hold in place of a secret, to look for it; the secret is read from stdin.

    Only with OPENTRAIL_SECRETS=digest.
    """
    settings = read_settings(os.environ)
    if settings.secrets != "digest":
        fail("records hold no digests; they do with OPENTRAIL_SECRETS=digest")
    text = typer.prompt("Secret", hide_input=True, err=True) if sys.stdin.isatty() else ""
    output.print(redaction(settings).hide(text or sys.stdin.readline().rstrip("\n")))


def _stored(settings: Settings) -> dict[str, int]:
    """What the store of events holds, and what it takes; how deliveries to targets stand."""
    standing = SqliteOutbox(settings.data / OUTBOX_FILE).figures()
    figures = open_event_reader(settings).figures()
    by_kind = {f"{kind}_bytes": length for kind, length in figures.disk_bytes.items()}
    return {
        "events": figures.events,
        "event_segments": figures.segments,
        "event_conflicts": figures.conflicts,
        "events_unreadable": figures.unreadable,
        "events_bytes": sum(by_kind.values()),
        **by_kind,
        **{
            f"deliveries_{state.replace('-', '_')}": count
            for state, count in sorted(standing.by_state.items())
        },
        "deliveries_forgotten_early": standing.forgotten_early,
        "responses_unrecorded": standing.unrecorded,
    }


def _completeness(status: ServerStatus) -> str:
    if status.complete:
        return "Every forwarded call is recorded, or on its way to be."
    if status.failing:
        return "The journal can't be written now; see the server's log for the reason."
    return (
        "Calls without a record or outcome were found: look for the events RecordingGap and "
        "RecordingOutage."
    )


def _exports(settings: Settings, endpoint: str) -> list[str]:
    key = first_key(settings.data)
    values = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,  # version 1 of the AWS CLI reads this one
    }
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def _announce(settings: Settings, started: Started) -> None:
    output.print(f"OpenTrail {started.version} records at {started.endpoint}")
    if started.embedded:
        output.print(
            "Behind it: SeaweedFS keeps S3 objects; every other service is moto's DEMONSTRATION "
            "environment\n(account 123456789012; it forgets everything when it stops)."
        )
    output.print(
        "Authorization: any key may do anything in its account, root or not "
        "(OPENTRAIL_AUTHORIZATION=open)."
        if settings.authorization == "open"
        else "Authorization: by the policies of the identities file."
    )
    output.print("The console will be at the same address; until then use the AWS CLI.\n")
    output.print("In another terminal:\n")
    for line in _exports(settings, started.endpoint):
        output.print(f"  {line}")
    output.print("\nStop with Ctrl-C.")
