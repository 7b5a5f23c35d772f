"""Records to log files: every record that a trail takes is in exactly one of its log files.

The walk: (1) read the journal from the remembered place, (2) gather what each trail takes,
(3) close: write the finished files to the local spool, (4) remember them and the new place in one
step, (5) put each file into its bucket, (6) note it as delivered and forget the spooled file.
A crash before (4) repeats from the place; after (4) the same bytes go to the same key again.
So neither a crash nor a trail changed meanwhile can lose a record or deliver it twice.

Trails change at places of the journal (trail.timeline), so a file never mixes two configurations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.errors import InvalidInput, StateConflict
from opentrail.logfile.batch import split
from opentrail.logfile.body import make_body
from opentrail.logfile.name import LogFileName, log_file_key
from opentrail.logfile.outgoing import OUTGOING_KIND, OutgoingLogFile
from opentrail.ports.ids import Ids
from opentrail.ports.journal import JournalReader
from opentrail.ports.spool import Spool
from opentrail.ports.state import Change, StateStore
from opentrail.record import RecordHead, read_record
from opentrail.trail.feeds import stream_name
from opentrail.trail.timeline import TIMELINE_KIND, Timeline
from opentrail.trail.trail import Trail
from opentrail.workers.aggregates import Aggregates
from opentrail.workers.batches import MAX_WAITING_BYTES, Batch, Batches, BatchKey
from opentrail.workers.following import (
    logging_trails,
    place_change,
    read_place,
    read_timelines,
    read_until,
    settled_end,
)

FOLLOWER = "delivery"
READ_BYTES = 4 * 1024 * 1024

Taker = tuple[Trail, Callable[[RecordHead], bool]]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How log files are made.

    Attributes:
        interval: How long records wait at the most before their file is closed.
        log_views: Log groups show the store of events: no copies are made for them.
        needed_from: The lowest offset at which others still ask what a trail was like; None if
            nobody does.
    """

    interval: timedelta = timedelta(seconds=60)
    log_views: bool = False
    needed_from: Callable[[], int] | None = None


