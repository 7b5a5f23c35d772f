"""The container of records and digests: strictly one gzip member, nothing after it, no bomb.

Source: spec: files, sections 2 and 6.3. A second member would be read by some programs and not by
others, so an object with one is neither a log file nor a digest file.
"""

from __future__ import annotations

import hashlib
from typing import cast

from isal import isal_zlib

from opentrail.errors import IntegrityError

# The library's stubs call the class an instance.
_GZIP_ERROR = cast("type[Exception]", isal_zlib.IsalError)

MAX_PLAIN_BYTES = 64 * 1024 * 1024
"""AWS writes at most 50 MB before compression; a file of one large record may be a little more."""


class ContainerUnreadable(IntegrityError):
    """Bytes that are not one gzip member of an allowed size."""


def inflate(content: bytes, limit_bytes: int = MAX_PLAIN_BYTES) -> bytes:
    """The bytes before compression.

    Raises:
        ContainerUnreadable: not gzip, cut short, something behind it, or larger than the limit.
    """
    reader = isal_zlib.decompressobj(isal_zlib.MAX_WBITS | 16)
    try:
        plain: bytes = reader.decompress(content, limit_bytes)
    except _GZIP_ERROR as cause:
        raise ContainerUnreadable(f"not gzip: {cause}") from cause
    if not reader.eof:
        why = "larger than allowed" if reader.unconsumed_tail else "cut short"
        raise ContainerUnreadable(f"the gzip member is {why}")
    if reader.unused_data:
        raise ContainerUnreadable("there are bytes behind the gzip member")
    return plain


def plain_sha256(content: bytes) -> tuple[str, int]:
    """Lower-case hex over the bytes before compression, and how many they are.

    Raises:
        ContainerUnreadable: as `inflate`.
    """
    plain = inflate(content)
    return hashlib.sha256(plain).hexdigest(), len(plain)
