"""`opentrail rules test`: what a rule would have found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from opentrail.adapters.findings import FILE_NAME, MemoryFindings, SqliteFindings
from opentrail.app.wiring import open_event_reader
from opentrail.cli.events.opening import existing_settings, interruptible, now, one_of
from opentrail.cli.sigma.places import iso, rules_here
from opentrail.cli.sigma.showing import FORMATS, VERSION, line, print_one, told
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_USAGE, fail, messages, output, safe
from opentrail.search.times import parse_range
from opentrail.sigma.finding import Finding
from opentrail.sigma.rule import Definition, FirstSeen, Level
from opentrail.sigma.ruleset import RuleSet
from opentrail.workers.sigma.trying import Trial, findings_of, learn

_TRIED = "(tried)/"
"""Before the name of a file that is tried: it takes no other's place."""


def try_rule(
    rule: Annotated[str, typer.Argument(help="A file of rules, or an added rule's id or name.")],
    since: Annotated[str, typer.Option(help="A range: 30d, 2026-07-01.., A..B.")] = "30d",
    account: Annotated[str, typer.Option(help="Only events of this account.")] = "",
    limit: Annotated[int, typer.Option(help="Findings shown; all are counted.", min=0)] = 50,
    format: Annotated[str, typer.Option(help="table, json or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Tell what a rule would have found in the events of the store; nothing is kept or sent.

    Correlations and first_seen begin with nothing remembered, at the start of the time.

    Exit codes: 0 nothing found, 1 something found, 2 a rule that can't be used, 3 no events.
    """
    one_of("format", format, FORMATS)
    rules = _rules(rule)
    settings = existing_settings()
    trial = _trial(rules, since, account)
    events = open_event_reader(settings)
    with interruptible(), _bar() as behind:
        summary = _Summary(limit, format)
        for finding in findings_of(trial, events, MemoryFindings(), behind):
            summary.add(finding)
    summary.end(trial)
    if summary.count:
        raise typer.Exit(EXIT_FINDINGS)


def _named(rules: RuleSet, reference: str) -> Definition:
    found = rules.find(reference)
    if found is None:
        fail(safe(f"there is no rule {reference[:80]!r}; give its id or name"), EXIT_USAGE)
    return found


def learn_past(
    rule: Annotated[
        str, typer.Argument(help="An added first_seen rule's id or name; all if it is left out.")
    ] = "",
    since: Annotated[str, typer.Option(help="A range: 90d, 2026-07-01.., A..B.")] = "90d",
) -> None:
    """Learn values of first_seen rules from the events of the store; nothing is found by that.

    A rule that is new else learns for its `learning` before it finds anything.

    Exit codes: 0 learned, 2 no such rule, or it learns nothing, 3 no events.
    """
    found = rules_here().read().rules
    wanted = [_named(found, rule)] if rule else list(found.definitions())
    learning = [one.about.id for one in wanted if isinstance(one, FirstSeen)]
    if not learning:
        told = f"rule {rule[:80]!r} learns nothing" if rule else "there is nothing to learn"
        fail(safe(f"{told}: only first_seen rules do"), EXIT_USAGE)
    settings = existing_settings()
    trial = _trial(found.only(learning), since, "")
    with interruptible(), _bar() as behind:
        store = SqliteFindings(settings.data / FILE_NAME)
        noted = learn(trial, open_event_reader(settings), store, behind)
    output.print(f"learned from {iso(trial.start)} on: {noted} values and groups")


def _trial(rules: RuleSet, since: str, account: str) -> Trial:
    span = parse_range(since, now())
    end = int(now().timestamp()) + 1
    return Trial(
        rules=rules,
        start=span.start or 0,
        end=min(end, span.end) if span.end is not None else end,
        accounts=frozenset({account}) if account else None,
    )


class _Summary:
    """What was found, shown as it is found and counted."""

    def __init__(self, limit: int, form: str) -> None:
        self._limit = limit
        self._form = form
        self._shown: list[Finding] = []
        self.count = 0
        self._by_day: Counter[str] = Counter()
        self._by_level: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        self.count += 1
        self._by_day[iso(finding.last_time)[:10]] += 1
        self._by_level[finding.level] += 1
        if self.count <= self._limit or self._form == "jsonl":
            if self._form == "json":
                self._shown.append(finding)
            else:
                print_one(finding, self._form, line)

    def end(self, trial: Trial) -> None:
        if self._form == "json":
            output.print_json(
                data={
                    "version": VERSION,
                    "from": iso(trial.start),
                    "to": iso(trial.end),
                    "count": self.count,
                    "by_level": dict(self._by_level),
                    "by_day": dict(sorted(self._by_day.items())),
                    "findings": [told(one) for one in self._shown],
                }
            )
        elif self._form == "table":
            for line in self._lines(trial):
                messages.print(line)

    def _lines(self, trial: Trial) -> Iterator[str]:
        if self.count > self._limit:
            yield f"… and {self.count - self._limit} more (--limit)"
        most = max(self._by_day.values(), default=1)
        for day, count in sorted(self._by_day.items()):
            yield f"{day}  {count:>7}  {'█' * max(1, round(40 * count / most))}"
        levels = ", ".join(f"{self._by_level[one]} {one}" for one in Level if self._by_level[one])
        yield f"{self.count} findings{f' ({levels})' if levels else ''} since {iso(trial.start)}"


def _rules(named: str) -> RuleSet:
    """What is tried: a file's rules together with those added, or one of these."""
    directory = rules_here()
    path = Path(named)
    if path.suffix in (".yml", ".yaml") and path.is_file():
        tried = _TRIED + path.name
        content = path.read_bytes()
        # The added file of that content would be a second rule with the same id.
        more = {tried: content} | {
            name: b"" for name in directory.names() if directory.get(name) == content
        }
        rules = directory.read_with(more).rules
        mine = [one for one in rules.definitions() if one.about.source == tried]
        wanted = [one.about.id for one in mine if one.about.id not in rules.silent]
        for problem in rules.problems:
            if problem.source == tried:
                fail(str(problem).removeprefix(_TRIED), EXIT_USAGE)
        return rules.only(wanted or [one.about.id for one in mine])
    rules = directory.read().rules
    found = rules.find(named)
    if found is None:
        fail(f"there is no file or added rule {safe(named[:80])!r}", EXIT_USAGE)
    return rules.only([found.about.id])


@contextmanager
def _bar() -> Iterator[Callable[[float, int], None]]:
    """How far the trial is, on stderr, if a person reads it."""
    if not sys.stderr.isatty():
        yield lambda _behind, _seen: None
        return
    with Progress(
        TextColumn("looking at the past"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[seen]:,} events"),
        TimeRemainingColumn(),
        console=messages,
        transient=True,
    ) as progress:
        task = progress.add_task("trial", total=1.0, seen=0)
        yield lambda behind, seen: progress.update(task, completed=behind, seen=seen)
