"""A result as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Sequence

import msgspec
from rich.table import Table

from opentrail.cli.events.formats import guarded
from opentrail.cli.logs.answering import Answered
from opentrail.cli.terminal import is_terminal, messages, output, safe
from opentrail.ports.queries import Row

FORMATS = ("table", "json", "csv")
_OWN_NAME = re.compile("@[A-Za-z]+")
VERSION = 1
"""Of the JSON's shape."""

_POINTER = "@ptr"


def show(found: Answered, form: str) -> None:
    """Print a result; what it took goes to stderr."""
    match form:
        case "json":
            _show_json(found)
        case "csv":
            _show_csv(found)
        case _:
            _show_table(found)
            messages.print(_footer(found))


def _footer(found: Answered) -> str:
    told = found.statistics
    return (
        f"{len(found.rows):,} rows; {int(told.records_matched):,} of "
        f"{int(told.records_scanned):,} events matched, {told.bytes_scanned / 1e6:,.1f} MB scanned"
    )


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    values = dict(row)
    return [values.get(column, "") for column in columns]


def _show_json(found: Answered) -> None:
    told = found.statistics
    statistics = {
        "recordsMatched": int(told.records_matched),
        "recordsScanned": int(told.records_scanned),
        "bytesScanned": int(told.bytes_scanned),
    }
    results = [dict(row) for row in found.rows]
    body = {"version": VERSION, "statistics": statistics, "results": results}
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(body), indent=1) + b"\n")
    sys.stdout.buffer.flush()


def _show_csv(found: Answered) -> None:
    """RFC 4180; cells that a spreadsheet might run are guarded, as those of `events search`.

    The names of columns, too, but `@timestamp` and the like, which run nothing.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(one if _OWN_NAME.fullmatch(one) else guarded(one) for one in found.columns)
    for row in found.rows:
        writer.writerow(map(guarded, _cells(row, found.columns)))
    sys.stdout.buffer.write(out.getvalue().encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def _show_table(found: Answered) -> None:
    if not found.rows:
        return
    columns = [one for one in found.columns if one != _POINTER]
    rows = [list(map(safe, _cells(row, columns))) for row in found.rows]
    if is_terminal():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(safe(column), overflow="fold")
        for cells in rows:
            table.add_row(*cells)
        output.print(table)
        return
    lines = [list(map(safe, columns)), *rows]
    widths = [max(len(cells[place]) for cells in lines) for place in range(len(columns))]
    for cells in lines:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
    sys.stdout.flush()
