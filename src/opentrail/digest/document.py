"""A digest file's document: the signed list of an hour's log files.

Source: spec: files, section 3. Members stand in the order of AWS's samples; the bytes are made
once and hashed as they are.
"""

from __future__ import annotations

import zlib

import msgspec

from opentrail.errors import IntegrityError
from opentrail.record.container import inflate

SIGNATURE_ALGORITHM = "SHA256withRSA"
HASH_ALGORITHM = "SHA-256"
MAX_DIGEST_BYTES = 64 * 1024 * 1024


class DigestUnreadable(IntegrityError):
    """Bytes that are not a digest file."""


class ListedLogFile(msgspec.Struct, frozen=True, kw_only=True):
    """A log file as a digest lists it; the hash is over its uncompressed bytes."""

    bucket: str = msgspec.field(name="s3Bucket")
    key: str = msgspec.field(name="s3Object")
    hash_value: str = msgspec.field(name="hashValue")
    hash_algorithm: str = msgspec.field(name="hashAlgorithm", default=HASH_ALGORITHM)
    newest_event_time: str | None = msgspec.field(name="newestEventTime")
    oldest_event_time: str | None = msgspec.field(name="oldestEventTime")


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """The document; times as `2026-11-24T09:00:00Z`, all five `previous…` null at a start."""

    account_id: str = msgspec.field(name="awsAccountId")
    start_time: str = msgspec.field(name="digestStartTime")
    end_time: str = msgspec.field(name="digestEndTime")
    bucket: str = msgspec.field(name="digestS3Bucket")
    key: str = msgspec.field(name="digestS3Object")
    fingerprint: str = msgspec.field(name="digestPublicKeyFingerprint")
    signature_algorithm: str = msgspec.field(name="digestSignatureAlgorithm")
    newest_event_time: str | None = msgspec.field(name="newestEventTime")
    oldest_event_time: str | None = msgspec.field(name="oldestEventTime")
    previous_bucket: str | None = msgspec.field(name="previousDigestS3Bucket")
    previous_key: str | None = msgspec.field(name="previousDigestS3Object")
    previous_hash: str | None = msgspec.field(name="previousDigestHashValue")
    previous_hash_algorithm: str | None = msgspec.field(name="previousDigestHashAlgorithm")
    previous_signature: str | None = msgspec.field(name="previousDigestSignature")
    log_files: tuple[ListedLogFile, ...] = msgspec.field(name="logFiles")


def write_digest(digest: Digest) -> bytes:
    """The document's bytes, before compression."""
    return msgspec.json.encode(digest)


def compress(plain: bytes) -> bytes:
    """One gzip member without a time, the same for the same bytes."""
    maker = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return maker.compress(plain) + maker.flush()


def read_digest(content: bytes) -> tuple[Digest, bytes]:
    """The document in a digest file's bytes, and those bytes before compression.

    Raises:
        DigestUnreadable: no single gzip member, no JSON, or a member is missing.
    """
    try:
        plain = inflate(content, MAX_DIGEST_BYTES)
        return msgspec.json.decode(plain, type=Digest), plain
    except (IntegrityError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise DigestUnreadable(f"not a digest file: {cause}") from cause
