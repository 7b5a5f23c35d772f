"""How an entry lies in a segment file, and how to find the next one after damage.

A frame is the mark `OTJ1`, the payload's length and a CRC-32 over length and payload (each four
bytes, little endian), then the payload. A segment is written into a file of zeros, so bytes after
the last frame are zeros: the end of a segment shows without a second place that says so.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

MARK = b"OTJ1"
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
HEAD_BYTES = _HEAD.size

LARGEST_PAYLOAD = 4 * 1024 * 1024
"""A record is at most 256 KB (spec: record contents); more than this length is damage."""


class Frame(NamedTuple):
    """A whole frame: its payload, and where the next one starts."""

    payload: bytes
    next_position: int


def encode(payload: bytes) -> bytes:
    """The frame of `payload`."""
    length = _LENGTH.pack(len(payload))
    return _HEAD.pack(MARK, len(payload), zlib.crc32(payload, zlib.crc32(length))) + payload


def decode(buffer: bytes | memoryview, position: int) -> Frame | None:
    """The frame that starts at `position` and ends inside `buffer`; None if there is none."""
    if position + HEAD_BYTES > len(buffer):
        return None
    mark, length, crc = _HEAD.unpack_from(buffer, position)
    start = position + HEAD_BYTES
    if mark != MARK or length > LARGEST_PAYLOAD or start + length > len(buffer):
        return None
    payload = bytes(buffer[start : start + length])
    if zlib.crc32(payload, zlib.crc32(_LENGTH.pack(length))) != crc:
        return None
    return Frame(payload, start + length)


def needed(buffer: bytes, position: int) -> int:
    """How many bytes from `position` the frame there needs, as its head says; 0 if it has none."""
    if position + HEAD_BYTES > len(buffer):
        return 0
    mark, length, _crc = _HEAD.unpack_from(buffer, position)
    return HEAD_BYTES + length if mark == MARK and length <= LARGEST_PAYLOAD else 0


def next_frame(buffer: bytes, position: int) -> int | None:
    """Where the first whole frame at or after `position` starts; None if there is none."""
    at = buffer.find(MARK, position)
    while at >= 0:
        if decode(buffer, at) is not None:
            return at
        at = buffer.find(MARK, at + 1)
    return None
