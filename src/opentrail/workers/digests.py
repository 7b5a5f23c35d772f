"""An interval's log files to a signed digest file.

The walk of one digest: (1) fix what it lists and keep that, (2) make, sign and put it, (3) in one
step move the chain on, forget the listed files and tell the trail's status. A crash after (1)
makes the same bytes again: the signature has no randomness and the content depends on (1) alone.

Missed digests are made in order, one an interval, empty ones too. A log file whose interval was
already signed goes into a backfill digest (spec: files, section 4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock, iso_seconds
from opentrail.digest.chain_state import (
    CHAIN_KIND,
    HEAD_KIND,
    Chain,
    ChainHead,
    Link,
    PlannedDigest,
    chain_key,
)
from opentrail.digest.document import (
    HASH_ALGORITHM,
    SIGNATURE_ALGORITHM,
    Digest,
    ListedLogFile,
    compress,
    write_digest,
)
from opentrail.digest.name import DigestName, digest_key
from opentrail.digest.signing import (
    ALGORITHM_METADATA,
    BACKFILL_METADATA,
    SIGNATURE_METADATA,
    string_to_sign,
)
from opentrail.errors import Unavailable
from opentrail.logfile.delivered import DELIVERED_KIND, DeliveredLogFile, delivered_prefix
from opentrail.logfile.outgoing import OUTGOING_KIND, OutgoingLogFile, outgoing_prefix
from opentrail.ports.objects import ObjectContent, ObjectStore
from opentrail.ports.signers import Signer
from opentrail.ports.state import Change, Document, StateStore
from opentrail.trail.timeline import TIMELINE_KIND, Timeline
from opentrail.trail.trail import TRAIL_KIND, Trail
from opentrail.workers.status import apply_with_status

LATE_FILES_EVERY = timedelta(seconds=5)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """How digests are made.

    Attributes:
        interval: Time between two digests of a chain; whole seconds.
    """

    interval: timedelta = timedelta(hours=1)

    @property
    def patience(self) -> timedelta:
        """How long a digest waits for log files of its interval that are still on their way."""
        return min(self.interval / 20, timedelta(seconds=60))


class DigestWorker:
    """Writes the digests that are due."""

    def __init__(
        self,
        *,
        state: StateStore,
        store: ObjectStore,
        signer: Signer,
        clock: Clock,
        settings: DigestSettings,
    ) -> None:
        self._state = state
        self._store = store
        self._signer = signer
        self._clock = clock
        self._settings = settings
        self._looked: dict[str, datetime] = {}

    def step(self) -> int:
        """Write every digest that is due; how many were written."""
        return sum(self._chain(document) for document in self._state.list(CHAIN_KIND))

    def _chain(self, document: Document) -> int:
        written = 0
        current: Document | None = document
        while current is not None:
            chain = msgspec.json.decode(current.body, type=Chain)
            if chain.planned is None and not self._plan(current, chain):
                return written
            current = self._state.get(CHAIN_KIND, current.key)
            if current is None:
                return written
            chain = msgspec.json.decode(current.body, type=Chain)
            if chain.planned is None:
                continue
            try:
                self._write(current, chain, chain.planned)
            except Unavailable as problem:
                self._failed(chain, problem)
                return written
            written += 1
            current = self._state.get(CHAIN_KIND, document.key)
        return written

    # Planning, step 1 of the walk

    def _plan(self, document: Document, chain: Chain) -> bool:
        """Keep what the next digest lists, or end the chain; False when nothing is due."""
        now = self._clock.now()
        end = chain.next_end(self._settings.interval)
        over = chain.closing is not None and chain.covered >= chain.closing
        if now < end and not over and not self._looks_for_late(document.key, now):
            return False
        files = self._delivered(chain)
        if self._backfill_is_due(chain, files):
            assert chain.last is not None
            late = [file for file in files if file.closed < chain.last.end]
            start = min(file.closed for file in late).replace(microsecond=0)
            return self._keep(document, chain, late, start, chain.last.end, backfill=True)
        if over:
            head = self._head(chain, closed=chain.closing)
            self._state.apply(
                [Change(CHAIN_KIND, document.key, None, expected=document.version), head]
            )
            return False
        if now < end or (self._on_its_way(chain, end) and now < end + self._settings.patience):
            return False
        listed = [file for file in files if chain.covered <= file.closed < end]
        return self._keep(document, chain, listed, chain.covered, end, backfill=False)

    def _looks_for_late(self, chain: str, now: datetime) -> bool:
        """Whether it is time to look for late files; between digests there may be thousands."""
        last = self._looked.get(chain)
        if last is not None and timedelta(0) <= now - last < LATE_FILES_EVERY:
            return False
        self._looked[chain] = now
        return True

    def _backfill_is_due(self, chain: Chain, files: Sequence[DeliveredLogFile]) -> bool:
        if chain.last is None or not any(file.closed < chain.last.end for file in files):
            return False
        return chain.last_backfill is None or chain.last_backfill.end < chain.last.end

    def _keep(
        self,
        document: Document,
        chain: Chain,
        files: Sequence[DeliveredLogFile],
        start: datetime,
        end: datetime,
        *,
        backfill: bool,
    ) -> bool:
        now = self._clock.now()
        home = self._target(chain).home_region
        planned = PlannedDigest(
            start=start,
            end=end,
            generated=now,
            fingerprint=self._signer.current_key(home, now).fingerprint,
            log_files=tuple(file.state_key for file in files),
            backfill=backfill,
        )
        body = msgspec.json.encode(msgspec.structs.replace(chain, planned=planned))
        self._state.apply([Change(CHAIN_KIND, document.key, body, expected=document.version)])
        return True

    def _delivered(self, chain: Chain) -> list[DeliveredLogFile]:
        prefix = delivered_prefix(chain.trail_arn, chain.account_id, chain.region)
        return [
            msgspec.json.decode(document.body, type=DeliveredLogFile)
            for document in self._state.list(DELIVERED_KIND, prefix)
        ]

    def _on_its_way(self, chain: Chain, end: datetime) -> bool:
        for document in self._state.list(OUTGOING_KIND, outgoing_prefix(chain.trail_arn)):
            file = msgspec.json.decode(document.body, type=OutgoingLogFile)
            same = (file.account_id, file.region) == (chain.account_id, chain.region)
            if same and file.closed < end:
                return True
        return False

    # Writing, steps 2 and 3

    def _write(self, document: Document, chain: Chain, planned: PlannedDigest) -> None:
        trail = self._target(chain)
        files = self._listed(planned)
        previous = chain.last_backfill if planned.backfill else chain.last
        key = digest_key(
            DigestName(
                prefix=trail.s3_key_prefix,
                organization=trail.organization_id,
                account_id=chain.account_id,
                region=chain.region,
                trail=trail.name,
                home_region=trail.home_region,
                end=planned.end,
                backfill=planned.backfill,
            )
        )
        digest = _document(chain, planned, files, previous, place=(trail.s3_bucket_name, key))
        plain = write_digest(digest)
        signed = string_to_sign(
            end_time=digest.end_time,
            bucket=digest.bucket,
            key=key,
            plain=plain,
            previous_signature=digest.previous_signature,
        )
        signature = self._signer.sign(planned.fingerprint, signed).hex()
        metadata = {SIGNATURE_METADATA: signature, ALGORITHM_METADATA: SIGNATURE_ALGORITHM}
        if planned.backfill:
            metadata[BACKFILL_METADATA] = f"{planned.generated:%Y-%m-%dT%H:%M:%S}.000Z"
        self._store.put(digest.bucket, key, ObjectContent(compress(plain), metadata))
        link = Link(
            bucket=digest.bucket,
            key=key,
            hash_value=hashlib.sha256(plain).hexdigest(),
            signature=signature,
            end=planned.end,
        )
        self._note(document, chain, planned, link)
        _log.info("digest_delivered", trail=chain.trail_arn, key=key, log_files=len(files))

    def _note(self, document: Document, chain: Chain, planned: PlannedDigest, link: Link) -> None:
        if planned.backfill:
            moved = msgspec.structs.replace(chain, planned=None, last_backfill=link)
        else:
            moved = msgspec.structs.replace(chain, planned=None, last=link)
        now = self._clock.now()
        apply_with_status(
            self._state,
            (chain.trail_arn, chain.region),
            lambda status: msgspec.structs.replace(
                status, latest_digest_delivery_time=now, latest_digest_delivery_error=""
            ),
            [
                Change(
                    CHAIN_KIND,
                    document.key,
                    msgspec.json.encode(moved),
                    expected=document.version,
                ),
                *(Change(DELIVERED_KIND, key, None) for key in planned.log_files),
                self._head(moved, closed=None),
            ],
        )

    def _listed(self, planned: PlannedDigest) -> list[DeliveredLogFile]:
        documents = [self._state.get(DELIVERED_KIND, key) for key in planned.log_files]
        return [
            msgspec.json.decode(document.body, type=DeliveredLogFile)
            for document in documents
            if document is not None
        ]

    def _head(self, chain: Chain, *, closed: datetime | None) -> Change:
        """What the service remembers of the chain, also when it is closed."""
        key = chain_key(chain.trail_arn, chain.account_id, chain.region)
        document = self._state.get(HEAD_KIND, key)
        before = None if document is None else msgspec.json.decode(document.body, type=ChainHead)
        same = before is not None and before.started == chain.started
        first = chain.last.key if chain.last is not None else ""
        first_key = before.first_key if same and before is not None else first
        starts = before.known_starts if before is not None else ()
        if first_key and first_key not in starts:
            starts = (*starts, first_key)
        head = ChainHead(
            trail_arn=chain.trail_arn,
            account_id=chain.account_id,
            region=chain.region,
            bucket=self._target(chain).s3_bucket_name,
            started=chain.started,
            first_key=starts[0] if starts else "",
            last=chain.last,
            last_backfill=chain.last_backfill,
            closed=closed,
            interval_seconds=self._settings.interval.total_seconds(),
            known_starts=starts,
        )
        return Change(HEAD_KIND, key, msgspec.json.encode(head))

    def _target(self, chain: Chain) -> Trail:
        """The trail as it is, or as it was last when it is deleted."""
        document = self._state.get(TRAIL_KIND, chain.trail_arn)
        if document is not None:
            return msgspec.json.decode(document.body, type=Trail)
        known = self._state.get(TIMELINE_KIND, chain.trail_arn)
        turns = () if known is None else msgspec.json.decode(known.body, type=Timeline).turns
        for turn in reversed(turns):
            if turn.trail is not None:
                return turn.trail
        raise Unavailable(f"trail {chain.trail_arn} of an open digest chain is not known any more")

    def _failed(self, chain: Chain, problem: Unavailable) -> None:
        _log.warning("digest_not_delivered", trail=chain.trail_arn, problem=str(problem))
        apply_with_status(
            self._state,
            (chain.trail_arn, chain.region),
            lambda status: msgspec.structs.replace(
                status, latest_digest_delivery_error=problem.code
            ),
            [],
        )


def _document(
    chain: Chain,
    planned: PlannedDigest,
    files: Sequence[DeliveredLogFile],
    previous: Link | None,
    *,
    place: tuple[str, str],
) -> Digest:
    return Digest(
        account_id=chain.account_id,
        start_time=iso_seconds(planned.start),
        end_time=iso_seconds(planned.end),
        bucket=place[0],
        key=place[1],
        fingerprint=planned.fingerprint,
        signature_algorithm=SIGNATURE_ALGORITHM,
        newest_event_time=max((file.newest for file in files), default=None),
        oldest_event_time=min((file.oldest for file in files), default=None),
        previous_bucket=previous.bucket if previous else None,
        previous_key=previous.key if previous else None,
        previous_hash=previous.hash_value if previous else None,
        previous_hash_algorithm=HASH_ALGORITHM if previous else None,
        previous_signature=previous.signature if previous else None,
        log_files=tuple(
            ListedLogFile(
                bucket=file.bucket,
                key=file.key,
                hash_value=file.sha256,
                newest_event_time=file.newest,
                oldest_event_time=file.oldest,
            )
            for file in files
        ),
    )
