"""How an entry lies in a segment file, and how to find the next one after damage.

A frame is a mark, the content's length and a CRC-32 over length and content (each four bytes,
little endian), then the content: after the mark `OTJ1` the payload; after `OTN1`, which the CRC
covers too, the call's number (eight bytes) and the payload. A segment is written into a file
of zeros, so bytes after the last frame are zeros: the end shows without a second place for it.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

MARK = b"OTJ1"
NUMBERED = b"OTN1"
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<Q")
_MARKS = re.compile(rb"OT[JN]1")
HEAD_BYTES = _HEAD.size

LARGEST_PAYLOAD = 4 * 1024 * 1024
"""A record is at most 256 KB (spec: record contents); more than this length is damage."""


class Frame(NamedTuple):
    """A whole frame: its payload, where the next one starts, and its number (0 for none)."""

    payload: bytes
    next_position: int
    number: int


def encode(payload: bytes, number: int = 0) -> bytes:
    """The frame of `payload`."""
    mark = MARK
    if number:
        mark = NUMBERED
        payload = _NUMBER.pack(number) + payload
    return _HEAD.pack(mark, len(payload), _crc(mark, payload)) + payload


def _crc(mark: bytes, payload: bytes) -> int:
    start = _LENGTH.pack(len(payload))
    # One bit is between the two marks.
    return zlib.crc32(payload, zlib.crc32(start if mark == MARK else mark + start))


def decode(buffer: bytes | memoryview, position: int) -> Frame | None:
    """The frame that starts at `position` and ends inside `buffer`; None if there is none."""
    if position + HEAD_BYTES > len(buffer):
        return None
    mark, length, crc = _HEAD.unpack_from(buffer, position)
    start = position + HEAD_BYTES
    if mark not in (MARK, NUMBERED) or length > LARGEST_PAYLOAD or start + length > len(buffer):
        return None
    payload = bytes(buffer[start : start + length])
    if _crc(mark, payload) != crc:
        return None
    if mark == MARK:
        return Frame(payload, start + length, 0)
    if length < _NUMBER.size:
        return None
    (number,) = _NUMBER.unpack_from(payload)
    return Frame(payload[_NUMBER.size :], start + length, number)


def needed(buffer: bytes, position: int) -> int:
    """How many bytes from `position` the frame there needs, as its head says; 0 if it has none."""
    if position + HEAD_BYTES > len(buffer):
        return 0
    mark, length, _crc = _HEAD.unpack_from(buffer, position)
    marked = mark in (MARK, NUMBERED) and length <= LARGEST_PAYLOAD
    return HEAD_BYTES + length if marked else 0


def next_frame(buffer: bytes, position: int) -> int | None:
    """Where the first whole frame at or after `position` starts; None if there is none."""
    for found in _MARKS.finditer(buffer, position):
        if decode(buffer, found.start()) is not None:
            return found.start()
    return None
