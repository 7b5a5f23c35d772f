"""`opentrail functions`: programs and Python handlers that rules, alarms and topics may run."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from opentrail.adapters.identities import read_file
from opentrail.app.settings import read_settings
from opentrail.app.wiring import Parts, default_account, identities_path, open_parts
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_UNKNOWN, fail, messages, output, safe
from opentrail.ports.state import Change
from opentrail.ports.targets.outbox import Delivery, DeliveryState
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome
from opentrail.targets.function import FUNCTION_KIND, Function, checked
from opentrail.workers.targets.deciding import Tried, after_try
from opentrail.workers.targets.trying import answer_of

functions = typer.Typer(
    help="Functions that run here, as targets of rules, alarms and topics.", no_args_is_help=True
)

INVOKED = "opentrail functions invoke"
"""The cause of a run that a person asked for."""

_Account = Annotated[str, typer.Option(help="Twelve digits; the first key's account.")]
_Region = Annotated[str, typer.Option(help="The function's region; OPENTRAIL_REGION.")]
_Name = Annotated[str, typer.Argument(help="The function's name.")]


@functions.command("add")
def add(  # noqa: PLR0913, PLR0917 - the command's options
    name: _Name,
    command: Annotated[
        str, typer.Option(help="A program and its arguments; it gets the event on its stdin.")
    ] = "",
    python: Annotated[
        str, typer.Option(help="FILE:HANDLER, called with (event, context) as Lambda does.")
    ] = "",
    timeout: Annotated[int, typer.Option(help="Seconds after which it is killed.")] = 30,
    role: Annotated[
        str, typer.Option(help="ARN of a role of the identities file, to call AWS with.")
    ] = "",
    dry_run: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--dry-run", help="Tell of runs, and run nothing.")
    ] = False,
    needs_approval: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--needs-approval", help="Let a person allow each run.")
    ] = False,
    account: _Account = "",
    region: _Region = "",
) -> None:
    """Make a function, or replace the one of that name; its ARN is printed."""
    parts = _open()
    function = checked(
        Function(
            name=name,
            account_id=account or default_account(parts.settings.data),
            region=region or parts.settings.region,
            command=tuple(shlex.split(command)),
            python=_absolute(python),
            timeout_seconds=timeout,
            role=role,
            dry_run=dry_run,
            needs_approval=needs_approval,
        )
    )
    if role:
        _check_role(parts, role)
    body = msgspec.json.encode(function)
    parts.state.apply([Change(FUNCTION_KIND, function.key, body)])
    output.print(function.arn)


@functions.command("list")
def list_functions(
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """List the functions."""
    found = [
        msgspec.json.decode(one.body, type=Function) for one in _open().state.list(FUNCTION_KIND)
    ]
    if form == "json":
        shown = [{"arn": one.arn, **msgspec.to_builtins(one)} for one in found]
        output.print_json(data={"format": 1, "functions": shown})
        return
    for one in found:
        runs = shlex.join(one.command) if one.command else one.python
        words = [f"{one.timeout_seconds} s", one.role.rpartition("/")[2]]
        words += ["dry-run"] * one.dry_run + ["needs-approval"] * one.needs_approval
        output.print(f"{one.arn}  {safe(runs)}  ({', '.join(word for word in words if word)})")


@functions.command("remove")
def remove(name: _Name, account: _Account = "", region: _Region = "") -> None:
    """Remove a function; deliveries to it are then Lambda's."""
    parts = _open()
    function = _find(parts, name, account, region)
    parts.state.apply([Change(FUNCTION_KIND, function.key, None)])
    output.print(f"removed {function.arn}")


@functions.command("invoke")
def invoke(
    name: _Name,
    event: Annotated[str, typer.Option(help="A file with the event; - for stdin.")] = "-",
    account: _Account = "",
    region: _Region = "",
) -> None:
    """Run a function now, whatever it needs, and print what it says; the run is recorded.

    Exit codes: 0 it succeeded, 1 it failed.
    """
    parts = _open()
    function = _find(parts, name, account, region)
    content = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
    answer = _run(parts, function, content)
    output.print(safe_lines(answer.content))
    if answer.outcome is not Outcome.DELIVERED:
        messages.print(f"opentrail: {safe(answer.detail)}")
        raise typer.Exit(EXIT_FINDINGS)


def _run(parts: Parts, function: Function, event: bytes) -> Answer:
    """The run as a delivery that the workers leave alone: it counts, and is told, as any other."""
    outbox, now = parts.outbox(), parts.clock.now()
    delivery = Delivery(
        id=parts.ids.event_id(),
        account_id=function.account_id,
        region=function.region,
        target=function.arn,
        cause=INVOKED,
        payload=event,
        created=int(now.timestamp()),
        max_attempts=0,
        by_hand=True,
    )
    outbox.put([delivery])
    kept = outbox.find(delivery.id)
    assert kept is not None
    target = parts.responding().functions()
    answer = answer_of(lambda: target.send(delivery, now))
    tried = Tried(
        kept=kept,
        terms=NO_TERMS,
        event_name=target.event_name,
        answer=answer,
        began=_milliseconds(now.timestamp()),
        ended=_milliseconds(parts.clock.now().timestamp()),
    )
    outbox.decide(delivery.id, {DeliveryState.BY_HAND}, after_try(tried, parts.clock))
    return answer


def _open() -> Parts:
    return open_parts(read_settings(os.environ))


def _find(parts: Parts, name: str, account: str, region: str) -> Function:
    account_id = account or default_account(parts.settings.data)
    key = f"{account_id}/{region or parts.settings.region}/{name}"
    document = parts.state.get(FUNCTION_KIND, key)
    if document is None:
        _unknown(name)
    return msgspec.json.decode(document.body, type=Function)


def _unknown(name: str) -> NoReturn:
    fail(f"there is no function {name}; see: opentrail functions list", EXIT_UNKNOWN)


def _absolute(python: str) -> str:
    file, colon, handler = python.rpartition(":")
    if not colon:
        return python
    if not Path(file).is_file():
        fail(f"there is no file {file}")
    return f"{Path(file).resolve()}:{handler}"


def _check_role(parts: Parts, role: str) -> None:
    path = identities_path(parts.settings.data)
    if not any(one.arn == role for one in read_file(path).roles):
        account, name = role.split(":")[4], role.partition("role/")[2]
        fail(
            f"{role} is not in {path}; add an entry [[roles]] with account = '{account}', "
            f"role = '{name}' and its role_id"
        )


def safe_lines(content: bytes) -> str:
    """What a function said, line by line, without what could move the cursor."""
    return "\n".join(safe(line) for line in content.decode("utf-8", "replace").splitlines())


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