class DeliveryWorker:
    """Reads, decides, closes; SendingWorker brings the closed files to their buckets."""

    def __init__(
        self,
        *,
        journal: JournalReader,
        state: StateStore,
        spool: Spool,
        clock: Clock,
        ids: Ids,
        settings: DeliverySettings,
    ) -> None:
        self._journal = journal
        self._state = state
        self._spool = spool
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._batches = Batches()
        self._aggregates = Aggregates(state, spool, ids)
        place = read_place(state, FOLLOWER)
        self._place = self._cursor = journal.first() if place is None else place
        self._waiting_since: datetime | None = None
        self._forget_lost_spool_files()

    def step(self) -> int:
        """Read what is new and close what is due; the number of entries read."""
        end = settled_end(self._journal, self._state)
        timelines = read_timelines(self._state)
        handled = self._read(end, timelines)
        if self._due():
            self.close()
        self._prune(timelines)
        return handled

    def close(self) -> None:
        """Close all open log files now (3, 4)."""
        closed = self._clock.now()
        changes = [
            Change(OUTGOING_KIND, file.state_key, msgspec.json.encode(file), expected=0)
            for key, batch in self._batches.take()
            for file in self._write(key, batch, closed)
        ]
        changes += self._aggregates.close(closed)
        if changes or self._place != self._cursor:
            self._state.apply([*changes, place_change(FOLLOWER, self._cursor)])
            self._place = self._cursor
        self._waiting_since = None

    @property
    def place(self) -> int:
        """Every record before this offset is in a closed log file of each trail that takes it."""
        return self._place

    def _read(self, end: int, timelines: Mapping[str, Timeline]) -> int:
        handled = 0
        while self._cursor < end:
            takers = [(trail, trail.taker()) for trail in logging_trails(timelines, self._cursor)]
            turns = [timeline.next_turn(self._cursor) for timeline in timelines.values()]
            stop = min([end, *(turn for turn in turns if turn is not None)])
            handled += self._gather(stop, takers)
            if self._cursor in turns:
                self._aggregates.turn(logging_trails(timelines, self._cursor))
                self.close()
            elif self._batches.waiting_bytes > MAX_WAITING_BYTES:
                self.close()
        return handled

    def _gather(self, stop: int, takers: list[Taker]) -> int:
        """Take in at least one entry before `stop` (2)."""
        entries, damage = read_until(self._journal, self._cursor, stop, READ_BYTES)
        if damage is not None:
            _log.error("journal_damaged", offset=damage.offset, resume=damage.resume_offset)
            self._cursor = min(damage.resume_offset, stop)
        elif not entries:
            self._cursor = stop
        for entry in entries:
            self._take(entry.raw, entry.offset, takers)
            self._cursor = entry.next_offset
            if self._batches.waiting_bytes > MAX_WAITING_BYTES:
                break
        if len(self._batches) and self._waiting_since is None:
            self._waiting_since = self._clock.now()
        return len(entries)

    def _take(self, raw: bytes, offset: int, takers: list[Taker]) -> None:
        try:
            record = read_record(raw)
        except InvalidInput as problem:
            _log.error("record_unreadable", offset=offset, problem=str(problem))
            return
        for trail, takes in takers:
            if takes(record.head):
                self._batches.add(trail, record)
                self._aggregates.add(trail, record.head)

    def _due(self) -> bool:
        since = self._waiting_since
        if since is None:
            return self._place != self._cursor or self._aggregates.due(self._clock.now())
        waited = self._clock.now() - since
        # A clock set back must not make records wait for ever.
        return waited >= self._settings.interval or waited < timedelta(0)

    def _write(self, key: BatchKey, batch: Batch, closed: datetime) -> list[OutgoingLogFile]:
        files: list[OutgoingLogFile] = []
        trail = batch.trail
        for records in split(batch.records):
            body = make_body(records)
            unique = self._ids.unique16()
            self._spool.write(unique, body.content)
            name = log_file_key(
                LogFileName(
                    prefix=trail.s3_key_prefix,
                    account_id=key.account_id,
                    region=key.region,
                    minute=closed,
                    unique16=unique,
                    organization=trail.organization_id,
                    folder=key.folder,
                )
            )
            file = OutgoingLogFile(
                trail_arn=key.trail_arn,
                account_id=key.account_id,
                region=key.region,
                bucket=trail.s3_bucket_name,
                key=name,
                closed=closed,
                sha256=body.sha256,
                oldest=body.oldest,
                newest=body.newest,
                records=len(records),
                digested=trail.log_file_validation_enabled,
                spool=unique,
                kms_key_arn=trail.kms_key_id,
                sns_topic_arn=trail.sns_topic_arn,
            )
            files.append(file)
            if trail.cloud_watch_logs_log_group_arn:
                files.append(self._for_log_group(file, trail, body.content))
        return files

    def _for_log_group(
        self, file: OutgoingLogFile, trail: Trail, content: bytes
    ) -> OutgoingLogFile:
        unique = self._ids.unique16()
        if not self._settings.log_views:
            self._spool.write(unique, content)
        return msgspec.structs.replace(
            file,
            spool=unique,
            log_group_arn=trail.cloud_watch_logs_log_group_arn,
            log_stream=stream_name(trail, file.account_id, file.region),
            is_view=self._settings.log_views,
        )

    def _prune(self, timelines: Mapping[str, Timeline]) -> None:
        """Forget turns that no record still to be read needs."""
        needed_from = self._settings.needed_from
        place = min(self._place, needed_from()) if needed_from else self._place
        for arn, timeline in timelines.items():
            shorter = timeline.since(place)
            if shorter == timeline or shorter.ended:
                continue
            document = self._state.get(TIMELINE_KIND, arn)
            if document is None:
                continue
            current = msgspec.json.decode(document.body, type=Timeline)
            body = msgspec.json.encode(current.since(place))
            # A call may be changing the same trail just now: pruning can wait.
            with suppress(StateConflict):
                self._state.apply([Change(TIMELINE_KIND, arn, body, expected=document.version)])

    def _forget_lost_spool_files(self) -> None:
        """Files written by a run that ended before it remembered them (between 3 and 4)."""
        known = {
            msgspec.json.decode(document.body, type=OutgoingLogFile).spool
            for document in self._state.list(OUTGOING_KIND)
        }
        for name in self._spool.names():
            if name not in known:
                self._spool.remove(name)
