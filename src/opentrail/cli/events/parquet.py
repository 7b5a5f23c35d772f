"""Events as a Parquet file: columns as in the store's open files, and every whole record.

Rows are kept in parts of a fixed number beside the file until all are there; then the parts become
the file's row groups, in one step. So a killed export goes on behind its last part.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from opentrail.adapters.events.segments.heads import PARTS
from opentrail.adapters.events.segments.parquet import column_name
from opentrail.adapters.events.segments.schema import HASHED_PATHS, IDENTITY_PATHS, TOP_PATHS
from opentrail.cli.events.columns import POSITION, RECORD, Column, cells
from opentrail.ports.events import StoredEvent

PART_ROWS = 8_192
_TIME = "event_time"
_USUAL_PATHS = (*TOP_PATHS, *IDENTITY_PATHS, *HASHED_PATHS, *((name,) for name in PARTS))


def _name(path: tuple[str, ...]) -> str:
    return "user_identity" if path == ("userIdentity",) else column_name(path)


USUAL_COLUMNS = (
    *(Column(_name(path), path) for path in _USUAL_PATHS),
    Column(POSITION, ()),
    Column(RECORD, ()),
)


class ParquetParts:
    """The parts of the file that is to be."""

    def __init__(self, path: Path, columns: Sequence[Column] = USUAL_COLUMNS) -> None:
        self._path = path
        self._directory = path.with_name(path.name + ".parts")
        self._columns = tuple(
            Column(_name(one.path), one.path) if one.path else one for one in columns
        )
        self._schema = pa.schema(
            [
                (_TIME, pa.timestamp("ms", tz="UTC")),
                *((one.name, pa.string()) for one in self._columns if one.name != _TIME),
            ]
        )

    def begin(self, parts: int) -> None:
        """Keep the first `parts` parts, and no other."""
        if not parts:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(exist_ok=True)
        kept = {self._part(number) for number in range(parts)}
        for found in self._directory.iterdir():
            if found not in kept:
                found.unlink()

    def write(self, number: int, events: Sequence[StoredEvent]) -> None:
        """A part; durable on return."""
        rows = [cells(event, self._columns) for event in events]
        found = {_TIME: [event.position.event_time * 1000 for event in events]}
        arrays = {
            one.name: [row[place] or None for row in rows]
            for place, one in enumerate(self._columns)
        }
        table = pa.table(arrays | found, schema=self._schema)
        with self._part(number).open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())

    def finish(self, parts: int) -> None:
        """The whole file, in one step; the parts are gone."""
        aside = self._path.with_name(self._path.name + ".partial")
        with aside.open("wb") as file:
            with pq.ParquetWriter(file, self._schema, compression="zstd") as writer:
                for number in range(parts):
                    with pq.ParquetFile(self._part(number)) as part:
                        writer.write_table(part.read(), row_group_size=PART_ROWS)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._path)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self._directory / f"{number:06}.parquet"
