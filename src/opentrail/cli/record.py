"""`opentrail record -- COMMAND`: run something, and tell what it called."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from opentrail.access import needed_policy
from opentrail.adapters.journal import SegmentJournalReader
from opentrail.app.settings import Settings, read_settings
from opentrail.app.telemetry.status import is_running, read_status
from opentrail.app.wiring import first_key
from opentrail.cli.events import line
from opentrail.cli.terminal import EXIT_UNKNOWN, fail, output
from opentrail.errors import InvalidInput
from opentrail.ports.journal import JournalDamaged, JournalReader
from opentrail.record import Record, read_record

READ_BYTES = 1024 * 1024
FORMATS = ("table", "json", "policy")


def record(
    command: Annotated[list[str], typer.Argument(help="What to run, behind `--`.")],
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(help="table, json (the exact records) or policy (least privilege).")
    ] = "table",
    report: Annotated[
        Path | None, typer.Option(help="Write what was called here, not behind the output.")
    ] = None,
) -> None:
    """Run a command against OpenTrail and tell what it called.

    Calls are those of its access key and of keys that it was given on the way; with keys of the
    environment, or else the first of the identities file. The exit code is the command's.
    """
    if format not in FORMATS:
        fail(f"format {format!r}: expected one of {', '.join(FORMATS)}")
    settings = read_settings(os.environ)
    status = read_status(settings.data)
    if status is None or not is_running(status):
        fail(f"no server runs on {settings.data}; start one with: opentrail serve", EXIT_UNKNOWN)
    journal = SegmentJournalReader(settings.data / "journal")
    environment = _environment(settings, status.endpoint)
    start = journal.end()
    try:
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the user's own
    except OSError as problem:
        fail(f"{command[0]} can't be run: {problem.strerror}")
    found = list(_of_keys(_records(journal, start), {environment["AWS_ACCESS_KEY_ID"]}))
    text = _told(found, format)
    if report is None:
        output.print(text)
    else:
        report.write_text(text + "\n")
    raise typer.Exit(code)


def _environment(settings: Settings, endpoint: str) -> dict[str, str]:
    """The command's environment: the endpoint is ours, keys and region its own if it has them."""
    found = dict(os.environ)
    if "AWS_ACCESS_KEY_ID" not in found:
        key = first_key(settings.data)
        found |= {
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        }
    region = found.get("AWS_REGION") or found.get("AWS_DEFAULT_REGION") or settings.region
    found |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": endpoint}
    return found


def _records(journal: JournalReader, start: int) -> Iterator[Record]:
    offset, end = start, journal.end()
    while offset < end:
        try:
            entries = journal.read(offset, READ_BYTES)
        except JournalDamaged as damage:
            offset = damage.resume_offset
            continue
        if not entries:
            return
        for entry in entries:
            offset = entry.next_offset
            try:
                yield read_record(entry.raw)
            except InvalidInput:
                continue


def _of_keys(records: Iterator[Record], keys: set[str]) -> Iterator[Record]:
    """The records of calls with `keys`, and with keys that such calls were given."""
    for one in records:
        identity = one.head.user_identity
        if identity is None or identity.access_key_id not in keys:
            continue
        keys |= set(_given(msgspec.json.decode(one.head.response_elements)))
        yield one


def _given(elements: Any) -> Iterator[str]:
    """Access keys in an answer: of a session (`credentials`) or a user's (`accessKey`)."""
    for name in ("credentials", "accessKey"):
        key = elements.get(name) if isinstance(elements, Mapping) else None
        if isinstance(key, Mapping) and isinstance(key.get("accessKeyId"), str):
            yield key["accessKeyId"]


def _told(found: list[Record], form: str) -> str:
    if form == "json":
        return "[" + ",\n".join(one.raw.decode() for one in found) + "]"
    if form == "policy":
        policy = needed_policy(one.head for one in found)
        return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()
    failed = sum(one.head.error_code is not None for one in found)
    names = Counter(
        f"{(one.head.event_source or '').removesuffix('.amazonaws.com')}:{one.head.event_name}"
        for one in found
    )
    lines = [line(one, 0) for one in found]
    lines.append(f"{len(found)} calls, {failed} failed, {len(names)} kinds")
    return "\n".join(lines)
