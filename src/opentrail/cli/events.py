"""`opentrail events`: watch what is recorded."""

from __future__ import annotations

import os
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from opentrail.adapters.journal import SegmentJournalReader
from opentrail.app.settings import read_settings
from opentrail.cli.terminal import EXIT_INTERRUPTED, EXIT_UNKNOWN, fail, is_terminal, safe
from opentrail.clock import parse_iso_seconds
from opentrail.errors import InvalidInput
from opentrail.history.row import username
from opentrail.ports.journal import JournalDamaged, JournalReader
from opentrail.record import Record, UserIdentity, read_record

events = typer.Typer(help="Recorded events.", no_args_is_help=True)

POLL_SECONDS = 0.2
READ_BYTES = 1024 * 1024
_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@events.command("tail")
def tail(
    since: Annotated[str, typer.Option(help="Begin this long ago: 30s, 10m, 2h, 1d.")] = "0s",
    name: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more.")] = True,  # noqa: FBT002 - an option
    format: Annotated[str, typer.Option(help="table or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Print events, management and data, as they are recorded; jsonl prints the exact records."""
    if format not in ("table", "jsonl"):
        fail(f"format {format!r}: expected table or jsonl")
    directory = read_settings(os.environ).data / "journal"
    if not directory.is_dir():
        fail(
            f"{directory} is not there: nothing was recorded yet, or OPENTRAIL_DATA names another "
            "data directory",
            EXIT_UNKNOWN,
        )
    journal = SegmentJournalReader(directory)
    start = datetime.now(UTC) - _span(since)  # noqa: TID251 - a command's start
    offset = journal.first() if _span(since) or not follow else journal.end()
    if not _span(since) and not follow:
        start = datetime.min.replace(tzinfo=UTC)
    try:
        _follow(journal, offset, start, name, as_table=format == "table", follow=follow)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _follow(
    journal: JournalReader,
    offset: int,
    start: datetime,
    name: str | None,
    *,
    as_table: bool,
    follow: bool,
) -> None:
    while True:
        try:
            entries = journal.read(offset, READ_BYTES)
        except JournalDamaged as damage:
            sys.stderr.write(f"{damage}\n")
            offset = damage.resume_offset
            continue
        for entry in entries:
            offset = entry.next_offset
            _show(entry.raw, start, name, as_table=as_table)
        sys.stdout.flush()
        if not entries:
            if not follow:
                return
            time.sleep(POLL_SECONDS)


def _show(raw: bytes, start: datetime, name: str | None, *, as_table: bool) -> None:
    try:
        record = read_record(raw)
        if parse_iso_seconds(record.head.event_time) < start.replace(microsecond=0):
            return
    except (InvalidInput, ValueError) as problem:
        sys.stderr.write(f"unreadable record: {problem}\n")
        return
    if name is not None and record.head.event_name != name:
        return
    if not as_table:
        sys.stdout.buffer.write(raw + b"\n")
        return
    sys.stdout.write(line(record, os.get_terminal_size().columns if is_terminal() else 0) + "\n")


def line(record: Record, columns: int) -> str:
    """A record in one line; cut to `columns` unless that is 0."""
    head = record.head
    identity = head.user_identity or UserIdentity()
    who = username(identity) or identity.access_key_id or identity.type or "-"
    about = next((one.arn or one.arn_prefix or "" for one in head.resources or ()), "")
    parts = (
        head.event_time,
        f"{head.event_name or head.event_type or '-':28}",
        f"{(head.event_source or '-').removesuffix('.amazonaws.com'):14}",
        f"{who:16}",
        f"{head.aws_region:12}",
        f"{head.source_ip_address or '-':15}",
        f"{head.error_code or 'ok':18}",
        about,
    )
    text = safe(" ".join(parts).rstrip())
    return text if not columns or len(text) <= columns else text[: columns - 1] + "…"


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text!r} is not a span of time; expected one like 30s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
