"""The open files: what DuckDB or Spark read without OpenTrail.

One file a segment, its rows in the same order. Columns have the record's own names in snake case;
members that are objects are JSON text as the record has it. `record` holds the whole record where
the columns can't tell all of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.columns import Columns
from opentrail.adapters.events.segments.heads import PARTS, Text
from opentrail.adapters.events.segments.schema import FIRST, IDENTITY_PATHS, TOP_PATHS
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.texts import Texts

LEVEL = 3
ROW_GROUP = 65_536
_NULL = b"null"

_NAMES = {
    "sourceIPAddress": "source_ip_address",
    "eventID": "event_id",
    "requestID": "request_id",
    "sharedEventID": "shared_event_id",
}


def column_name(path: FieldPath) -> str:
    """`userIdentity.sessionIssuer.arn` is `identity_session_issuer_arn`; whole, `user_identity`."""
    if path[0] == "userIdentity" and len(path) > 1:
        path = ("identity", *[name for name in path[1:] if name not in _LEFT_OUT])
    return "_".join(_NAMES.get(name) or _snake(name) for name in path)


_LEFT_OUT = ("sessionContext", "attributes")


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def write_parquet(path: Path, columns: Columns, raws: Sequence[bytes]) -> int:
    """Write and sync; the file's length in bytes.

    Args:
        raws: The records in the batch's order.
    """
    table = open_table(columns, raws)
    with path.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=LEVEL,
            row_group_size=ROW_GROUP,
            write_statistics=[name for name in table.column_names if name not in _JSON],
            use_dictionary=[name for name in table.column_names if name not in _UNLIKE],
            sorting_columns=[pq.SortingColumn(0)],
        )
        file.flush()
        os.fdatasync(file.fileno())
        return file.tell()


def open_table(columns: Columns, raws: Sequence[bytes]) -> pa.Table:
    """What an open file holds.

    Args:
        raws: The records in the batch's order.
    """
    return pa.table(_arrays(columns, raws))


_JSON = frozenset({*map(_snake, PARTS), "record"})
_UNLIKE = frozenset({"event_id", "request_id", "record"})


def _arrays(columns: Columns, raws: Sequence[bytes]) -> dict[str, pa.Array]:
    order = columns.order.tolist()
    found: dict[str, pa.Array] = {
        "event_time": pa.array(columns.times).cast(pa.timestamp("s", tz="UTC")),
    }
    for path in TOP_PATHS + IDENTITY_PATHS:
        found[column_name(path)] = _coded(columns.arrays, ".".join(path))
    for name, texts in columns.plain.items():
        found[_NAMES.get(name) or _snake(name)] = _texts([texts[number] for number in order])
    for name in PARTS:
        part = columns.parts[name]
        found[_snake(name)] = _json([part[number] for number in order])
    found["record"] = pa.array(
        [raws[number].decode("utf-8", "replace") if row in columns.odd_rows else None
         for row, number in enumerate(order)], pa.string()
    )  # fmt: skip
    return found


def _texts(texts: list[Text]) -> pa.Array:
    try:
        return pa.array(texts, pa.string())
    except (pa.ArrowException, UnicodeEncodeError):
        # Lone surrogates, and what no single text tells.
        return pa.array(list(map(_whole, texts)), pa.string())


def _whole(text: Text) -> str | None:
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else None


def _coded(arrays: Mapping[str, Array], name: str) -> pa.Array:
    codes = arrays[f"code:{name}"]
    content, ends = arrays[f"text:{name}"], arrays[f"ends:{name}"]
    offsets = np.concatenate([np.zeros(1, np.int32), ends.astype(np.int32)])
    texts = pa.Array.from_buffers(
        pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    )
    if not _is_utf8(content):
        # Lone surrogates, which JSON can spell and Parquet cannot.
        texts = _texts(list(Texts(content, ends)))
    indices = pa.array(codes.astype(np.int32) - FIRST, mask=np.asarray(codes < FIRST))
    return pa.DictionaryArray.from_arrays(indices, texts)


def _is_utf8(content: Array) -> bool:
    try:
        str(content.data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _json(parts: list[bytes]) -> pa.Array:
    kept = [b"" if part == _NULL else part for part in parts]
    lengths = np.fromiter(map(len, kept), np.int32, len(kept))
    present = lengths > 0
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    content = b"".join(kept)
    try:
        content.decode()
    except UnicodeDecodeError:
        return pa.array(
            [part.decode("utf-8", "replace") if part else None for part in kept], pa.string()
        )
    validity = pa.array(present).buffers()[1]
    return pa.Array.from_buffers(
        pa.string(), len(kept), [validity, pa.py_buffer(offsets), pa.py_buffer(content)]
    )
