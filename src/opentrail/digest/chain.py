"""Checks on the digests of one chain, each and in a row.

The AWS command checks the form of each digest, its place, its signature and its log files; this
checks the five links to the digest before, contiguity, key validity and event times too (spec:
files, section 6; design: trust, section 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opentrail.clock import parse_iso_seconds
from opentrail.digest.chain_state import ChainHead
from opentrail.digest.document import HASH_ALGORITHM, SIGNATURE_ALGORITHM, Digest
from opentrail.digest.findings import Finding, Kind
from opentrail.digest.name import DigestName
from opentrail.digest.signing import signature_is_valid, string_to_sign
from opentrail.digest.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDigest:
    """A digest file as it lies in the bucket.

    Attributes:
        plain: The document's exact bytes.
        signature: Hex from the object's metadata, or learned elsewhere; "" if nowhere.
        generated: A backfill digest's time of generation, None for others.
    """

    name: DigestName
    bucket: str
    key: str
    digest: Digest
    plain: bytes
    signature: str
    generated: datetime | None

    @property
    def hash_value(self) -> str:
        """Lower-case hex over the document's bytes."""
        return hashlib.sha256(self.plain).hexdigest()

    @property
    def start(self) -> datetime:
        """`digestStartTime`."""
        return parse_iso_seconds(self.digest.start_time)


def check_one(read: ReadDigest, trust: Trust) -> Iterator[Finding]:
    """What is wrong with a digest by itself: its place, its times, its key, its signature."""
    digest = read.digest
    if (digest.bucket, digest.key) != (read.bucket, read.key):
        yield _found(
            Kind.DIGEST_MOVED, read, f"it says it lies at s3://{digest.bucket}/{digest.key}"
        )
        return
    yield from _check_members(read)
    key = trust.key(digest.fingerprint)
    if key is None:
        kind = Kind.KEY_FOREIGN if trust.keys else Kind.KEY_UNKNOWN
        yield _found(kind, read, f"no known public key has fingerprint {digest.fingerprint}")
        return
    when = read.generated or read.name.end
    # A digest delivered late is signed with a key of its delivery's time.
    if when < key.valid_from:
        yield _found(
            Kind.KEY_NOT_VALID,
            read,
            f"its key was valid only from {key.valid_from:%Y-%m-%dT%H:%MZ}",
        )
    if not read.signature:
        yield _found(Kind.SIGNATURE_ABSENT, read, "the copy lost its signature; copy with metadata")
    elif not signature_is_valid(key.value, read.signature, _message(read)):
        yield _found(Kind.SIGNATURE_WRONG, read, "the signature does not fit its bytes")


def _check_members(read: ReadDigest) -> Iterator[Finding]:
    digest = read.digest
    if digest.signature_algorithm != SIGNATURE_ALGORITHM:
        yield _found(Kind.SIGNATURE_WRONG, read, f"algorithm {digest.signature_algorithm}")
    try:
        start, end = read.start, parse_iso_seconds(digest.end_time)
    except ValueError as problem:
        yield _found(Kind.DIGEST_UNREADABLE, read, str(problem))
        return
    if end != read.name.end or start >= end:
        yield _found(
            Kind.DIGEST_MOVED, read, f"its name says {read.name.end}, its document {start} to {end}"
        )
    if (digest.account_id, len({*_oldest(digest)})) != (read.name.account_id, 1):
        yield _found(Kind.TIME_WRONG, read, "account or oldestEventTime contradict its log files")
    for file in digest.log_files:
        if file.hash_algorithm != HASH_ALGORITHM:
            yield _found(Kind.SIGNATURE_WRONG, read, f"hash algorithm {file.hash_algorithm}")


def _oldest(digest: Digest) -> tuple[str | None, str | None]:
    times = [file.oldest_event_time for file in digest.log_files if file.oldest_event_time]
    return digest.oldest_event_time, min(times, default=None)


def check_row(reads: Sequence[ReadDigest]) -> Iterator[Finding]:
    """What is wrong between the digests of one chain, given in order of their end."""
    by_key = {read.key: read for read in reads}
    children: dict[str, str] = {}
    for read, before in zip(reads, (None, *reads), strict=False):
        parent = read.digest.previous_key
        if parent is None:
            if before is not None:
                yield from _restart(read, before)
            continue
        if parent in children:
            yield _found(
                Kind.CHAIN_FORKED, read, f"{children[parent]} continues the same digest {parent}"
            )
        children[parent] = read.key
        known = by_key.get(parent)
        if known is None:
            yield _found(Kind.DIGEST_MISSING, read, f"the digest before it, {parent}, is missing")
        else:
            yield from _link(read, known)
        if before is not None and before.key != parent and known is not None:
            yield _found(Kind.DIGEST_EXTRA, before, "no digest continues it, but one skips it")


def _restart(read: ReadDigest, before: ReadDigest) -> Iterator[Finding]:
    if read.start < before.name.end:
        yield _found(
            Kind.CHAIN_OVERLAPS, read, f"it starts at {read.start}, before {before.key} ends"
        )
    elif not read.name.backfill:
        yield _found(
            Kind.CHAIN_RESTARTED,
            read,
            f"a new chain starts after {before.name.end:%Y-%m-%dT%H:%M:%SZ}: logging or validation "
            "was off, or digests were removed",
        )


def _link(read: ReadDigest, parent: ReadDigest) -> Iterator[Finding]:
    digest = read.digest
    if digest.previous_bucket != parent.bucket or digest.previous_hash != parent.hash_value:
        yield _found(
            Kind.CHAIN_BROKEN, read, f"{parent.key} is not the digest it continues (hash differs)"
        )
    elif parent.signature and digest.previous_signature != parent.signature:
        yield _found(
            Kind.CHAIN_BROKEN, read, f"{parent.key} has another signature than it was given"
        )
    if read.name.backfill:
        return
    gap = read.start - parent.name.end
    if gap < timedelta(0):
        yield _found(
            Kind.CHAIN_OVERLAPS, read, f"it starts {-gap} before the digest it continues ends"
        )
    elif gap:
        yield _found(Kind.CHAIN_GAP, read, f"{gap} between it and the digest it continues")


def check_against_head(
    reads: Sequence[ReadDigest], head: ChainHead, chain: str
) -> Iterator[Finding]:
    """What is wrong with a chain for somebody who knows where it stood."""
    by_key = {read.key: read for read in reads}
    if head.first_key and head.first_key not in by_key:
        yield Finding(
            kind=Kind.DIGEST_MISSING,
            subject=head.first_key,
            detail=f"the first digest of {chain} is missing",
        )
    for link in (head.last, head.last_backfill):
        if link is None:
            continue
        known = by_key.get(link.key)
        if known is None:
            yield Finding(
                kind=Kind.DIGEST_MISSING,
                subject=link.key,
                detail=f"the digest that {chain} had reached is missing",
            )
        elif known.hash_value != link.hash_value or (
            known.signature and known.signature != link.signature
        ):
            yield Finding(
                kind=Kind.CHAIN_REWRITTEN,
                subject=link.key,
                detail=f"{chain} had reached another digest under this name: it was rewritten",
            )


def _message(read: ReadDigest) -> bytes:
    return string_to_sign(
        end_time=read.digest.end_time,
        bucket=read.bucket,
        key=read.key,
        plain=read.plain,
        previous_signature=read.digest.previous_signature,
    )


def _found(kind: Kind, read: ReadDigest, detail: str) -> Finding:
    return Finding(kind=kind, subject=read.key, detail=detail)
