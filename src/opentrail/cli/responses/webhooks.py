"""`opentrail webhooks`: what the owner of a webhook verifies messages with."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from opentrail.app.settings import read_settings
from opentrail.app.wiring import default_account, open_parts
from opentrail.cli.terminal import output
from opentrail.targets.webhook import parse_url

webhooks = typer.Typer(help="Webhooks that deliveries are posted to.", no_args_is_help=True)


@webhooks.command("secret")
def secret(
    url: Annotated[str, typer.Argument(help="The webhook, exactly as the target names it.")],
    account: Annotated[
        str, typer.Option(help="Whose rule, alarm or topic posts there; the first key's account.")
    ] = "",
) -> None:
    """Print the secret that messages to a webhook are signed with."""
    parts = open_parts(read_settings(os.environ))
    parse_url(url)
    account_id = account or default_account(parts.settings.data)
    output.print(parts.responding().secret_of(account_id, url))
