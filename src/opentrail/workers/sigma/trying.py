"""What rules would have found in the past: stored events, oldest first, as if just recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from opentrail.ports.events import EventReader, Search
from opentrail.ports.sigma.findings import FindingStore
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.reading import decoded
from opentrail.sigma.detection import Detection
from opentrail.sigma.finding import Finding
from opentrail.sigma.remembering import Changes
from opentrail.sigma.ruleset import RuleSet

SLICES = 200
"""Parts of the time, looked at one by one, so that it can be told how far the trial is."""

COMMIT_EVERY = 2000
CLOSE_EVERY = 50_000
AT_ONCE = 10_000
"""Events, and windows that are closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried on which time.

    Attributes:
        start: Epoch seconds, inclusive.
        end: Exclusive.
        accounts: recipientAccountIds; None for all.
    """

    rules: RuleSet
    start: int
    end: int
    accounts: frozenset[str] | None = None


Behind = Callable[[float, int], None]
"""Told how much of the time is behind (0 to 1), and how many events passed a rule."""


def learn(trial: Trial, events: EventReader, memory: FindingStore, behind: Behind) -> int:
    """Remember which values were seen, as first_seen rules do; how many notes that were.

    Nothing is found, and nothing else is remembered. It may be done again, and beside a worker.
    """
    detection = Detection(trial.rules, memory)
    noted = 0
    for number, _ in _ask(detection, trial, events, behind):
        if number % COMMIT_EVERY == 0:
            noted += _remember_seen(detection, memory)
    return noted + _remember_seen(detection, memory)


def _remember_seen(detection: Detection, memory: FindingStore) -> int:
    seen = detection.take_changes().seen
    memory.commit(Changes(seen=seen))
    return len(seen)


def findings_of(
    trial: Trial, events: EventReader, memory: FindingStore, behind: Behind
) -> Iterator[Finding]:
    """The findings: those of one record at once, those of many when all is seen.

    The same rules find the same, with the same ids, as they would have when the events came, if
    those came in the order of their times.

    Args:
        memory: For what is to be remembered meanwhile; a new one.
    """
    detection = Detection(trial.rules, memory)
    grown: dict[str, Finding] = {}
    for number, time in _ask(detection, trial, events, behind):
        if number % COMMIT_EVERY == 0:
            yield from _take(detection, trial, memory, grown)
        if number % CLOSE_EVERY == 0:
            yield from _close(detection, trial, memory, grown, time)
    yield from _take(detection, trial, memory, grown)
    yield from _close(detection, trial, memory, grown, trial.end)
    yield from sorted(grown.values(), key=lambda one: (one.last_time, one.id))


def _ask(
    detection: Detection, trial: Trial, events: EventReader, behind: Behind
) -> Iterator[tuple[int, int]]:
    """Ask the rules of every event that could pass one; 1, 2, … and its time as that is done."""
    where = AnyOf(tuple(one for _, one in detection.expressions()))
    seen = 0
    for number, (start, end) in enumerate(_slices(trial, events)):
        search = Search(
            where=where,
            start=start,
            end=end,
            accounts=trial.accounts,
            newest_first=False,
            limit=None,
        )
        for event in events.stream(search):
            record = decoded(event.raw)
            if record is None:
                continue
            detection.look(record, event.raw, now=trial.end)
            seen += 1
            yield seen, event.position.event_time
        behind((number + 1) / SLICES, seen)


def _slices(trial: Trial, events: EventReader) -> Iterator[tuple[int, int]]:
    """The time that holds events, in SLICES parts (some may be empty)."""
    figures = events.figures()
    first = max(trial.start, figures.oldest or 0)
    last = min(trial.end, (figures.newest or 0) + 1)
    if first >= last:
        return
    bounds = [first + (last - first) * number // SLICES for number in range(SLICES + 1)]
    yield from pairwise(bounds)


def _take(
    detection: Detection, trial: Trial, memory: FindingStore, grown: dict[str, Finding]
) -> Iterator[Finding]:
    """Remember what is to be remembered; the findings that are complete."""
    changes = detection.take_changes()
    memory.commit(Changes(windows=changes.windows, seen=changes.seen))
    for finding in changes.findings.values():
        if finding.rule_id in trial.rules.rules:
            yield finding
        else:
            grown[finding.id] = finding


def _close(
    detection: Detection,
    trial: Trial,
    memory: FindingStore,
    grown: dict[str, Finding],
    now: int,
) -> Iterator[Finding]:
    """Judge and forget what is over by `now`."""
    while keys := memory.due(now, AT_ONCE):
        for key in keys:
            detection.close(key, now=now)
        yield from _take(detection, trial, memory, grown)
