"""What the digests of a source say of its log files, before those are read.

Only digests are read here; the log files are hashed while they are imported. The digests and their
chains are judged by what `opentrail verify` judges them by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from opentrail.digest.chain import ReadDigest
from opentrail.digest.findings import Finding, Kind, Verdict, verdict_of
from opentrail.digest.name import DigestName, read_digest_key
from opentrail.digest.trust import Trust
from opentrail.logfile.name import LogFileName
from opentrail.ports.ledger import Proof
from opentrail.ports.objects import ObjectStore
from opentrail.workers.verification import Scope, Verification

_BREAKING = frozenset(
    {
        Kind.DIGEST_UNREADABLE,
        Kind.DIGEST_MOVED,
        Kind.DIGEST_EXTRA,
        Kind.SIGNATURE_WRONG,
        Kind.SIGNATURE_ABSENT,
        Kind.KEY_UNKNOWN,
        Kind.KEY_FOREIGN,
        Kind.KEY_NOT_VALID,
        Kind.CHAIN_FORKED,
        Kind.CHAIN_REWRITTEN,
    }
)
"""Findings about a digest itself that leave its log files unproven.

That the digest before it is another than it continues is told, and takes nothing from its own
signature.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What digests say.

    Attributes:
        listed: Hashes by log file, as sound digests tell them.
        doubtful: Log files that only unsound digests list.
    """

    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    digests: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The one word for the digests and their chains."""
        return verdict_of(self.findings)

    def proof_of(self, key: str, plain_sha256: str) -> Proof:
        """What they say of an object with these plain bytes."""
        hashes = self.listed.get(key)
        if hashes is None:
            return Proof.DIGEST_BROKEN if key in self.doubtful else Proof.UNLISTED
        return Proof.PROVEN if plain_sha256 in hashes else Proof.CHANGED


class DigestReading(Verification):
    """The digests of one listing; see `Verification`."""

    def __init__(self, store: ObjectStore, trust: Trust, scope: Scope, keys: Sequence[str]) -> None:
        super().__init__(store, trust, scope)
        names = ((key, read_digest_key(key)) for key in keys)
        self._digests = {key: name for key, name in names if name is not None}

    def read(self) -> Proofs:
        """Read and judge them."""
        with ThreadPoolExecutor(self._scope.jobs) as pool:
            chains = self._read_chains(pool, self._digests)
        for name, reads in sorted(chains.items()):
            self._check_chain(name, reads)
        if not self._digests:
            self._note(Kind.NOTHING_FOUND, self._scope.bucket or "source", "there is no digest")
        findings = tuple(one for one in self._findings if not self._is_beyond(one))
        broken = {one.subject for one in findings if one.kind in _BREAKING}
        reads = [read for chain in chains.values() for read in chain]
        listed = _hashes([read for read in reads if read.key not in broken])
        doubtful = _hashes([read for read in reads if read.key in broken])
        return Proofs(
            listed=listed,
            doubtful=frozenset(doubtful) - frozenset(listed),
            digests=len(self._digests),
            findings=findings,
        )

    def _is_beyond(self, finding: Finding) -> bool:
        """Whether it only says that the source ends before the chain: a copy may be old."""
        name = read_digest_key(finding.subject) if finding.kind is Kind.DIGEST_MISSING else None
        newest = max((one.end for one in self._digests.values()), default=None)
        return name is not None and newest is not None and name.end > newest

    def _listing(self) -> tuple[dict[str, DigestName], dict[str, LogFileName]]:
        return self._digests, {}


def _hashes(reads: Sequence[ReadDigest]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for read in reads:
        for file in read.digest.log_files:
            if file.bucket == read.bucket:
                known = found.get(file.key, ())
                if file.hash_value not in known:
                    found[file.key] = (*known, file.hash_value)
    return found
