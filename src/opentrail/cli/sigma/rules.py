"""`opentrail rules`: Sigma rules, tried on the past, added, listed, muted and removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from opentrail.adapters.rule_files import RuleDirectory
from opentrail.cli.events.opening import interruptible, one_of
from opentrail.cli.sigma.adding import PACKS, add_files, files_of, files_of_pack
from opentrail.cli.sigma.muting import mute, mutes, unmute
from opentrail.cli.sigma.places import rules_here
from opentrail.cli.sigma.trying import learn_past, try_rule
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_USAGE, fail, messages, output, safe
from opentrail.sigma.rule import Correlation, Definition, Rule
from opentrail.sigma.ruleset import Problem, RuleSet

rules = typer.Typer(help="Sigma rules.", no_args_is_help=True)
rules.command("test")(try_rule)
rules.command("learn")(learn_past)
rules.command("mute")(mute)
rules.command("mutes")(mutes)
rules.command("unmute")(unmute)


@rules.command("add")
def add(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files of rules, or directories of them.")
    ] = None,
    pack: Annotated[str, typer.Option(help=f"Rules that come along: {', '.join(PACKS)}.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Also files that are there.")] = False,  # noqa: FBT002 - an option
) -> None:
    """Add rules; a running server uses them within a second.

    Files with a rule that cannot be used are not added, and told; rules for other logs than
    CloudTrail's are passed over.

    Exit codes: 0 added, 1 some were not, 2 usage, 3 pySigma is missing.
    """
    if bool(paths) == bool(pack):
        fail("give files of rules, or --pack NAME", EXIT_USAGE)
    directory = rules_here()
    with interruptible():
        files = files_of_pack(one_of("pack", pack, PACKS)) if pack else files_of(paths or ())
        outcome = add_files(directory, files, replace=replace)
    for name in outcome.added:
        output.print(safe(f"added {name}"))
    _print_problems(outcome.problems)
    foreign = f", {outcome.foreign} are for other logs" if outcome.foreign else ""
    same = f", {outcome.same} were there" if outcome.same else ""
    messages.print(
        f"{len(outcome.added)} files added{same}{foreign}, {len(outcome.problems)} refused"
    )
    if outcome.problems:
        raise typer.Exit(EXIT_FINDINGS)


@rules.command("list")
def list_rules(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List the rules in use, and what cannot be used.

    Exit codes: 0 all can be used, 1 some can not, 3 pySigma is missing.
    """
    one_of("format", format, ("table", "json"))
    book = rules_here().read()
    found = sorted(book.rules.definitions(), key=lambda one: one.about.title)
    if format == "json":
        output.print_json(
            data={
                "version": 1,
                "rules": [_told(one, book.rules) for one in found],
                "problems": [str(one) for one in book.rules.problems],
                "targets": [one.target for one in book.targets],
            }
        )
    else:
        for one in found:
            output.print(_line(one, book.rules))
        _print_problems(book.rules.problems)
        messages.print(f"{len(found)} rules, {len(book.targets)} targets of findings")
    if book.rules.problems:
        raise typer.Exit(EXIT_FINDINGS)


@rules.command("remove")
def remove(
    names: Annotated[
        list[str] | None, typer.Argument(help="Ids or names of rules, or their files.")
    ] = None,
    pack: Annotated[str, typer.Option(help="All files of a pack, also if edited.")] = "",
) -> None:
    """Remove the files of rules; what was found stays.

    Exit codes: 0 removed, 2 no such rule, or its file holds others, too.
    """
    if bool(names) == bool(pack):
        fail("give rules or files, or --pack NAME", EXIT_USAGE)
    directory = rules_here()
    book = directory.read()
    if pack:
        there = directory.names()
        files = [one for one in files_of_pack(one_of("pack", pack, PACKS)) if one in there]
    else:
        files = [_file_of(name, directory, book.rules) for name in names or ()]
    for name in dict.fromkeys(files):
        directory.remove(name)
        output.print(safe(f"removed {name}"))
    after = directory.read().rules.problems
    _print_problems([one for one in after if one not in book.rules.problems])


def _file_of(name: str, directory: RuleDirectory, rules: RuleSet) -> str:
    found = rules.find(name)
    if found is None:
        if name not in directory.names():
            fail(f"there is no rule or file {name[:80]!r}", EXIT_USAGE)
        return name
    source = found.about.source
    others = [one.about.title for one in rules.definitions() if one.about.source == source]
    if len(others) > 1:
        fail(f"{source} holds {len(others)} rules; remove them all by its name, or edit it")
    return source


def _kind(one: Definition) -> str:
    if isinstance(one, Rule):
        return "rule"
    return one.kind.value if isinstance(one, Correlation) else "first_seen"


def _line(one: Definition, rules: RuleSet) -> str:
    about = one.about
    silent = "  (silent: used by others)" if about.id in rules.silent else ""
    name = f"  ({about.name})" if about.name else ""
    return safe(f"{about.id}  {about.level:13} {_kind(one):16} {about.title}{silent}{name}")


def _told(one: Definition, rules: RuleSet) -> dict[str, object]:
    about = one.about
    return {
        "id": about.id,
        "name": about.name,
        "title": about.title,
        "level": about.level,
        "status": about.status,
        "kind": _kind(one),
        "file": about.source,
        "tags": list(about.tags),
        "silent": about.id in rules.silent,
    }


def _print_problems(problems: Sequence[Problem]) -> None:
    for one in problems:
        messages.print(safe(f"! {one}"))
