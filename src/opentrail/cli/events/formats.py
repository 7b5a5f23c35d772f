"""Events as bytes of JSON lines and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Protocol

from opentrail.app.searching.shapes import one_line
from opentrail.cli.events.columns import Column, cells
from opentrail.ports.events import StoredEvent

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""How a cell begins that a spreadsheet might run; and the guard itself, so it can be undone."""


class TextFormat(Protocol):
    """A format whose events stand one after the other."""

    def header(self) -> bytes:
        """What comes first, once."""
        ...

    def encode(self, event: StoredEvent) -> bytes:
        """An event."""
        ...


class JsonLines:
    """The exact bytes of each record, one on a line (see one_line)."""

    def header(self) -> bytes:
        return b""

    def encode(self, event: StoredEvent) -> bytes:
        return one_line(event.raw) + b"\n"


class Csv:
    """RFC 4180, with a line of names first.

    A cell that a spreadsheet might take for a formula gets a `'` before it (OWASP, "CSV
    injection"), and so does one that begins with `'`: whoever removes one `'` has the text.
    """

    def __init__(self, columns: Sequence[Column], *, guard: bool) -> None:
        self._columns = columns
        self._guard = guard

    def header(self) -> bytes:
        return _csv_line([column.name for column in self._columns])

    def encode(self, event: StoredEvent) -> bytes:
        texts = cells(event, self._columns)
        return _csv_line([guarded(text) for text in texts] if self._guard else texts)


def guarded(text: str) -> str:
    """`text`, that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(texts: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(texts)
    return out.getvalue().encode("utf-8", "replace")
