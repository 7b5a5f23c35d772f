"""The rows of a result as they are shown: their cells as texts, and their pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from opentrail.adapters.queries.window import Window
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.names import GroupKey
from opentrail.logs.query.plan.fields import FROM_RECORDS
from opentrail.logs.query.plan.plan import Cell, Late, Plan
from opentrail.logs.query.pointers import Pointer
from opentrail.ports.queries import QueryFailed, QueryRequest, Row, Sink

_CHUNK_ROWS = 1000
_CHUNK_BYTES = 16 * 1024 * 1024
_KEYS = frozenset({"src", "seg", "rw", "t"})
_PARAMETER = re.compile(r"\$(p[0-9]+)\b")


def parameters_in(sql: str, plan: Plan) -> dict[str, object]:
    """The parameters that a statement names."""
    names = set(_PARAMETER.findall(sql))
    return {name: value for name, value in plan.parameters.items() if name in names}


@dataclass(slots=True)
class Shown:
    """Turns the rows that `main` found into a result.

    Attributes:
        most_bytes: Of all texts of the result.
    """

    plan: Plan
    request: QueryRequest
    window: Window
    most_bytes: int

    def give(self, rows: pa.Table, sink: Sink) -> int:
        """Give all rows, some at a time; how many they are.

        Raises:
            QueryFailed: they are too large together.
        """
        late = self.plan.late
        joins = late is not None and bool(late.columns - FROM_RECORDS - _KEYS)
        if joins and late is not None and rows.num_rows:
            self._join(rows, late)
        size = 0
        for start, end in self._chunks(rows):
            part = rows.slice(start, end - start)
            shown = self._rows(part, start, late, joins=joins)
            size += sum(len(text) for row in shown for _, text in row)
            if size > self.most_bytes:
                raise QueryFailed(
                    f"the result is larger than {self.most_bytes // 1024 // 1024} MB; "
                    "show fewer fields or rows"
                )
            sink(shown)
        return int(rows.num_rows)

    def _chunks(self, rows: pa.Table) -> Iterator[tuple[int, int]]:
        """Some rows at a time, fewer where their records are large."""
        sizes = self._record_sizes(rows)
        start, size = 0, 0
        for place in range(rows.num_rows):
            if place - start >= _CHUNK_ROWS or size > _CHUNK_BYTES:
                yield start, place
                start, size = place, 0
            size += sizes[place]
        if start < rows.num_rows:
            yield start, rows.num_rows

    def _record_sizes(self, rows: pa.Table) -> list[int]:
        if not self._shows_messages():
            return [0] * rows.num_rows
        segments, places = rows.column("seg").to_pylist(), rows.column("rw").to_pylist()
        return [
            0 if one < 0 else int(self.window.stored.segments[one].arrays["lengths"][row])
            for one, row in zip(segments, places, strict=True)
        ]

    def _shows_messages(self) -> bool:
        late = self.plan.late
        if late is not None and "msg" in late.columns:
            return True
        return any(cell.is_message for cell in self.plan.cells)

    def _join(self, rows: pa.Table, late: Late) -> None:
        """`late_rows`: what the open files say of the shown rows; others are not read."""
        window = self.window
        keys = rows.select(["src", "seg", "rw"]).append_column(
            "ord", pa.array(np.arange(rows.num_rows, dtype=np.int64))
        )
        places = np.unique(rows.column("seg").to_numpy()).tolist()
        window.create_late_view(places)
        window.connection.register("late_keys", keys)
        columns = ", ".join(f"e.{one}" for one in sorted(late.columns - FROM_RECORDS - _KEYS))
        window.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE late_rows AS SELECT k.ord, {columns} FROM late_keys k "
            "JOIN late_events e ON e.src = k.src AND e.seg = k.seg AND e.rw = k.rw"
        )

    def _rows(self, part: pa.Table, first: int, late: Late | None, *, joins: bool) -> list[Row]:
        texts = {name: part.column(name).to_pylist() for name in part.column_names}
        if late is not None:
            found = self._late(part, first, late, joins=joins)
            texts |= {f"late:{name}": values for name, values in found.items()}
        columns = [self._column(cell, texts) for cell in self.plan.cells]
        names = [cell.name for cell in self.plan.cells]
        rows: list[Row] = [
            [(name, text) for name, text in zip(names, values, strict=True) if text is not None]
            for values in zip(*columns, strict=True)
        ]
        if self.plan.are_events:
            for row, pointer in zip(rows, self._pointers(texts), strict=True):
                row.append(("@ptr", pointer))
        return rows

    def _column(self, cell: Cell, texts: dict[str, list[Any]]) -> list[str | None]:
        values: list[str | None]
        values = texts[cell.early] if cell.early else texts[f"late:{cell.late}"]
        if not cell.is_message:
            return values
        return [
            text if text is not None or segment < 0 else self.window.messages.text(segment, row)
            for text, segment, row in zip(values, texts["seg"], texts["rw"], strict=True)
        ]

    def _late(self, part: pa.Table, first: int, late: Late, *, joins: bool) -> dict[str, list[Any]]:
        segments, rows = part.column("seg").to_pylist(), part.column("rw").to_pylist()
        keys = part.select(["src", "seg", "rw", "t"]).append_column(
            "ord", pa.array(np.arange(first, first + part.num_rows, dtype=np.int64))
        )
        if "msg" in late.columns:
            messages = [self.window.messages.text(*one) for one in zip(segments, rows, strict=True)]
            keys = keys.append_column("msg", pa.array(messages, pa.large_string()))
        if "ing" in late.columns:
            arrived = [
                int(self.window.messages.arrived(segment, np.array([row]))[0])
                for segment, row in zip(segments, rows, strict=True)
            ]
            keys = keys.append_column("ing", pa.array(arrived, pa.int64()))
        self.window.connection.register("late_part", keys)
        source = "late_part k JOIN late_rows r USING (ord)" if joins else "late_part k"
        self.window.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW late AS SELECT * FROM {source}"
        )
        found = self.window.connection.execute(late.sql, parameters_in(late.sql, self.plan))
        table = found.to_arrow_table()
        return {name: table.column(name).to_pylist() for name in table.column_names}

    def _pointers(self, texts: dict[str, list[Any]]) -> list[str]:
        keys = zip(texts["src"], texts["seg"], texts["rw"], texts["t"], strict=True)
        return [self._pointer(*key) for key in keys]

    def _pointer(self, source: int, segment: int, row: int, when: int) -> str:
        if segment < 0:
            groups = self.request.groups or ()
            group = groups[source - len(self.window.stored.sources)]
            place = EventPlace(max(when, 0), Keeper.OWN, row)
            return Pointer(GroupKey(group.account_id, group.region, group.name), place).text
        sequence = int(self.window.stored.segments[segment].sequences(np.array([row]))[0])
        place = EventPlace(max(when, 0), Keeper.STORE, sequence)
        found = self.window.stored.sources[source].group
        key = None if found is None else GroupKey(found.account_id, found.region, found.name)
        return Pointer(key, place).text
