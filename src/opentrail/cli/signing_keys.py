"""`opentrail signing-keys`: the keys that digests are signed with."""

from __future__ import annotations

import typer

signing_keys = typer.Typer(help="Keys that digest files are signed with.", no_args_is_help=True)
