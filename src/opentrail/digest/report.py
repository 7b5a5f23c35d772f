"""What a verification says: one word, the spans of time, the findings, and where chains stand.

The verdict's rules are in `digest.findings`; the JSON of a `Report` is stable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from opentrail.digest.chain import ReadDigest
from opentrail.digest.chain_state import ChainHead, Link
from opentrail.digest.findings import Finding, Verdict
from opentrail.digest.trust import Trust

ChainName = tuple[str, str, str, str]
"""Prefix, trail, account, region."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a chain: `proven`, `broken`, `not-logging` or `unverifiable`."""

    chain: str
    state: str
    start: datetime
    end: datetime


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result; its JSON is stable (`format` 1).

    Attributes:
        anchored: Chains were compared with what is known outside the bucket.
        heads: Where the chains stand now, to be remembered.
    """

    format: int = 1
    verdict: Verdict
    anchored: bool
    digests: int
    log_files: int
    log_file_bytes: int
    intervals: tuple[Interval, ...]
    findings: tuple[Finding, ...]
    heads: tuple[ChainHead, ...] = ()


def intervals_of(
    chains: Mapping[ChainName, Sequence[ReadDigest]], findings: Iterable[Finding]
) -> tuple[Interval, ...]:
    """The spans of every chain, neighbours of one state joined, in the chains' order."""
    bad: set[str] = set()
    doubtful: set[str] = set()
    for finding in findings:
        if finding.verdict is Verdict.INVALID:
            bad.add(finding.subject)
        elif finding.verdict is Verdict.UNVERIFIABLE:
            doubtful.add(finding.subject)
    found: list[Interval] = []
    for name, reads in sorted(chains.items()):
        regular = [read for read in reads if not read.name.backfill]
        for read, before in zip(regular, (None, *regular), strict=False):
            if before is not None and before.name.end < read.start:
                found.append(_interval(name, "not-logging", before.name.end, read.start))
            subjects = {read.key, *(file.key for file in read.digest.log_files)}
            state = (
                "broken" if subjects & bad else "unverifiable" if subjects & doubtful else "proven"
            )
            found.append(_interval(name, state, read.start, read.name.end))
    return tuple(_joined(found))


def chain_title(name: ChainName) -> str:
    """A chain as people read it."""
    _, trail, account, region = name
    return f"{trail} {account} {region}"


def head_of(name: ChainName, reads: Sequence[ReadDigest], trust: Trust) -> ChainHead:
    """Where a chain stands, to be remembered."""
    _, trail, account, region = name
    regular = [read for read in reads if not read.name.backfill]
    backfill = [read for read in reads if read.name.backfill]
    known = trust.head(trail, account, region)
    starts = [read for read in regular if read.digest.previous_key is None]
    first = (starts or regular or backfill)[-1]
    newest = (regular or backfill)[-1]
    return ChainHead(
        trail_arn=f"arn:aws:cloudtrail:{newest.name.home_region}:{account}:trail/{trail}",
        account_id=account,
        region=region,
        bucket=newest.bucket,
        started=first.start,
        first_key=first.key,
        last=_link(regular[-1]) if regular else None,
        last_backfill=_link(backfill[-1]) if backfill else None,
        closed=known.closed if known is not None else None,
        interval_seconds=(newest.name.end - newest.start).total_seconds(),
        known_starts=tuple(read.key for read in starts),
    )


def _link(read: ReadDigest) -> Link:
    return Link(
        bucket=read.bucket,
        key=read.key,
        hash_value=read.hash_value,
        signature=read.signature,
        end=read.name.end,
    )


def _interval(name: ChainName, state: str, start: datetime, end: datetime) -> Interval:
    return Interval(chain=chain_title(name), state=state, start=start, end=end)


def _joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Neighbours of the same chain and state as one."""
    found: list[Interval] = []
    for one in intervals:
        last = found[-1] if found else None
        if last and (last.chain, last.state, last.end) == (one.chain, one.state, one.start):
            found[-1] = msgspec.structs.replace(last, end=one.end)
        else:
            found.append(one)
    return found
