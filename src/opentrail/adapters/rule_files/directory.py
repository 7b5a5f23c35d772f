"""A directory of Sigma rules: every `.yml` and `.yaml` below it, and `rules.toml` in it.

`rules.toml` says what stands for placeholders, and who is told of findings:

    [placeholders]
    admins = ["alice", "bob*"]

    [[targets]]
    target = "arn:aws:sns:us-east-1:111122223333:security"
    level = "high"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Hashable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from opentrail.adapters.directories import sync_directory
from opentrail.adapters.rule_files.settings import RuleSettings, read_settings
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.sigma.rule_files import Rulebook
from opentrail.sigma.ruleset import Problem, RuleSet

try:
    from opentrail.adapters.rule_files.parsing import parse_rules
except ImportError as cause:  # pySigma is an extra
    if not (cause.name or "").startswith("sigma"):
        raise
    HAS_SIGMA = False
else:
    HAS_SIGMA = True

SETTINGS = "rules.toml"
SUFFIXES = (".yml", ".yaml")
MOST_FILES = 10_000
"""SigmaHQ has some 3,500, of all products."""

NO_SIGMA = "Sigma rules are read by pySigma, which is not here: pip install 'opentrail[sigma]'"


class RuleDirectory:
    """See ports.sigma.rule_files; several processes may change it, files appear whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> Hashable:
        found = []
        for name, path in self._files():
            try:
                seen = path.stat()
            except OSError:
                continue  # gone since it was listed
            found.append((name, seen.st_mtime_ns, seen.st_size, seen.st_ino))
        return tuple(found)

    def read(self) -> Rulebook:
        return self.read_with({})

    def read_with(self, more: dict[str, bytes]) -> Rulebook:
        """The rules as if `more` files, contents by name, were there (in place of those there)."""
        problems: list[Problem] = []
        contents = dict(sorted({**dict(self._contents(problems)), **more}.items()))
        settings = _settings(contents.pop(SETTINGS, b""), problems)
        if not contents:
            return Rulebook(RuleSet(problems=tuple(problems)), settings.targets)
        if not HAS_SIGMA:
            return Rulebook(RuleSet(problems=(*problems, Problem("", "", NO_SIGMA))))
        rules = parse_rules(contents.items(), settings.placeholders)
        rules = replace(rules, problems=(*problems, *rules.problems))
        targets = tuple(
            replace(one, rules=tuple(_id(rules, reference) for reference in one.rules))
            for one in settings.targets
        )
        return Rulebook(rules, targets)

    def names(self) -> list[str]:
        """The files' names."""
        return [name for name, _ in self._files()]

    def put(self, name: str, content: bytes) -> None:
        """Write a file, durable on return.

        Args:
            name: Below the directory, `/` between its parts.

        Raises:
            InvalidInput: the name leads elsewhere, or is none of a rule's file.
            Unavailable: it can't be written.
        """
        path = self._path(name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.part")
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
            sync_directory(path.parent)
        except OSError as cause:
            raise Unavailable(f"{path} can't be written: {cause.strerror}") from cause

    def get(self, name: str) -> bytes | None:
        """A file's content, None if there is none."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as cause:
            raise Unavailable(f"{name} can't be read: {cause.strerror}") from cause

    def remove(self, name: str) -> None:
        """Delete a file."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            sync_directory(path.parent)
        except OSError as cause:
            raise Unavailable(f"{path} can't be removed: {cause.strerror}") from cause

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if (
            not name.endswith((*SUFFIXES, ".toml"))
            or any(part.startswith(".") or not part for part in parts)
            or "\0" in name
            or "\\" in name
        ):
            raise InvalidInput(f"{name[:80]!r} is no name of a file of rules; expected NAME.yml")
        return self.path.joinpath(*parts)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Names below the directory, and paths; in the order of names."""
        found: list[tuple[str, Path]] = []
        for folder, folders, names in os.walk(self.path):
            folders[:] = [one for one in folders if not one.startswith(".")]
            for name in names:
                path = Path(folder, name)
                relative = path.relative_to(self.path).as_posix()
                is_rules = name.endswith(SUFFIXES) and not name.startswith(".")
                if is_rules or relative == SETTINGS:
                    found.append((relative, path))
        return iter(sorted(found)[:MOST_FILES])

    def _contents(self, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
        for name, path in self._files():
            try:
                yield name, path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as cause:
                problems.append(Problem(name, "", f"it can't be read: {cause.strerror}"))


def _settings(content: bytes, problems: list[Problem]) -> RuleSettings:
    try:
        found: dict[str, Any] = tomllib.loads(content.decode())
        return read_settings(found)
    except (ValueError, RecursionError, InvalidInput) as problem:
        problems.append(Problem(SETTINGS, "", str(problem) or "it is nested too deeply"))
        return RuleSettings()


def _id(rules: RuleSet, reference: str) -> str:
    one = rules.find(reference)
    return reference if one is None else one.about.id
