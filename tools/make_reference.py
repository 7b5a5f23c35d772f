"""Write the reference pages that come from the code: settings, operations, commands.

`make docs` runs it; tests/docs/test_reference.py demands that the pages are as it writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET
from opentrail.api.cloudwatch import service as cloudwatch
from opentrail.api.errors import NEVER
from opentrail.api.events import service as events
from opentrail.api.logs import insights
from opentrail.api.logs import service as logs
from opentrail.api.sns import service as sns
from opentrail.app.settings import PREFIX, Settings
from opentrail.aws.models import service_model
from opentrail.cli.main import commands
from opentrail.trail.quotas import Quotas

HERE = Path(__file__).parent.parent / "docs" / "reference"
GENERAL = """- Changes hold at once, in every region; AWS's spread. ConflictException is rare.
- A multi-region trail shows in every region; digests are in enabled ones and where events were.
- Whether digests of AWS list aggregated files is not known; ours do.
"""
DIFFERENCES = {
    "AddTags": "Trails only. In a shadow's region: ResourceNotFoundException.",
    "CreateTrail": "Refuses a name that would take over another trail's validation. The topic gets "
    "no validation message. The region of a KMS key is not compared with the bucket's: buckets "
    "here have none.",
    "ListPublicKeys": "One page, however many there are.",
    "ListTags": "Trails only.",
    "ListTrails": "One page, however many there are.",
    "LookupEvents": "Events are there seconds after the call. No limit "
    "of two calls a second unless the quota is set.",
    "PutEventConfiguration": "Trails only.",
    "PutEventSelectors": "A `resources.type` that OpenTrail's list does not have is refused.",
    "PutInsightSelectors": "Trails only. StopLogging leaves them; AWS turns Insights off.",
    "RemoveTags": "Trails only. In a shadow's region: ResourceNotFoundException.",
    "UpdateTrail": "To one region it turns global service events off, as AWS's guide tells it. To "
    "all regions it does not count the trails there: AWS names no error for it.",
}
"""What a client can tell from AWS, of each operation."""

WATCHING: dict[str, tuple[str, Mapping[str, object], str]] = {
    "CloudWatch Logs": ("logs", logs.HANDLERS | insights.HANDLERS, "log-groups.md"),
    "CloudWatch": ("cloudwatch", cloudwatch.HANDLERS, "alarms.md"),
    "EventBridge": ("events", events.HANDLERS, "event-rules.md"),
    "SNS": ("sns", sns.HANDLERS, "respond-to-events.md"),
}
"""Services besides CloudTrail: model, handlers, and the page that shows their use."""

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
    """Every operation of the API, its state and its known differences."""
    return (
        f"{NOTE}# Operations of the API\n\n"
        "OpenTrail answers `cloudtrail` and `cloudtrail-data`, `organizations` once\n"
        "`opentrail org` made an organization, and, unless an upstream is named for them, `logs`,\n"
        "`monitoring` (CloudWatch), `events` and `sns`; all other services are forwarded.\n"
        "Every call needs a valid Signature Version 4.\n"
        "Operations that are not yet done answer `UnsupportedOperationException`.\n\n"
        f"## CloudTrail\n\n{len(HANDLERS)} operations are done, {len(NOT_YET)} not yet.\n\n"
        "| operation | state | what it gives | known differences |\n|---|---|---|---|\n"
        + "".join(_operation(name) for name in sorted(HANDLERS.keys() | NOT_YET))
        + f"\n### Known differences of all\n\n{GENERAL}\n"
        "### Errors that are never returned\n\n| error | why |\n|---|---|\n"
        + "".join(f"| `{name}` | {why} |\n" for name, why in sorted(NEVER.items()))
        + "".join(_watching(title, *one) for title, one in WATCHING.items())
        + "\n## Quotas\n\n`OPENTRAIL_QUOTAS=name=number,...`; AWS's values are the defaults,\n"
        "but for calls a second, which are not limited.\n\n"
        "| quota | default | meaning |\n|---|---|---|\n" + "".join(_quotas())
    )


def _watching(title: str, model: str, handlers: Mapping[str, object], page: str) -> str:
    """What is answered of a service, and how many operations are not yet."""
    missing = len(set(service_model(model).operation_names) - handlers.keys())
    done = ", ".join(f"`{name}`" for name in sorted(handlers))
    return (
        f"\n## {title}\n\n[How it is used](../how-to/{page}). {len(handlers)} operations are done, "
        f"{missing} not yet: {done}.\n"
    )


def _operation(name: str) -> str:
    handler = HANDLERS.get(name)
    if handler is None:
        return f"| {name} | not yet | | |\n"
    gives = (handler.__doc__ or "").strip().splitlines()[0]
    return f"| {name} | done | {gives} | {DIFFERENCES.get(name, '')} |\n"


def _quotas() -> list[str]:
    meanings = dict(re.findall(r"^ {8}(\w+): ((?:.|\n {12})+)", Quotas.__doc__ or "", re.MULTILINE))
    return [
        f"| `{field.name}` | {field.default} | {' '.join(meanings[field.name].split())} |\n"
        for field in fields(Quotas)
    ]


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
