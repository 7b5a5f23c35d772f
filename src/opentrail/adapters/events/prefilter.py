r"""Rows that only the record could tell are first looked for in the open file's JSON.

A text of plain characters that a test asks for stands in the JSON as it is, unless a character is
written as `\\u00..`: a row that holds neither the text nor such an escape can't pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from opentrail.adapters.events.segments.heads import PARTS
from opentrail.adapters.events.segments.parquet import column_name
from opentrail.adapters.events.segments.segment import Segment
from opentrail.adapters.events.states import MAYBE, NO, Rows, States
from opentrail.predicate.expression import All, Expression, Operator, Test

WORTH_IT = 2048
"""Fewer records are asked more quickly one by one."""

_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - {'"', "\\", "/"}
_ESCAPED = b"\\u00"
_LITERAL = (Operator.EQUALS, Operator.CONTAINS, Operator.PREFIX, Operator.SUFFIX)


def narrow(segment: Segment, where: Expression, rows: Rows, states: States) -> States:
    """The states, 0 for rows whose JSON lacks what is needed.

    Args:
        rows: Oldest first.
        states: Of each of `rows`.
    """
    if not segment.entry.bytes[2] or int(np.count_nonzero(states == MAYBE)) < WORTH_IT:
        return states
    for test in _needed(where):
        column = column_name((test.path[0],))
        try:
            file = pq.ParquetFile(segment.parquet, memory_map=True)
        except FileNotFoundError:
            return states
        texts = pa.concat_arrays(file.read(columns=[column], use_threads=False)[column].chunks)
        passing = _holding(texts, test.value.encode()) | _holding(texts, _ESCAPED)
        states = np.where(passing[rows], states, np.uint8(NO))
    return states


def _holding(texts: pa.Array, wanted: bytes) -> npt.NDArray[np.bool_]:
    """For each text whether it holds `wanted`, or seems to together with the next one."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1]
    content = texts.buffers()[2].to_pybytes() if texts.buffers()[2] else b""
    found = np.zeros(len(texts), np.bool_)
    place = content.find(wanted, int(offsets[0]))
    while 0 <= place < offsets[-1]:
        row = int(np.searchsorted(offsets, place, "right")) - 1
        found[row] = True
        place = content.find(wanted, int(offsets[row + 1]))
    return found


def _needed(expression: Expression) -> Iterator[Test]:
    """Tests that have to hold, of a literal within one of the JSON columns."""
    if isinstance(expression, All):
        for part in expression.parts:
            yield from _needed(part)
    elif (
        isinstance(expression, Test)
        and expression.operator in _LITERAL
        and expression.value
        and not expression.ignore_case
        and not expression.in_objects
        and expression.path[0] in PARTS
        and _PLAIN.issuperset(expression.value)
    ):
        yield expression
