"""`opentrail selectors`: which selector takes a record, and why another does not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from opentrail.api.validate import problems
from opentrail.app.anchors import has_state, open_state
from opentrail.app.settings import read_settings
from opentrail.app.wiring import open_event_reader
from opentrail.aws.models import service_model
from opentrail.cli.terminal import EXIT_FINDINGS, EXIT_UNKNOWN, fail, output, safe
from opentrail.cli.trails import find_trail
from opentrail.errors import InvalidInput
from opentrail.ports.events import Search
from opentrail.predicate.expression import Operator, Test
from opentrail.record import Record, read_record
from opentrail.record.container import ContainerUnreadable, inflate
from opentrail.selectors import (
    AdvancedEventSelector,
    EventSelector,
    Reason,
    explain,
    parse_advanced,
    parse_basic,
)

selectors = typer.Typer(help="Event selectors.", no_args_is_help=True)

Selectors = tuple[tuple[EventSelector, ...], tuple[AdvancedEventSelector, ...]]


@selectors.command("explain")
def explain_command(
    records: Annotated[
        str, typer.Argument(help="An event id, or a file of records (JSON, JSON lines, .gz); -.")
    ],
    trail: Annotated[str, typer.Option(help="A trail of this installation.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Instead: the input of put-event-selectors, as JSON.")
    ] = None,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Tell for each record which selector takes it, and why the others do not.

    Exit codes: 0 a selector takes each record, 1 some are not taken, 2 usage, 3 can not tell.
    """
    if format not in ("table", "json"):
        fail(f"format {format!r}: expected table or json")
    if bool(trail) == (file is not None):
        fail("give either --trail NAME or --file SELECTORS.json")
    chosen = _of_file(file) if file is not None else _of_trail(trail)
    found = [(record, explain(chosen[0], chosen[1], record.head)) for record in _records(records)]
    if not found:
        fail(f"no record {records!r} was found", EXIT_UNKNOWN)
    if format == "json":
        output.print_json(data={"format": 1, "records": [_told(*one) for one in found]})
    else:
        for record, reasons in found:
            _show(record, reasons)
    if not all(any(reason.takes for reason in reasons) for _, reasons in found):
        raise typer.Exit(EXIT_FINDINGS)


def _of_trail(name: str) -> Selectors:
    data = read_settings(os.environ).data
    if not has_state(data):
        fail(f"{data} is not the data directory of an OpenTrail", EXIT_UNKNOWN)
    trail = find_trail(open_state(data), name)
    return trail.event_selectors, trail.advanced_event_selectors


def _of_file(path: Path) -> Selectors:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidInput(f"{path} can't be read as JSON: {problem}") from problem
    if isinstance(values, list):
        advanced = bool(values) and isinstance(values[0], dict) and "FieldSelectors" in values[0]
        values = {"AdvancedEventSelectors" if advanced else "EventSelectors": values}
    return _parsed(path, values if isinstance(values, dict) else {})


def _parsed(path: Path, values: dict[str, Any]) -> Selectors:
    basic, advanced = values.get("EventSelectors"), values.get("AdvancedEventSelectors")
    if bool(basic) == bool(advanced):
        found = "both" if basic else "neither"
        raise InvalidInput(
            f"{path} has {found} of EventSelectors and AdvancedEventSelectors; one is expected"
        )
    shape = service_model("cloudtrail").operation_model("PutEventSelectors").input_shape
    assert shape is not None
    for problem in problems(shape, values | {"TrailName": "any"}):
        raise InvalidInput(f"{path}: {problem.message}")
    return parse_basic(basic) if basic else (), parse_advanced(advanced) if advanced else ()


def _records(text: str) -> Iterator[Record]:
    if text == "-":
        return _in(sys.stdin.buffer.read())
    path = Path(text)
    if path.is_file():
        content = path.read_bytes()
        try:
            return _in(inflate(content) if content[:2] == b"\x1f\x8b" else content)
        except ContainerUnreadable as problem:
            raise InvalidInput(f"{path} can't be read: {problem}") from problem
    return _in_store(text)


def _in(content: bytes) -> Iterator[Record]:
    """Records of a log file, a list, a single one, or one a line."""
    try:
        value: Any = json.loads(content)
    except ValueError:
        for line in content.splitlines():
            if line.strip():
                yield read_record(line)
        return
    if isinstance(value, dict):
        value = value.get("Records", [value])
    if not isinstance(value, list):
        raise InvalidInput("a record, a list of records or a log file is expected")
    for one in value:
        yield read_record(json.dumps(one).encode())


def _in_store(event_id: str) -> Iterator[Record]:
    settings = read_settings(os.environ)
    if not (settings.data / "events").is_dir():
        fail(f"{event_id!r} is no file, and {settings.data} holds no events", EXIT_UNKNOWN)
    wanted = Search(where=Test(("eventID",), Operator.EQUALS, event_id), limit=None)
    for event in open_event_reader(settings).search(wanted):
        yield read_record(event.raw)


def _told(record: Record, reasons: tuple[Reason, ...]) -> dict[str, Any]:
    return {
        "eventID": record.head.event_id,
        "taken": any(one.takes for one in reasons),
        "selectors": [msgspec.to_builtins(one) | {"takes": one.takes} for one in reasons],
    }


def _show(record: Record, reasons: tuple[Reason, ...]) -> None:
    head = record.head
    taken = "taken" if any(one.takes for one in reasons) else "NOT TAKEN"
    output.print(safe(f"{head.event_id} {head.event_source} {head.event_name}: {taken}"))
    for one in reasons:
        name = f" ({one.name})" if one.name else ""
        if one.takes:
            output.print(safe(f"  selector {one.number}{name} takes it"))
        for why in one.failed:
            output.print(safe(f"  selector {one.number}{name} does not: {why}"))
