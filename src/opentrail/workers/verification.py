"""A bucket or a copied directory, verified: all digests, all chains, all log files.

(1) list everything once, (2) read the digests and check each, (3) check the chains, and against
what is known from outside, (4) check every listed log file, in parallel, (5) name what no digest
lists. What could not be read makes the result uncertain, never valid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from opentrail.digest.chain import ReadDigest, check_against_head, check_one, check_row
from opentrail.digest.chain_state import ChainHead, Link
from opentrail.digest.document import DigestUnreadable, ListedLogFile, read_digest
from opentrail.digest.findings import Finding, Kind, verdict_of
from opentrail.digest.name import DigestName, read_digest_key
from opentrail.digest.report import ChainName, Report, chain_title, head_of, intervals_of
from opentrail.digest.signing import BACKFILL_METADATA, SIGNATURE_METADATA
from opentrail.digest.trust import Trust
from opentrail.errors import Unavailable
from opentrail.logfile.name import LogFileName, read_log_file_key
from opentrail.ports.objects import ObjectNotFound, ObjectStore
from opentrail.record.container import ContainerUnreadable, plain_sha256

Progress = Callable[[int, int], None]
"""Done and total, of digests and log files together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to verify.

    Attributes:
        bucket: The bucket's name as digests say it; "" takes it from the digests (a directory).
        trail: Only this trail; "" takes all.
        start: Digests that end at or before it are passed over; None takes all.
        end: Digests that start at or after it are passed over; None takes all.
        until: Up to when there must be digests; now, unless the evidence is older.
        metadata: Objects should have their signatures with them; a plain copy has not.
    """

    bucket: str
    prefix: str = ""
    trail: str = ""
    start: datetime | None = None
    end: datetime | None = None
    until: datetime
    metadata: bool = True
    jobs: int = 8


class Verification:
    """One run over one store.

    `still_waiting` tells the log files that are delivered and not digested yet.
    """

    def __init__(
        self,
        store: ObjectStore,
        trust: Trust,
        scope: Scope,
        *,
        progress: Progress | None = None,
        still_waiting: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._store = store
        self._trust = trust
        self._scope = scope
        self._progress = progress
        self._still_waiting = still_waiting
        self._findings: list[Finding] = []
        self._bytes = 0
        self._done = 0
        self._total = 0

    def run(self) -> Report:
        """Verify everything in the scope."""
        digests, files = self._listing()
        self._total = len(digests)
        with ThreadPoolExecutor(self._scope.jobs) as pool:
            chains = self._read_chains(pool, digests)
            for name, reads in sorted(chains.items()):
                self._check_chain(name, reads)
            self._check_absent(chains)
            listed = self._listed(chains)
            self._total += len(listed)
            self._check_files(pool, listed)
        self._check_extra(files, listed, chains)
        if not digests:
            self._note(
                Kind.NOTHING_FOUND, self._scope.bucket or "directory", "there is no digest file"
            )
        findings = tuple(self._findings)
        return Report(
            verdict=verdict_of(findings),
            anchored=bool(self._trust.heads),
            digests=len(digests),
            log_files=len(listed),
            log_file_bytes=self._bytes,
            intervals=intervals_of(chains, findings),
            findings=findings,
            heads=tuple(
                head_of(name, reads, self._trust) for name, reads in sorted(chains.items())
            ),
        )

    # Listing and reading

    def _listing(self) -> tuple[dict[str, DigestName], dict[str, LogFileName]]:
        digests: dict[str, DigestName] = {}
        files: dict[str, LogFileName] = {}
        prefix = f"{self._scope.prefix}/AWSLogs/" if self._scope.prefix else ""
        try:
            for one in self._store.list(self._scope.bucket, prefix):
                digest = read_digest_key(one.key)
                if digest is not None:
                    if self._scope.trail in ("", digest.trail) and self._in_scope(digest):
                        digests[one.key] = digest
                elif (file := read_log_file_key(one.key)) is not None:
                    files[one.key] = file
        except Unavailable as problem:
            self._note(Kind.STORE_UNAVAILABLE, self._scope.bucket, str(problem))
        return digests, files

    def _in_scope(self, name: DigestName) -> bool:
        scope = self._scope
        longest = timedelta(hours=1)
        return not (
            (scope.start is not None and name.end <= scope.start)
            or (scope.end is not None and name.end - longest >= scope.end)
        )

    def _read_chains(
        self, pool: ThreadPoolExecutor, names: dict[str, DigestName]
    ) -> dict[ChainName, list[ReadDigest]]:
        reads = [one for one in pool.map(self._read, names.items()) if one is not None]
        learned = self._learned_signatures(reads)
        chains: dict[ChainName, list[ReadDigest]] = defaultdict(list)
        for read in reads:
            name = read.name
            chain = chains[name.prefix, name.trail, name.account_id, name.region]
            if read.signature or read.key not in learned:
                chain.append(read)
                continue
            chain.append(_signed(read, learned[read.key]))
            if self._scope.metadata:
                self._note(
                    Kind.SIGNATURE_LOST, read.key, "its metadata is gone; the digest behind has it"
                )
        for chain in chains.values():
            chain.sort(key=lambda read: (read.name.end, read.name.backfill))
        return chains

    def _read(self, item: tuple[str, DigestName]) -> ReadDigest | None:
        key, name = item
        try:
            content = self._store.get(self._scope.bucket, key)
            digest, plain = read_digest(content.body)
        except ObjectNotFound:
            self._note(Kind.DIGEST_MISSING, key, "it was listed and is gone")
            return None
        except Unavailable as problem:
            self._note(Kind.STORE_UNAVAILABLE, key, str(problem))
            return None
        except DigestUnreadable as problem:
            self._note(Kind.DIGEST_UNREADABLE, key, str(problem))
            return None
        finally:
            self._advance()
        return ReadDigest(
            name=name,
            bucket=self._scope.bucket or digest.bucket,
            key=key,
            digest=digest,
            plain=plain,
            signature=content.metadata.get(SIGNATURE_METADATA, ""),
            generated=_generated(content.metadata.get(BACKFILL_METADATA), backfill=name.backfill),
        )

    def _learned_signatures(self, reads: Sequence[ReadDigest]) -> dict[str, str]:
        """A copy without metadata: each digest's successor, and the trust, know its signature."""
        learned = {
            read.digest.previous_key: read.digest.previous_signature
            for read in reads
            if read.digest.previous_key and read.digest.previous_signature
        }
        for head in self._trust.heads:
            for link in (head.last, head.last_backfill):
                if link is not None:
                    learned.setdefault(link.key, link.signature)
        return learned

    # Checks

    def _check_chain(self, name: ChainName, reads: Sequence[ReadDigest]) -> None:
        for read in reads:
            self._findings += check_one(read, self._trust)
        regular = [read for read in reads if not read.name.backfill]
        backfill = [read for read in reads if read.name.backfill]
        _, trail, account, region = name
        chain = chain_title(name)
        head = self._trust.head(trail, account, region)
        found = [*check_row(regular), *check_row(backfill)]
        if self._scope.start is not None:
            found = _less_the_first(found, regular, backfill)
        self._findings += _less_explained(found, regular, head)
        for known in (head, *self._trust.visited):
            place = known and (known.trail_arn.rpartition("/")[2], known.account_id, known.region)
            if known is not None and place == name[1:]:
                self._findings += check_against_head(reads, self._in_range(known), chain)
        self._check_tail(chain, regular, head)

    def _in_range(self, head: ChainHead) -> ChainHead:
        """Of what is known of a chain, what the range lets expect."""
        start, end = self._scope.start, self._scope.end

        def kept(link: Link | None) -> Link | None:
            outside = link is None or (
                (start is not None and link.end <= start) or (end is not None and link.end > end)
            )
            return None if outside else link

        return msgspec.structs.replace(
            head,
            first_key=head.first_key if start is None else "",
            last=kept(head.last),
            last_backfill=kept(head.last_backfill),
        )

    def _check_tail(
        self, chain: str, regular: Sequence[ReadDigest], head: ChainHead | None
    ) -> None:
        """A chain that ends long before now was shortened, or nobody digests any more."""
        if not regular or (head is not None and head.closed is not None):
            return
        last = regular[-1]
        length = max(last.name.end - last.start, timedelta(seconds=1))
        until = min(self._scope.end or self._scope.until, self._scope.until)
        if until - last.name.end > 2 * length + timedelta(minutes=5):
            self._note(
                Kind.CHAIN_SHORT,
                last.key,
                f"the newest digest of {chain} ends at {last.name.end:%Y-%m-%dT%H:%M:%SZ}, "
                f"{until - last.name.end} before the end of the range",
            )

    def _check_absent(self, chains: Iterable[ChainName]) -> None:
        """Chains that are known from outside and have nothing in the bucket."""
        present = {(trail, account, region) for _, trail, account, region in chains}
        for head in self._trust.heads:
            trail = head.trail_arn.rpartition("/")[2]
            expected = head.last is not None and head.bucket in (
                "",
                self._scope.bucket or head.bucket,
            )
            if self._scope.trail not in ("", trail) or not expected:
                continue
            if (trail, head.account_id, head.region) not in present:
                self._note(
                    Kind.CHAIN_ABSENT,
                    f"{trail} {head.account_id} {head.region}",
                    "digests of this chain were delivered and none is there",
                )

    def _listed(
        self, chains: dict[ChainName, list[ReadDigest]]
    ) -> dict[str, tuple[ListedLogFile, str]]:
        """Log files by key, with the digest that lists them; only of this bucket."""
        found: dict[str, tuple[ListedLogFile, str]] = {}
        for name, reads in chains.items():
            seen: set[str] = set()
            for read in reads:
                for file in read.digest.log_files:
                    if file.bucket != read.bucket:
                        continue
                    if file.key in seen:
                        self._note(
                            Kind.LOG_FILE_TWICE, file.key, f"two digests of {name[1]} list it"
                        )
                    seen.add(file.key)
                    found[file.key] = (file, read.key)
        return found

    def _check_files(
        self, pool: ThreadPoolExecutor, listed: dict[str, tuple[ListedLogFile, str]]
    ) -> None:
        for finding, length in pool.map(self._check_file, listed.values(), chunksize=16):
            self._bytes += length
            if finding is not None:
                self._findings.append(finding)

    def _check_file(self, item: tuple[ListedLogFile, str]) -> tuple[Finding | None, int]:
        file, digest = item
        try:
            content = self._store.get(self._scope.bucket or file.bucket, file.key)
            found, length = plain_sha256(content.body)
        except ObjectNotFound:
            return _of(Kind.LOG_FILE_MISSING, file.key, f"{digest} lists it"), 0
        except Unavailable as problem:
            return _of(Kind.STORE_UNAVAILABLE, file.key, str(problem)), 0
        except ContainerUnreadable as problem:
            return _of(Kind.LOG_FILE_UNREADABLE, file.key, str(problem)), 0
        finally:
            self._advance()
        if found != file.hash_value:
            detail = f"sha256 differs: expected {file.hash_value[:16]}…, found {found[:16]}…"
            return _of(Kind.LOG_FILE_CHANGED, file.key, detail), length
        return None, length

    def _check_extra(
        self,
        files: dict[str, LogFileName],
        listed: dict[str, tuple[ListedLogFile, str]],
        chains: dict[ChainName, list[ReadDigest]],
    ) -> None:
        """Log files that a reader of the bucket would take in and that no digest names.

        In a range, those between the first and the last digest of it.
        """
        if self._scope.trail:
            return
        # Asked after the listing too: a file may have been delivered in between.
        waiting = {*self._trust.undigested, *self._still_waiting()}
        spans: dict[tuple[str, str, str], tuple[datetime, datetime]] = {}
        for (prefix, _, account, region), reads in chains.items():
            place = (prefix, account, region)
            first, last = reads[0].start, reads[-1].name.end
            known = spans.get(place, (first, last))
            spans[place] = (min(known[0], first), max(known[1], last))
        for key, name in files.items():
            if key in listed or key in waiting:
                continue
            span = spans.get((name.prefix, name.account_id, name.region))
            if span is None and (self._scope.start or self._scope.end):
                continue
            # Files of the interval under way are digested when it ends; names tell minutes only.
            if span is not None and name.minute + timedelta(minutes=1) > span[1]:
                continue
            if span is not None and self._scope.start is not None and name.minute < span[0]:
                continue
            self._note(Kind.LOG_FILE_EXTRA, key, "no digest lists it")

    # Results

    def _note(self, kind: Kind, subject: str, detail: str) -> None:
        self._findings.append(_of(kind, subject, detail))

    def _advance(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _of(kind: Kind, subject: str, detail: str) -> Finding:
    return Finding(kind=kind, subject=subject, detail=detail)


def _signed(read: ReadDigest, signature: str) -> ReadDigest:
    return ReadDigest(
        name=read.name,
        bucket=read.bucket,
        key=read.key,
        digest=read.digest,
        plain=read.plain,
        signature=signature,
        generated=read.generated,
    )


def _generated(text: str | None, *, backfill: bool) -> datetime | None:
    if not backfill or not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def _less_the_first(found: Sequence[Finding], *rows: Sequence[ReadDigest]) -> list[Finding]:
    """Without the complaint that the digest before the range's first one is not there."""
    firsts = {row[0].key for row in rows if row}
    return [one for one in found if not (one.kind is Kind.DIGEST_MISSING and one.subject in firsts)]


def _less_explained(
    found: Sequence[Finding], regular: Sequence[ReadDigest], head: ChainHead | None
) -> list[Finding]:
    """Without restarts that the trust knows of: the chain it knows began with that digest."""
    if head is None or not regular:
        return list(found)
    return [
        one
        for one in found
        if not (one.kind is Kind.CHAIN_RESTARTED and one.subject in head.known_starts)
    ]
