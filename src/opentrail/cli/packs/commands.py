"""`opentrail init`: packs of metric filters and alarms, installed and removed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from opentrail.app.settings import read_settings
from opentrail.cli.events.opening import one_of
from opentrail.cli.packs.calling import Server
from opentrail.cli.packs.looking import Feed, feeds, look
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_USAGE, fail, messages, output, safe
from opentrail.errors import InvalidInput
from opentrail.packs.pack import Pack, read_pack
from opentrail.packs.plan import Found, Place, Step, Verb, install, missing, remove

PACKS = ("cis",)
_DONE = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.DELETE: "removed",
    Verb.KEEP: "left as they are",
}
_SCHEMES = {"mailto": "email", "https": "https", "http": "http", "arn": "sqs"}


def init(  # noqa: PLR0913, PLR0917 - the command's options
    pack: Annotated[str, typer.Option(help=f"Install: {', '.join(PACKS)}.")] = "",
    remove_pack: Annotated[
        str, typer.Option("--remove", help="Remove what a pack installed, and nothing else.")
    ] = "",
    log_group: Annotated[
        str, typer.Option(help="For the metric filters; the one that a trail delivers to.")
    ] = "",
    topic: Annotated[str, typer.Option(help="That alarms tell; made if it is not there.")] = "",
    subscribe: Annotated[
        list[str] | None,
        typer.Option(help="Who is told: mailto:ADDRESS, a URL, or a queue's ARN; several."),
    ] = None,
    region: Annotated[str, typer.Option(help="The region; this installation's.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, and change nothing.")] = False,  # noqa: FBT002 - an option
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Install a pack of metric filters and alarms at the running server, or remove it.

    What is right already is left; a second run changes nothing. Calls are signed with
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else with this installation's first key, and are
    recorded like any other.

    Exit codes: 0 done, 1 some calls were refused, 2 usage, 3 no server.
    """
    one_of("format", format, ("table", "json"))
    if bool(pack) == bool(remove_pack):
        fail("give --pack NAME or --remove NAME")
    chosen = _pack(pack or remove_pack)
    server = Server(read_settings(os.environ), region)
    fed = feeds(server)
    if remove_pack:
        steps = remove(chosen, look(server, chosen, fed))
        notes: tuple[str, ...] = ()
    else:
        place = _place(server, chosen, fed, (log_group, topic), subscribe or ())
        found = look(server, chosen, fed, place.topic_arn)
        _check_subscribers(place, found)
        steps, notes = install(chosen, place, found), tuple(missing(place, found))
    refused = [] if dry_run else _call(server, steps)
    _tell(steps, refused, notes, format, dry_run=dry_run)
    if refused:
        raise typer.Exit(EXIT_FINDINGS)


def _pack(name: str) -> Pack:
    if name not in PACKS:
        fail(f"pack {name!r}: expected {', '.join(PACKS)}")
    return read_pack((files("opentrail.packs") / "data" / f"{name}.toml").read_text())


def _place(
    server: Server,
    pack: Pack,
    fed: Sequence[Feed],
    names: tuple[str, str],
    subscribers: Sequence[str],
) -> Place:
    group, topic = names
    if not group:
        groups = sorted({one.group for one in fed})
        if len(groups) != 1:
            told = (
                f"trails deliver to {', '.join(groups)}" if groups else "no trail delivers to one"
            )
            fail(f"which log group of {server.region}? {told}; give --log-group", EXIT_USAGE)
        group = groups[0]
    return Place(
        account_id=server.call("sts", "get_caller_identity")["Account"],
        region=server.region,
        log_group=group,
        topic=topic or f"opentrail-{pack.name}",
        bucket=next((one.bucket for one in fed if one.group == group), ""),
        subscribers=tuple(map(_subscriber, subscribers)),
    )


def _subscriber(text: str) -> tuple[str, str]:
    scheme, _, rest = text.partition(":")
    if scheme not in _SCHEMES or not rest:
        fail(f"--subscribe {text!r}: expected mailto:ADDRESS, a URL or a queue's ARN", EXIT_USAGE)
    return _SCHEMES[scheme], rest if scheme == "mailto" else text


def _check_subscribers(place: Place, found: Found) -> None:
    """A subscriber of a topic that is not ours could not be removed with the pack."""
    if place.subscribers and found.topics.get(place.topic_arn) is False:
        fail(f"the topic {place.topic} is not the pack's; subscribe to it yourself", EXIT_USAGE)


def _call(server: Server, steps: Sequence[Step]) -> list[str]:
    """Call what is to be called; what was refused."""
    refused = []
    with _bar(sum(bool(one.call) for one in steps)) as advance:
        for one in steps:
            if not one.call:
                continue
            try:
                server.call(*one.call, **one.parameters)
            except InvalidInput as problem:
                refused.append(f"{one.what} {one.name}: {problem}")
            advance()
    return refused


def _tell(
    steps: Sequence[Step],
    refused: Sequence[str],
    notes: Sequence[str],
    form: str,
    *,
    dry_run: bool,
) -> None:
    if form == "json":
        shown = [
            {"verb": one.verb, "what": one.what, "name": one.name, "parameters": one.parameters}
            for one in steps
        ]
        output.print_json(
            data={
                "version": 1,
                "dry_run": dry_run,
                "steps": shown,
                "refused": list(refused),
                "notes": list(notes),
            }
        )
        return
    for one in steps:
        if one.verb is not Verb.KEEP:
            output.print(safe(f"{one.verb:7} {one.what:14} {one.name}"))
    for text in refused:
        messages.print(safe(f"! {text}"))
    for text in notes:
        messages.print(safe(text))
    messages.print(_counted(steps, len(refused), dry_run=dry_run))


def _counted(steps: Sequence[Step], refused: int, *, dry_run: bool) -> str:
    counts = Counter(one.verb for one in steps)
    parts = [
        f"{counts[verb]} {f'to {verb}' if dry_run else done}"
        for verb, done in _DONE.items()
        if counts[verb]
    ]
    if refused:
        parts.append(f"{refused} of them refused")
    return ("Dry run: " if dry_run else "") + (", ".join(parts) or "nothing to do")


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """How far it is, on stderr, if a person reads it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(
        TextColumn("calling"), BarColumn(), MofNCompleteColumn(), console=messages, transient=True
    ) as progress:
        task = progress.add_task("calling", total=total)
        yield lambda: progress.advance(task)
