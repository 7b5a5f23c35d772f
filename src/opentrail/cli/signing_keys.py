"""`opentrail signing-keys`: the keys that digests are signed with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from opentrail.app.anchors import has_state, local_trust, open_state
from opentrail.app.settings import read_settings
from opentrail.app.wiring import open_parts
from opentrail.cli.terminal import fail, output
from opentrail.clock import SystemClock, iso_seconds
from opentrail.digest.trust import Trust, write_trust

signing_keys = typer.Typer(help="Keys that digest files are signed with.", no_args_is_help=True)


@signing_keys.command("list")
def list_keys(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show the public keys and when they are valid."""
    keys = _trust().keys
    if format == "json":
        rows = [
            {
                "region": key.region,
                "fingerprint": key.fingerprint,
                "validFrom": iso_seconds(key.valid_from),
                "validTo": iso_seconds(key.valid_to),
            }
            for key in keys
        ]
        output.print_json(data={"format": 1, "keys": rows})
        return
    table = Table("region", "fingerprint", "valid from", "valid to", box=None)
    for key in keys:
        table.add_row(
            key.region, key.fingerprint, iso_seconds(key.valid_from), iso_seconds(key.valid_to)
        )
    output.print(table)


@signing_keys.command("rotate")
def rotate(region: Annotated[str, typer.Option(help="The trails' home region.")]) -> None:
    """Make a new key; it signs from now on, the ones before stay valid."""
    settings = read_settings(os.environ)
    if not has_state(settings.data):
        fail(f"{settings.data} is no data directory of OpenTrail; name it with OPENTRAIL_DATA")
    parts = open_parts(settings)
    key = parts.signer().rotate(region, parts.clock.now())
    output.print(f"{key.region} signs with {key.fingerprint} from now on")


@signing_keys.command("export")
def export(file: Annotated[Path, typer.Argument(help="The trust file to write.")]) -> None:
    """Write the public keys, and where each digest chain stands, for `opentrail verify --keys`."""
    file.write_bytes(write_trust(_trust()))
    output.print(f"wrote {file}; keep it where the bucket's owner can't change it")


def _trust() -> Trust:
    data = read_settings(os.environ).data
    if not has_state(data):
        fail(f"{data} is no data directory of OpenTrail; name it with OPENTRAIL_DATA")
    return local_trust(data, open_state(data), SystemClock())
