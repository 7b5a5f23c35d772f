"""Files of rules into the directory of rules: whole ones, all of whose rules can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from opentrail.adapters.rule_files import RuleDirectory
from opentrail.cli.terminal import EXIT_USAGE, fail
from opentrail.sigma.ruleset import Problem

PACKS = ("principals",)
"""Rules that come along, a directory each beside the packs of alarms."""

_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the files.

    Attributes:
        same: Files that were there with the same content.
        foreign: Rules for other logs than CloudTrail's.
    """

    added: tuple[str, ...]
    same: int
    foreign: int
    problems: tuple[Problem, ...]


def files_of(paths: Sequence[Path]) -> dict[str, bytes]:
    """The contents by name: of a file its own name, of a directory's the path below it."""
    found: dict[str, bytes] = {}
    for path in paths:
        if not path.exists():
            fail(f"{path} is not there", EXIT_USAGE)
        for name, file in _below(path):
            found[name] = file.read_bytes()
    if not found:
        fail("no file ends in .yml or .yaml", EXIT_USAGE)
    return found


def files_of_pack(pack: str) -> dict[str, bytes]:
    """The contents of a pack's files by name, in a directory of the pack's name."""
    folder = resources.files("opentrail.packs") / "data" / pack
    found = {f"{pack}/{one.name}": one.read_bytes() for one in folder.iterdir()}
    return dict(sorted(found.items()))


def _below(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        parts = file.relative_to(path).parts
        hidden = any(part.startswith(".") for part in parts)
        if file.suffix in _SUFFIXES and file.is_file() and not hidden:
            yield "/".join(parts), file


def add_files(directory: RuleDirectory, files: Mapping[str, bytes], *, replace: bool) -> Outcome:
    """Write those that can be used together with what is there."""
    there = {name: directory.get(name) for name in files}
    new = {name: content for name, content in files.items() if there[name] != content}
    taken = [name for name in new if there[name] is not None and not replace]
    refused = [Problem(name, "", "it is there with other rules; --replace") for name in taken]
    wanted = {name: content for name, content in new.items() if name not in taken}
    good, problems, foreign = _usable(directory, wanted)
    for name in good:
        directory.put(name, wanted[name])
    return Outcome(tuple(good), len(files) - len(new), foreign, (*refused, *problems))


def _usable(
    directory: RuleDirectory, files: Mapping[str, bytes]
) -> tuple[list[str], list[Problem], int]:
    """Files all of whose rules can be used, why the others can't, and how many are foreign.

    A correlation may need a file that is refused: then it is refused, too.
    """
    left = dict(files)
    problems: list[Problem] = []
    foreign = 0
    while left:
        bad = [one for one in directory.read_with(left).rules.problems if one.source in left]
        if not bad:
            break
        foreign += sum(one.is_foreign for one in bad)
        problems += [one for one in bad if not one.is_foreign]
        _drop(left, bad)
    return list(left), problems, foreign


def _drop(files: dict[str, bytes], problems: Iterable[Problem]) -> None:
    for one in problems:
        files.pop(one.source, None)
