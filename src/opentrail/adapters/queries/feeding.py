"""What DuckDB is fed: records of the store with their exact text, and events of PutLogEvents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opentrail.adapters.events.finding import Blocks
from opentrail.adapters.events.segments.records import BLOCK_RECORDS
from opentrail.adapters.events.segments.segment import Segment
from opentrail.logs.names import GroupKey
from opentrail.logs.query.json_in import object_text
from opentrail.logs.query.plan.fields import OF_EVENTS
from opentrail.ports.log_events import LogEventQuery, LogEventStore, StoredLogEvent
from opentrail.ports.queries import QueriedGroup

_Numbers = npt.NDArray[np.int64]

BATCH_ROWS = 4096
BATCH_BYTES = 32 * 1024 * 1024

_TYPES = {
    "src": pa.int32(),
    "seg": pa.int32(),
    "rw": pa.int64(),
    "t": pa.int64(),
    "ing": pa.int64(),
}
_NAMES = ("src", "log", "stream", "seg", "rw", "t", *sorted(OF_EVENTS), "msg", "ing", "json")


def schema(columns: Sequence[str]) -> pa.Schema:
    """Of `base` with those columns."""
    return pa.schema([
        (name, _TYPES.get(name, pa.timestamp("us", tz="UTC") if name == "event_time"
                          else pa.large_string()))
        for name in columns
    ])  # fmt: skip


def columns_of(read: frozenset[str]) -> list[str]:
    """The columns of `base` that a plan reads, the keys among them, in a fixed order."""
    wanted = read | {"src", "seg", "rw", "t"}
    return [name for name in _NAMES if name in wanted]


class Messages:
    """The exact texts of records, and when they came in; bytes that are no UTF-8 are replaced."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._blocks: dict[int, Blocks] = {}

    def text(self, segment: int, row: int) -> str:
        """One record."""
        if segment not in self._blocks:
            self._blocks[segment] = Blocks(self._segments[segment])
        return self._blocks[segment].at(row).decode("utf-8", "replace")

    def texts(self, segment: int, rows: _Numbers) -> pa.Array:
        """Records of one segment, by rows that grow."""
        found = self._segments[segment]
        blocks = np.unique(rows // BLOCK_RECORDS)
        content = b"".join(map(found.records.plain, blocks.tolist()))
        # All records of those blocks lie in `content`, one behind the other.
        first = blocks * BLOCK_RECORDS
        all_rows = (first[:, None] + np.arange(BLOCK_RECORDS)).ravel()
        lengths = found.arrays["lengths"][all_rows[all_rows < found.entry.rows]]
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        texts = pa.LargeStringArray.from_buffers(
            len(lengths), pa.py_buffer(ends), pa.py_buffer(content)
        )
        if not content.isascii():
            texts = _valid(texts)
        within = np.searchsorted(blocks, rows // BLOCK_RECORDS) * BLOCK_RECORDS
        places = within + rows % BLOCK_RECORDS
        if len(places) == len(texts) and np.array_equal(places, np.arange(len(places))):
            return texts
        return texts.take(pa.array(places))

    def arrived(self, segment: int, rows: _Numbers) -> _Numbers:
        """Epoch milliseconds."""
        return self._segments[segment].arrivals()[rows] * 1000


def _valid(texts: pa.Array) -> pa.Array:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raws = texts.cast(pa.large_binary()).to_pylist()
        return pa.array([raw.decode("utf-8", "replace") for raw in raws], pa.large_string())
    return texts


def record_batches(
    rows: Iterator[pa.RecordBatch], columns: Sequence[str], messages: Messages
) -> Iterator[pa.RecordBatch]:
    """Rows of `base` with `msg` and `ing` filled in.

    Args:
        rows: With all other columns, in the order of segments and rows.
    """
    shape = schema(columns)
    for batch in rows:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield _filled(batch.slice(start, BATCH_ROWS), shape, messages)


def _filled(batch: pa.RecordBatch, shape: pa.Schema, messages: Messages) -> pa.RecordBatch:
    segments = batch.column("seg").to_numpy()
    rows = batch.column("rw").to_numpy()
    runs = _runs(segments)
    arrays = []
    for field in shape:
        if field.name == "msg":
            parts = [messages.texts(one, rows[start:end]) for one, start, end in runs]
            arrays.append(pa.concat_arrays(parts))
        elif field.name == "ing":
            times = [messages.arrived(one, rows[start:end]) for one, start, end in runs]
            arrays.append(pa.array(np.concatenate(times), field.type))
        else:
            arrays.append(batch.column(field.name).cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=shape)


def _runs(numbers: _Numbers) -> list[tuple[int, int, int]]:
    """(number, start, end) of neighbours that are the same."""
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    starts = [0, *cuts.tolist()]
    ends = [*cuts.tolist(), len(numbers)]
    return [(int(numbers[start]), start, end) for start, end in zip(starts, ends, strict=True)]


def own_batches(
    store: LogEventStore,
    groups: Sequence[QueriedGroup],
    first_source: int,
    span: tuple[int, int],
    columns: Sequence[str],
    seen: Callable[[int, int], None],
) -> Iterator[pa.RecordBatch]:
    """Events that PutLogEvents brought, as `base` has them.

    Args:
        first_source: The number of the first group's source.
        span: Milliseconds, the end exclusive.
        seen: Told of events and bytes as they are read.
    """
    shape = schema(columns)
    for number, group in enumerate(groups, first_source):
        start, end = max(span[0], group.shown_from), span[1]
        key = GroupKey(group.account_id, group.region, group.name)
        batch: list[StoredLogEvent] = []
        size = 0
        for event in store.read(key, LogEventQuery(start=max(start, 0), end=end)):
            batch.append(event)
            size += len(event.message)
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                seen(len(batch), size)
                yield _own_batch(batch, number, group, shape)
                batch, size = [], 0
        if batch:
            seen(len(batch), size)
            yield _own_batch(batch, number, group, shape)


def _own_batch(
    events: list[StoredLogEvent], source: int, group: QueriedGroup, shape: pa.Schema
) -> pa.RecordBatch:
    count = len(events)
    log = f"{group.account_id}:{group.name}"
    values: dict[str, Callable[[], list[object]]] = {
        "src": lambda: [source] * count,
        "log": lambda: [log] * count,
        "stream": lambda: [one.stream for one in events],
        "seg": lambda: [-1] * count,
        "rw": lambda: [one.number for one in events],
        "t": lambda: [one.milliseconds for one in events],
        "msg": lambda: [one.message for one in events],
        "ing": lambda: [one.ingested for one in events],
        "json": lambda: [object_text(one.message) for one in events],
    }
    arrays = [
        pa.array(values[field.name](), field.type)
        if field.name in values
        else pa.nulls(count, field.type)
        for field in shape
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=shape)
