"""`opentrail import`: existing CloudTrail logs into the store of events; `opentrail imports`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opentrail.adapters.ledger import DirectoryQuarantine, SqliteLedger
from opentrail.app.settings import Settings, read_settings
from opentrail.app.wiring import open_event_store
from opentrail.cli.importing.appending import StoreAppender
from opentrail.cli.importing.display import (
    import_bar,
    report_of,
    show_entries,
    show_plan,
    show_report,
    show_runs,
)
from opentrail.cli.importing.sources import (
    OpenedSource,
    open_queue,
    open_source,
    prover,
    read_evidence,
)
from opentrail.cli.terminal import EXIT_INTERRUPTED, fail, messages, safe
from opentrail.clock import SystemClock
from opentrail.errors import Unavailable
from opentrail.imports.found import LIMITS
from opentrail.imports.report import ImportReport, exit_code
from opentrail.ports.sources import MessageQueue, Source
from opentrail.workers.importing.following import Following
from opentrail.workers.imports import Importer, ImportOptions, ImportTools

imports = typer.Typer(help="Past imports.", no_args_is_help=True)

_INTERVAL_SECONDS = 60
_QUEUE_INTERVAL_SECONDS = 3600
"""With a queue, listing only finds what the queue never told."""


def import_logs(  # noqa: PLR0913, PLR0917 - the command's options
    source: Annotated[
        list[str], typer.Argument(help="A directory, a file, or s3://BUCKET[/PREFIX].")
    ],
    endpoint_url: Annotated[
        str, typer.Option(help="Where S3 is; else AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.")
    ] = "",
    verify: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--verify", help="Say what digests prove.")
    ] = False,
    keys: Annotated[
        Path | None, typer.Option(help="Trust file of `opentrail signing-keys export`.")
    ] = None,
    only_proven: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--only-proven", help="Leave out what no digest proves.")
    ] = False,
    follow: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--follow", help="Go on: look for new objects.")
    ] = False,
    interval: Annotated[
        int | None,
        typer.Option(help="Seconds from one listing to the next; 60, or 3600 with a queue.", min=1),
    ] = None,
    notifications: Annotated[
        str, typer.Option(help="URL of an SQS queue that tells of new objects.")
    ] = "",
    dry_run: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--dry-run", help="List what would be read.")
    ] = False,
    max_object_bytes: Annotated[
        int, typer.Option(help="Most bytes of an object after decompression.", min=1)
    ] = LIMITS.plain_bytes,
    jobs: Annotated[int, typer.Option(help="Objects fetched at once.", min=1)] = 8,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Import existing CloudTrail logs: what is new, nothing twice, and say what was in them.

    Exit codes: 0 complete, 1 something quarantined, failed, damaged or tampered with, 2 usage,
    3 a source can't be read or digests can't be judged, 130 interrupted.
    """
    _check(format)
    if endpoint_url:
        # For the other services too: keys, queues, KMS; a variable of one service goes before.
        os.environ.setdefault("AWS_ENDPOINT_URL", endpoint_url)
    opened = [open_source(text, endpoint_url, jobs) for text in source]
    evidence = _Evidence(keys) if verify or only_proven or keys else None
    limits = replace(LIMITS, plain_bytes=max_object_bytes)
    options = ImportOptions(limits=limits, jobs=jobs, only_proven=only_proven)
    job = _job(opened, options, evidence, format)
    if dry_run:
        job.plan()
    elif follow or notifications:
        seconds = interval or (_QUEUE_INTERVAL_SECONDS if notifications else _INTERVAL_SECONDS)
        queue = open_queue(notifications) if notifications else None
        job.follow(queue, timedelta(seconds=seconds))
    else:
        raise typer.Exit(exit_code(job.once()))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Verification was asked for, with keys of this file or with those at hand."""

    keys: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What the command was told to do, with what it needs."""

    opened: Sequence[OpenedSource]
    tools: ImportTools
    options: ImportOptions
    store: StoreAppender
    stop: threading.Event
    format: str

    @property
    def sources(self) -> list[Source]:
        return [one.source for one in self.opened]

    def plan(self) -> None:
        importer = Importer(self.tools, self.options)
        plans = [(one.name, importer.plan(one)) for one in self.sources]
        show_plan(plans, as_json=self.format == "json")

    def once(self) -> ImportReport:
        with import_bar() as bar:
            importer = Importer(replace(self.tools, progress=bar.update), self.options)
            try:
                importer.run([(one, importer.plan(one)) for one in self.sources])
            except KeyboardInterrupt:
                messages.print("opentrail: interrupted; the same command goes on where it stopped")
                _print(importer.report, self.format)
                raise typer.Exit(EXIT_INTERRUPTED) from None
        _print(importer.report, self.format)
        self.store.close()
        return importer.report

    def follow(self, queue: MessageQueue | None, interval: timedelta) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        buckets: dict[str, list[Source]] = {}
        for one in self.opened:
            if one.bucket:
                buckets.setdefault(one.bucket, []).append(one.source)
        following = Following(
            importer=lambda: Importer(self.tools, self.options),
            sources=self.sources,
            buckets=buckets,
            queue=queue,
            interval=interval,
            clock=self.tools.clock,
            pause=self.stop.wait,
            tell=lambda report: _print(report, self.format),
            trouble=_trouble,
        )
        try:
            following.run()
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        self.store.close()


def _job(
    opened: Sequence[OpenedSource],
    options: ImportOptions,
    evidence: _Evidence | None,
    format_: str,
) -> _Job:
    settings = read_settings(os.environ)
    trust = None if evidence is None else read_evidence(evidence.keys, settings.data)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store, stop = StoreAppender(open_event_store(settings)), threading.Event()
    tools = ImportTools(
        store=store,
        ledger=_ledger(settings),
        quarantine=DirectoryQuarantine(settings.data / "quarantine"),
        clock=SystemClock(),
        pause=stop.wait,
        prove=None if trust is None else prover(opened, trust, options.jobs),
    )
    return _Job(opened=opened, tools=tools, options=options, store=store, stop=stop, format=format_)


def _check(format_: str) -> None:
    if format_ not in ("table", "json"):
        fail(f"format {format_!r}: expected table or json")


def _ledger(settings: Settings) -> SqliteLedger:
    return SqliteLedger(settings.data / "imports.sqlite")


def _trouble(problem: Unavailable) -> None:
    messages.print(f"opentrail: {safe(str(problem))}; trying again")


def _print(report: ImportReport, format_: str) -> None:
    if format_ == "json":
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        sys.stdout.flush()
    else:
        show_report(report)


@imports.command("list")
def list_command(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List past imports, newest first."""
    _check(format)
    runs = _ledger(read_settings(os.environ)).runs()
    if format == "json":
        for run in runs:
            sys.stdout.write(msgspec.json.encode(report_of(run)).decode() + "\n")
    else:
        show_runs(runs)


@imports.command("show")
def show_command(
    run: Annotated[int, typer.Argument(help="The run's number.")],
    objects: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--objects", help="List the objects that it was the last to deal with.")
    ] = False,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show one import's report, or its objects."""
    _check(format)
    ledger = _ledger(read_settings(os.environ))
    found = next((one for one in ledger.runs() if one.number == run), None)
    if found is None:
        fail(f"there is no import {run}; see: opentrail imports list")
    if objects:
        show_entries(ledger.entries(run), as_json=format == "json")
    else:
        _print(report_of(found), format)
