"""What a verification found, and the one word for it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """The one word; the worst finding decides."""

    VALID = "VALID"
    INVALID = "INVALID"
    INCOMPLETE = "INCOMPLETE"
    UNVERIFIABLE = "UNVERIFIABLE"


class Kind(StrEnum):
    """What can be found."""

    LOG_FILE_CHANGED = "log-file-changed"
    LOG_FILE_MISSING = "log-file-missing"
    LOG_FILE_UNREADABLE = "log-file-unreadable"
    LOG_FILE_EXTRA = "log-file-extra"
    LOG_FILE_TWICE = "log-file-twice"
    DIGEST_UNREADABLE = "digest-unreadable"
    DIGEST_MOVED = "digest-moved"
    DIGEST_MISSING = "digest-missing"
    DIGEST_EXTRA = "digest-extra"
    SIGNATURE_WRONG = "signature-wrong"
    SIGNATURE_ABSENT = "signature-absent"
    SIGNATURE_LOST = "signature-metadata-lost"
    KEY_UNKNOWN = "key-unknown"
    KEY_FOREIGN = "key-not-listed"
    KEY_NOT_VALID = "key-not-valid-then"
    CHAIN_BROKEN = "chain-broken"
    CHAIN_FORKED = "chain-forked"
    CHAIN_RESTARTED = "chain-restarted"
    CHAIN_OVERLAPS = "chain-overlaps"
    CHAIN_GAP = "chain-gap"
    CHAIN_SHORT = "chain-short"
    CHAIN_REWRITTEN = "chain-rewritten"
    CHAIN_ABSENT = "chain-absent"
    TIME_WRONG = "event-times-wrong"
    STORE_UNAVAILABLE = "store-unavailable"
    NOTHING_FOUND = "nothing-found"


_INCOMPLETE = frozenset(
    {Kind.CHAIN_GAP, Kind.CHAIN_SHORT, Kind.CHAIN_RESTARTED, Kind.SIGNATURE_LOST}
)
_UNVERIFIABLE = frozenset(
    {Kind.SIGNATURE_ABSENT, Kind.KEY_UNKNOWN, Kind.STORE_UNAVAILABLE, Kind.NOTHING_FOUND}
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be.

    Attributes:
        subject: The object's key, or the chain's name.
        detail: What was found and what was expected.
    """

    kind: Kind
    subject: str
    detail: str

    @property
    def verdict(self) -> Verdict:
        """What this finding alone makes of the whole."""
        if self.kind in _INCOMPLETE:
            return Verdict.INCOMPLETE
        if self.kind in _UNVERIFIABLE:
            return Verdict.UNVERIFIABLE
        return Verdict.INVALID


EXIT_CODES = {
    Verdict.VALID: 0,
    Verdict.INVALID: 1,
    Verdict.INCOMPLETE: 1,
    Verdict.UNVERIFIABLE: 3,
}

_ORDER = (Verdict.INVALID, Verdict.INCOMPLETE, Verdict.UNVERIFIABLE)


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The worst of the findings' verdicts; VALID when there are none."""
    kinds = {finding.verdict for finding in findings}
    return next((verdict for verdict in _ORDER if verdict in kinds), Verdict.VALID)
