"""`opentrail keys`: who may call."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table

from opentrail.adapters.identities import add_key, read_file, remove_key
from opentrail.app.settings import read_settings
from opentrail.app.wiring import identities_path
from opentrail.cli.terminal import output

keys = typer.Typer(help="Access keys of the identities file.", no_args_is_help=True)

DEFAULT_ACCOUNT = "123456789012"


@keys.command("create")
def create(
    user: Annotated[str, typer.Option(help="The user's name; '' for the root user.")],
    account: Annotated[str, typer.Option(help="Twelve digits.")] = DEFAULT_ACCOUNT,
) -> None:
    """Make a key pair; the secret is shown this once."""
    data = read_settings(os.environ).data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    entry = add_key(identities_path(data), user, account)
    output.print(f"AWS_ACCESS_KEY_ID={entry.access_key_id}")
    output.print(f"AWS_SECRET_ACCESS_KEY={entry.secret_access_key}")


@keys.command("list")
def list_keys(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show keys without their secrets."""
    entries = read_file(identities_path(read_settings(os.environ).data)).entries
    if format == "json":
        rows = [
            {"account": one.account, "user": one.user, "accessKeyId": one.access_key_id}
            for one in entries
        ]
        output.print_json(data={"format": 1, "keys": rows})
        return
    table = Table("account", "user", "access key", box=None)
    for one in entries:
        table.add_row(one.account, one.user or "(root)", one.access_key_id)
    output.print(table)


@keys.command("delete")
def delete(access_key_id: Annotated[str, typer.Argument(help="The key to remove.")]) -> None:
    """Remove a key; records keep telling whose it was."""
    remove_key(identities_path(read_settings(os.environ).data), access_key_id)
    output.print(f"removed {access_key_id}")
