"""The group of commands."""

from __future__ import annotations

import typer

from opentrail.cli.events.facets import facets
from opentrail.cli.events.search import search
from opentrail.cli.events.show import show
from opentrail.cli.events.tail import tail

events = typer.Typer(help="Recorded events.", no_args_is_help=True)
events.command("search")(search)
events.command("show")(show)
events.command("facets")(facets)
events.command("tail")(tail)
