"""`opentrail verify`: everything there, unchanged, and nothing more."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from opentrail.adapters.destinations import AwsDestinations, AwsPlace
from opentrail.adapters.objects import EnvelopeObjectStore, LocalObjectStore, S3ObjectStore, S3Place
from opentrail.adapters.public_keys import fetch_keys
from opentrail.app.anchors import has_state, local_trust, open_state, waiting
from opentrail.app.settings import read_settings
from opentrail.cli.terminal import EXIT_UNKNOWN, fail, messages, output, safe
from opentrail.clock import SystemClock
from opentrail.digest.findings import EXIT_CODES, Verdict
from opentrail.digest.report import Interval, Report
from opentrail.digest.trust import Trust, merged, read_trust, with_heads, write_trust
from opentrail.errors import Unavailable
from opentrail.ports.destinations import EncryptionKeys
from opentrail.ports.objects import ObjectStore
from opentrail.workers.verification import Scope, Verification

SHOWN_FINDINGS = 40
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Where keys and anchors come from.

    Attributes:
        until: Up to when there must be digests.
        data: The installation whose state was used, None if none was.
    """

    trust: Trust
    until: datetime
    data: Path | None


def verify(  # noqa: PLR0913, PLR0917 - the command's options
    source: Annotated[str, typer.Argument(help="s3://BUCKET[/PREFIX] or a copied directory.")],
    trail: Annotated[str, typer.Option(help="Only this trail, by name or ARN.")] = "",
    start: Annotated[str, typer.Option("--from", help="Only from this time on (ISO).")] = "",
    end: Annotated[str, typer.Option("--to", help="Only up to this time (ISO).")] = "",
    keys: Annotated[
        Path | None, typer.Option(help="Trust file of `opentrail signing-keys export`: offline.")
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(help="Keep here where chains stand; the next visit demands it is still so."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Objects read at once.")] = 16,
    extra: Annotated[bool, typer.Option(help="List every finding.")] = False,  # noqa: FBT002 - an option
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Verify digests, log files and what is missing or too much.

    Exit codes: 0 VALID, 1 INVALID or INCOMPLETE, 2 usage, 3 UNVERIFIABLE.
    """
    if format not in ("table", "json"):
        fail(f"format {format!r}: expected table or json")
    evidence = _evidence(keys, remember)
    until = _time(end) or evidence.until
    store, scope = _source(source, until)
    scope = Scope(
        bucket=scope.bucket,
        prefix=scope.prefix,
        trail=trail.rpartition("/")[2],
        start=_time(start),
        end=_time(end),
        until=until,
        metadata=scope.metadata,
        jobs=max(1, jobs),
    )
    report = _run(store, scope, evidence)
    if remember is not None and report.verdict is Verdict.VALID:
        known = read_trust(remember.read_bytes()) if remember.exists() else Trust()
        remember.write_bytes(write_trust(with_heads(known, report.heads, SystemClock().now())))
    if format == "json":
        shown = msgspec.structs.replace(report, heads=())
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
    else:
        _show(report, every=extra)
    raise typer.Exit(EXIT_CODES[report.verdict])


def _evidence(keys: Path | None, remember: Path | None) -> _Evidence:
    """Keys and anchors: a trust file, else this machine's installation, else the service."""
    clock = SystemClock()
    data = read_settings(os.environ).data
    used: Path | None = None
    until = clock.now()
    if keys is not None:
        trust = read_trust(_content(keys))
        until = trust.taken or until
    elif has_state(data):
        trust, used = local_trust(data, open_state(data), clock), data
    else:
        try:
            trust = fetch_keys(None, clock.now())
        except Unavailable as problem:
            fail(f"{problem}; name a trust file with --keys", EXIT_UNKNOWN)
    if remember is not None and remember.exists():
        # What was seen before stands beside what is said now: heads of both are demanded.
        trust = _with_remembered(trust, read_trust(_content(remember)))
    return _Evidence(trust, until, used)


def _with_remembered(trust: Trust, remembered: Trust) -> Trust:
    known = {(one.trail_arn, one.account_id, one.region) for one in trust.heads}
    fresh = tuple(
        one for one in remembered.heads if (one.trail_arn, one.account_id, one.region) not in known
    )
    return merged(trust, Trust(heads=fresh, visited=remembered.heads))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        fail(f"{path}: {cause.strerror}")


def _source(source: str, until: datetime) -> tuple[ObjectStore, Scope]:
    if source.startswith("s3://"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        place = S3Place(endpoint=endpoint, region=region or "us-east-1", connections=_CONNECTIONS)
        store = EnvelopeObjectStore(S3ObjectStore(place), _keys(place.region), encrypts=False)
        return store, Scope(bucket=bucket, prefix=prefix.rstrip("/"), until=until)
    path = Path(source)
    if not path.is_dir():
        fail(f"{source} is neither s3://BUCKET nor a directory")
    return LocalObjectStore(path), Scope(bucket="", until=until, metadata=False)


def _keys(region: str) -> EncryptionKeys:
    """The KMS that AWS's own variables name, for log files that were encrypted before sending."""

    def endpoint(service: str) -> str:
        named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}")
        return named or os.environ.get("AWS_ENDPOINT_URL") or ""

    return AwsDestinations(AwsPlace(endpoint=endpoint, region=region)).all().keys


def _run(store: ObjectStore, scope: Scope, evidence: _Evidence) -> Report:
    data = evidence.data
    state = open_state(data) if data is not None else None
    with Progress(
        TextColumn("verifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as bar:
        task = bar.add_task("verifying", total=None)
        return Verification(
            store,
            evidence.trust,
            scope,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            still_waiting=lambda: waiting(state) if state is not None else frozenset(),
        ).run()


def _show(report: Report, *, every: bool) -> None:
    code = EXIT_CODES[report.verdict]
    output.print(f"VERDICT  {report.verdict}   (exit {code})")
    output.print(
        f"  digests   {report.digests}      log files {report.log_files}"
        f"      {report.log_file_bytes / 1e6:.1f} MB"
    )
    totals: Counter[str] = Counter()
    for one in report.intervals:
        totals[one.state] += int((one.end - one.start).total_seconds())
    output.print(
        "  intervals "
        + " · ".join(
            f"{timedelta(seconds=totals[state])} {state}"
            for state in ("proven", "broken", "not-logging", "unverifiable")
        )
    )
    for one in report.intervals:
        if one.state != "proven" or every:
            output.print(f"    {_interval(one)}")
    shown = report.findings if every else report.findings[:SHOWN_FINDINGS]
    for finding in shown:
        output.print(
            f"  {finding.verdict:12} {finding.kind:22} {safe(finding.subject)}\n"
            f"               {safe(finding.detail)}"
        )
    if len(shown) < len(report.findings):
        output.print(f"  … {len(report.findings) - len(shown)} more; all with --extra")
    anchor = (
        "compared with where the chains are known to stand"
        if report.anchored
        else "NONE: a bucket rewritten with its key would not show; use --keys or --remember"
    )
    output.print(f"  anchor    {anchor}")


def _interval(one: Interval) -> str:
    span = f"{one.start:%Y-%m-%dT%H:%M:%SZ} to {one.end:%Y-%m-%dT%H:%M:%SZ}"
    return f"{one.state:13} {span}  {one.chain}"


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; expected one like 2026-11-24T09:00:00Z")
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
