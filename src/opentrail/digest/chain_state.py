"""Where a digest chain stands: what the next digest must continue.

One chain a trail, account and region; backfill digests are a second one beside it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

CHAIN_KIND = "chain"
"""The state documents of Chain, keyed by `chain_key`."""

HEAD_KIND = "chain_head"
"""The state documents of ChainHead, kept when the chain is closed, keyed by `chain_key`."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A digest as its successor refers to it; hash and signature in hex."""

    bucket: str
    key: str
    hash_value: str
    signature: str
    end: datetime


class PlannedDigest(msgspec.Struct, frozen=True, kw_only=True):
    """A digest whose content is fixed but which may not lie in the bucket yet.

    Its membership is kept before the object is put, so that a repeat after a crash makes the
    same bytes.

    Attributes:
        log_files: State keys of the listed log files.
    """

    start: datetime
    end: datetime
    generated: datetime
    fingerprint: str
    log_files: tuple[str, ...]
    backfill: bool


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """An open chain.

    Attributes:
        started: The start of its first digest, whole seconds.
        last: The newest digest, None before the first.
        last_backfill: The newest backfill digest, None before the first.
        planned: What is being written now.
        closing: When the chain shall end; None while it goes on.
    """

    trail_arn: str
    account_id: str
    region: str
    started: datetime
    last: Link | None = None
    last_backfill: Link | None = None
    planned: PlannedDigest | None = None
    closing: datetime | None = None

    @property
    def covered(self) -> datetime:
        """Up to when digests exist."""
        return self.started if self.last is None else self.last.end

    def next_end(self, interval: timedelta) -> datetime:
        """When the next digest ends: an interval on, or at the close."""
        regular = self.covered + interval
        return regular if self.closing is None else min(regular, self.closing)


class ChainHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the service remembers of a chain's newest digests, for verification.

    Attributes:
        first_key: The chain's starting digest.
        closed: When logging or validation ended; None while the chain is open.
        interval_seconds: Time between two digests.
        known_starts: Every starting digest the chain had: logging was started that often.
    """

    trail_arn: str
    account_id: str
    region: str
    bucket: str
    started: datetime
    first_key: str
    last: Link | None
    last_backfill: Link | None
    closed: datetime | None
    interval_seconds: float
    known_starts: tuple[str, ...] = ()


def chain_key(trail_arn: str, account_id: str, region: str) -> str:
    """The key of a chain's documents."""
    return f"{trail_arn}|{account_id}|{region}"
