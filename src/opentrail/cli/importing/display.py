"""How imports look on a terminal: the bar, the report, the list of runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from opentrail.cli.terminal import messages, output, safe
from opentrail.clock import iso_seconds
from opentrail.imports.report import ImportReport
from opentrail.ports.ledger import ImportRun, LedgerEntry
from opentrail.workers.importing.planning import Decision, Planned

SHOWN = 20
"""Of each list in a report; `--format json` and `opentrail imports show` have more."""


_EVERY = 16
"""Objects between two changes of the bar: small ones are read in less time than it takes."""


class ImportBar:
    """Objects, bytes and records a second, while it goes on."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def update(self, report: ImportReport, done: int, total: int) -> None:
        """Show how far it is."""
        if done % _EVERY and done != total:
            return
        seconds = self._progress.tasks[0].elapsed or 0.0
        found = report.records.found
        rate = f"{found / seconds:,.0f} records/s" if seconds > 0 else ""
        text = f"{report.bytes_read / 1e6:,.1f} MB  {found:,} records  {rate}"
        self._progress.update(self._task, completed=done, total=total, figures=text)


@contextmanager
def import_bar() -> Iterator[ImportBar]:
    """A bar on stderr, if a person reads it."""
    with Progress(
        TextColumn("importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=messages,
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as progress:
        yield ImportBar(progress, progress.add_task("importing", total=None, figures=""))


def show_report(report: ImportReport) -> None:
    """The completeness report."""
    objects, records = report.objects, report.records
    output.print(f"IMPORT {report.run}  {report.state}  {safe(', '.join(report.sources))}")
    output.print(
        f"  objects   {objects.listed} listed = {objects.imported} imported + "
        f"{objects.unchanged} unchanged + {objects.skipped} skipped + {objects.failed} failed"
    )
    if objects.changed or objects.damaged:
        output.print(
            f"            of those imported: {objects.changed} changed since they were imported "
            f"before, {objects.damaged} damaged"
        )
    for reason, count in sorted(report.skipped.items()):
        output.print(f"            {count} skipped: {safe(reason)}")
    output.print(
        f"  records   {records.found} found = {records.added} added + {records.duplicates} "
        f"duplicates + {records.quarantined} quarantined"
    )
    if records.conflicts:
        output.print(
            f"            {records.conflicts} of those added have the eventID of another event"
        )
    for reason, count in sorted(report.quarantined.items()):
        output.print(f"            {count} quarantined: {safe(reason)}")
    for name, count in sorted(report.flagged.items()):
        output.print(f"            {count} with {safe(name)}")
    _show_proof(report)
    for one in report.coverage:
        gaps = ", ".join(f"{first} to {last}" for first, last in one.gaps) or "none"
        output.print(
            f"  days      {one.account_id} {one.region}: {one.first} to {one.last}, "
            f"without digest: {gaps}"
        )
    for told in report.told[:SHOWN]:
        place = f" at byte {told.offset}" if told.offset >= 0 else ""
        output.print(f"  ! {safe(told.key)}{place}: {safe(told.reason)}")
    more = len(report.told[SHOWN:]) + report.told_more
    if more:
        output.print(f"  … {more} more; objects: opentrail imports show {report.run}")


def _show_proof(report: ImportReport) -> None:
    proof = report.proof
    if proof is None:
        return
    objects = " · ".join(f"{count} {name}" for name, count in sorted(proof.objects.items()))
    output.print(f"  proof     {proof.verdict}: {proof.digests} digests; objects: {objects}")
    output.print(
        f"            {proof.records_proven} events are proven, {proof.records_unproven} are not"
    )
    for kind, subject, detail in proof.findings[:SHOWN]:
        output.print(f"  ! {kind} {safe(subject)}: {safe(detail)}")
    more = len(proof.findings[SHOWN:]) + proof.findings_more
    if more:
        output.print(f"  … {more} more: --format json, opentrail verify")


def show_plan(plans: Iterable[tuple[str, Sequence[Planned]]], *, as_json: bool) -> None:
    """What would be done with each object."""
    for source, planned in plans:
        for one in planned:
            reason = "" if one.decision is Decision.UNCHANGED else one.reason
            if as_json:
                told = {
                    "source": source,
                    "key": safe(one.object.key),
                    "decision": one.decision,
                    "reason": safe(reason),
                    "size_bytes": one.object.size_bytes,
                }
                sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
            else:
                output.print(f"{one.decision:10} {safe(one.object.key)}  {safe(reason)}")


def show_runs(runs: Iterable[ImportRun]) -> None:
    """One line a run."""
    output.print(
        f"{'run':>5}  {'started':20}  {'state':11}  {'objects':>9}  {'added':>10}  "
        f"{'quarantined':>11}  sources"
    )
    for run in runs:
        report = report_of(run)
        output.print(
            f"{run.number:>5}  {report.started}  {report.state:11}  "
            f"{report.objects.imported:>9}  {report.records.added:>10}  "
            f"{report.records.quarantined:>11}  {safe(', '.join(report.sources))}"
        )


def report_of(run: ImportRun) -> ImportReport:
    """A run's report as of its last commit; an empty one before its first."""
    if run.report:
        report = msgspec.json.decode(run.report, type=ImportReport)
    else:
        report = ImportReport(run=run.number, started=iso_seconds(run.started))
    if run.finished is None:
        report.state = "unfinished"
    return report


def show_entries(entries: Iterable[LedgerEntry], *, as_json: bool) -> None:
    """One line an object."""
    for one in entries:
        if as_json:
            members = {name: getattr(one, name) for name in LedgerEntry.__slots__ if name != "key"}
            members["key"] = safe(one.key)
            sys.stdout.write(msgspec.json.encode(members).decode() + "\n")
        else:
            output.print(
                f"{one.outcome:9} {one.records:>7} records {one.quarantined:>4} quarantined  "
                f"{one.proof:13} {safe(one.key)}  {safe(one.reason)}"
            )
