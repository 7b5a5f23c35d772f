"""How many records fit into one log file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentrail.logfile.body import HEAD, TAIL
from opentrail.record import Record

MAX_UNCOMPRESSED_BYTES = 50_000_000
"""AWS writes at most 50 MB before compression (user guide of April 2026)."""


def split(
    records: Sequence[Record], limit_bytes: int = MAX_UNCOMPRESSED_BYTES
) -> Iterator[list[Record]]:
    """`records` in order, cut where the next one would make the file larger than the limit.

    A record that alone is larger gets a file of its own.
    """
    taken: list[Record] = []
    size = len(HEAD) + len(TAIL)
    for record in records:
        more = len(record.raw) + 1
        if taken and size + more - 1 > limit_bytes:
            yield taken
            taken = []
            size = len(HEAD) + len(TAIL)
        taken.append(record)
        size += more
    if taken:
        yield taken
