"""Write the reference pages that come from the code: settings, operations, commands.

`make docs` runs it; tests/docs/test_reference.py demands that the pages are as it writes them.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET
from opentrail.app.settings import PREFIX, Settings
from opentrail.cli.main import commands

HERE = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- written by tools/make_reference.py -->\n"


def settings_page() -> str:
    """Every setting with its variable, default and meaning."""
    meanings = dict(
        re.findall(r"^ {8}(\w+): ((?:.|\n {12})+)", Settings.__doc__ or "", re.MULTILINE)
    )
    rows = []
    for field in fields(Settings):
        default = field.default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        meaning = " ".join(meanings[field.name].split())
        rows.append(
            f"| `{PREFIX}{field.name.upper()}` | {f'`{shown}`' if shown else ''} | {meaning} |"
        )
    return (
        f"{NOTE}# Settings\n\n"
        "Each is an environment variable; an unknown `OPENTRAIL_...` variable is an error.\n"
        "`opentrail serve` takes `--data`, `--host`, `--port` and `--upstream` too, which win.\n\n"
        "| variable | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def operations_page() -> str:
    """Every operation of the API and whether it is done."""
    done = "\n".join(
        f"| {name} | {(handler.__doc__ or '').strip().splitlines()[0]} |"
        for name, handler in sorted(HANDLERS.items())
    )
    not_yet = ", ".join(sorted(NOT_YET))
    return (
        f"{NOTE}# Operations of the API\n\n"
        "OpenTrail answers `cloudtrail` and `cloudtrail-data`; all other services are forwarded.\n"
        "Every call needs a valid Signature Version 4.\n\n"
        f"## Done ({len(HANDLERS)})\n\n| operation | |\n|---|---|\n{done}\n\n"
        f"## Not yet ({len(NOT_YET)})\n\n"
        f"These answer `UnsupportedOperationException`: {not_yet}.\n"
    )


def commands_page() -> str:
    """Every command's help, as it prints it."""
    group: Any = typer.main.get_command(commands)
    parts = [
        NOTE,
        "# Commands\n\n",
        "Exit codes: 0 done, 1 findings (`verify`), 2 usage, 3 can not tell, 130 interrupted.\n",
    ]
    for name, command in _walk("opentrail", group):
        if getattr(command, "hidden", False):
            continue
        context = command.make_context(name, [], resilient_parsing=True)
        context.info_name = name
        context.max_content_width = context.terminal_width = 90
        parts.append(f"\n## {name}\n\n```text\n{command.get_help(context).strip()}\n```\n")
    return "".join(parts)


def _walk(name: str, command: Any) -> list[tuple[str, Any]]:
    found = [(name, command)]
    for inner in getattr(command, "commands", {}).values():
        found += _walk(f"{name} {inner.name}", inner)
    return found


PAGES = {
    "settings.md": settings_page,
    "operations.md": operations_page,
    "commands.md": commands_page,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
