"""Bytes before compression, in pieces, never more than allowed.

A log file is one gzip member and nothing after it; Firehose joins members, and some archives do.
So each member is told apart, and the reader decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from isal import isal_zlib

from opentrail.imports.found import Limits

# The library's stubs call the class an instance.
_GZIP_ERROR = cast("type[Exception]", isal_zlib.IsalError)

GZIP_MAGIC = b"\x1f\x8b"
_SALVAGE_BYTES = 4096
"""After an error, what comes before it is read again in steps of this size."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Plain bytes.

    Attributes:
        member: 0 in the first gzip member.
        last: Nothing of the member follows.
        problem: What is wrong behind these bytes; nothing follows.
        rest: With a problem: the compressed bytes that were not read.
    """

    content: bytes
    member: int = 0
    last: bool = True
    problem: str = ""
    rest: bytes = b""


def plain_pieces(content: bytes, limits: Limits) -> Iterator[Piece]:
    """The object before compression, in pieces of at most `piece_bytes`."""
    if content.startswith(GZIP_MAGIC):
        yield from _members(content, limits)
        return
    size = limits.piece_bytes
    for start in range(0, max(len(content), 1), size):
        yield Piece(content[start : start + size], last=start + size >= len(content))


def plain_hash(content: bytes, limits: Limits) -> str:
    """Lower-case hex of the SHA-256 over all plain bytes."""
    digest = hashlib.sha256()
    for piece in plain_pieces(content, limits):
        digest.update(piece.content)
    return digest.hexdigest()


def _members(content: bytes, limits: Limits) -> Iterator[Piece]:
    member, total, rest = 0, 0, content
    while rest.startswith(GZIP_MAGIC):
        start, before = rest, total
        reader = isal_zlib.decompressobj(isal_zlib.MAX_WBITS | 16)
        while not reader.eof:
            try:
                plain: bytes = reader.decompress(rest, limits.piece_bytes)
            except _GZIP_ERROR as cause:
                saved = _before_the_error(start, total - before)
                yield Piece(saved, member, problem=f"damaged gzip: {cause}", rest=rest)
                return
            rest = reader.unconsumed_tail
            total += len(plain)
            problem = _too_much(total, len(content), limits)
            if problem and not reader.eof:
                yield Piece(plain, member, problem=problem, rest=rest)
                return
            stuck = (not rest and len(plain) < limits.piece_bytes) or not plain
            if stuck and not reader.eof:
                yield Piece(plain, member, problem="the gzip member is cut short")
                return
            yield Piece(plain, member, last=reader.eof)
        rest = reader.unused_data
        member += 1
    if rest.strip(b"\0"):  # some tools fill up with zeros
        yield Piece(b"", member, problem="bytes behind the gzip member", rest=rest)


def _before_the_error(member: bytes, given: int) -> bytes:
    """What a damaged member holds before the damage, less the `given` bytes that were read."""
    reader = isal_zlib.decompressobj(isal_zlib.MAX_WBITS | 16)
    saved: list[bytes] = []
    length, rest = 0, member
    try:
        while not reader.eof:
            plain: bytes = reader.decompress(rest, _SALVAGE_BYTES)
            rest = reader.unconsumed_tail
            if not plain:
                break
            length += len(plain)
            if length > given:
                saved.append(plain[max(0, len(plain) - (length - given)) :])
    except _GZIP_ERROR:
        pass
    return b"".join(saved)


def _too_much(total: int, size: int, limits: Limits) -> str:
    if total > limits.plain_bytes:
        return f"larger than {limits.plain_bytes} bytes when decompressed"
    if total > limits.ratio_from_bytes and total > limits.ratio * size:
        return f"decompresses to more than {limits.ratio} times its size"
    return ""
