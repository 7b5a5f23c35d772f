"""The bytes of a log file: records as they are, in one JSON object, in one gzip member.

Source: spec: files, section 2. Digests hash the bytes before compression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import deflate

from opentrail.record import Record

COMPRESSION_LEVEL = 6
"""libdeflate's 6 gives the ratio of `gzip -6` at about twice its speed (benchmarks)."""

HEAD = b'{"Records":['
TAIL = b"]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFileBody:
    """A finished log file.

    Attributes:
        content: One gzip member, without a time of its own, and nothing after it.
        sha256: Lower-case hex over the uncompressed bytes.
        length: Uncompressed bytes.
        oldest: The smallest `eventTime` as the records spell it.
        newest: The largest.
    """

    content: bytes
    sha256: str
    length: int
    oldest: str
    newest: str


def make_body(records: Sequence[Record]) -> LogFileBody:
    """The log file of `records` (at least one), their bytes unchanged and in their order."""
    times = [record.head.event_time for record in records]
    return body_of([record.raw for record in records], min(times), max(times))


def body_of(raws: Sequence[bytes], oldest: str, newest: str) -> LogFileBody:
    """The log file of anything that is written as records are."""
    plain = HEAD + b",".join(raws) + TAIL
    return LogFileBody(
        content=bytes(deflate.gzip_compress(plain, COMPRESSION_LEVEL)),
        sha256=hashlib.sha256(plain).hexdigest(),
        length=len(plain),
        oldest=oldest,
        newest=newest,
    )
