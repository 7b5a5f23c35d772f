"""The container of records and digests: strictly one gzip member, nothing after it, no bomb.

Source: spec: files, sections 2 and 6.3. A second member would be read by some programs and not by
others, so an object with one is neither a log file nor a digest file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import cast

from isal import isal_zlib

from opentrail.errors import IntegrityError

# The library's stubs call the class an instance.
_GZIP_ERROR = cast("type[Exception]", isal_zlib.IsalError)

PIECE_BYTES = 256 * 1024

MAX_PLAIN_BYTES = 64 * 1024 * 1024
"""AWS writes at most 50 MB before compression; a file of one large record may be a little more."""


class ContainerUnreadable(IntegrityError):
    """Bytes that are not one gzip member of an allowed size."""


def inflate(content: bytes, limit_bytes: int = MAX_PLAIN_BYTES) -> bytes:
    """The bytes before compression.

    Raises:
        ContainerUnreadable: not gzip, cut short, something behind it, or larger than the limit.
    """
    return b"".join(_pieces(content, limit_bytes))


def plain_sha256(content: bytes, limit_bytes: int = MAX_PLAIN_BYTES) -> tuple[str, int]:
    """Lower-case hex over the bytes before compression, and how many they are.

    Raises:
        ContainerUnreadable: as `inflate`.
    """
    digest = hashlib.sha256()
    length = 0
    for piece in _pieces(content, limit_bytes):
        digest.update(piece)
        length += len(piece)
    return digest.hexdigest(), length


def _pieces(content: bytes, limit_bytes: int) -> Iterator[bytes]:
    """The plain bytes, piece by piece: small pieces stay in the processor's cache."""
    reader = isal_zlib.decompressobj(isal_zlib.MAX_WBITS | 16)
    length = 0
    rest = content
    while not reader.eof:
        try:
            piece: bytes = reader.decompress(rest, PIECE_BYTES)
        except _GZIP_ERROR as cause:
            raise ContainerUnreadable(f"not gzip: {cause}") from cause
        rest = reader.unconsumed_tail
        length += len(piece)
        if length > limit_bytes:
            raise ContainerUnreadable(
                f"the gzip member is larger than {limit_bytes} bytes when read"
            )
        if not piece and not rest and not reader.eof:
            raise ContainerUnreadable("the gzip member is cut short")
        yield piece
    if reader.unused_data:
        raise ContainerUnreadable("there are bytes behind the gzip member")
