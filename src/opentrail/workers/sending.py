"""Closed log files to their buckets: steps (5) and (6) of the delivery walk.

While a bucket takes nothing its files wait on the local disk, in order, and are tried again with
growing pauses; other buckets are not held up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock, epoch_milliseconds, parse_iso_seconds
from opentrail.errors import IntegrityError, Unavailable
from opentrail.logfile.delivered import DELIVERED_KIND, DeliveredLogFile
from opentrail.logfile.outgoing import (
    NOTIFICATION_KIND,
    OUTGOING_KIND,
    Notification,
    OutgoingLogFile,
)
from opentrail.ports.destinations import LogGroups, LogViews
from opentrail.ports.objects import Encryption, ObjectContent, ObjectStore
from opentrail.ports.spool import Spool
from opentrail.ports.state import Change, Document, StateStore
from opentrail.workers.logs.log_events import log_batches
from opentrail.workers.status import apply_with_status

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=60)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Pause:
    """A bucket that took nothing lately."""

    until: datetime
    length: timedelta


class SendingWorker:
    """Puts outgoing log files and notes them as delivered."""

    def __init__(
        self,
        *,
        state: StateStore,
        spool: Spool,
        store: ObjectStore,
        log_groups: LogGroups,
        clock: Clock,
        log_views: LogViews | None = None,
    ) -> None:
        """Take over the files that wait.

        Args:
            log_views: Where log groups show the store of events, if any do.
        """
        self._state = state
        self._log_groups = log_groups
        self._log_views = log_views
        self._spool = spool
        self._store = store
        self._clock = clock
        self._pauses: dict[tuple[str, str], _Pause] = {}

    def step(self) -> int:
        """Try every outgoing file whose bucket is not paused; the number delivered."""
        delivered = 0
        for document in self._state.list(OUTGOING_KIND):
            file = msgspec.json.decode(document.body, type=OutgoingLogFile)
            pause = self._pauses.get(_where(file))
            if pause is not None and pause.until > self._clock.now():
                continue
            delivered += self._send(document, file)
        return delivered

    def _send(self, document: Document, file: OutgoingLogFile) -> int:
        try:
            self._put(file)
        except (Unavailable, IntegrityError) as problem:
            self._failed(file, problem)
            return 0
        self._pauses.pop(_where(file), None)
        self._note(document, file)
        self._spool.remove(file.spool)
        _log.info("log_file_delivered", trail=file.trail_arn, key=file.key, records=file.records)
        return 1

    def _put(self, file: OutgoingLogFile) -> None:
        if file.is_view:
            self._show(file)
            return
        content = self._spool.read(file.spool)
        if file.log_group_arn:
            for batch in log_batches(content, self._clock.now()):
                self._log_groups.put(file.log_group_arn, file.log_stream, batch)
            return
        encryption = None
        if file.kms_key_arn:
            encryption = Encryption(file.kms_key_arn, {"aws:cloudtrail:arn": file.trail_arn})
        self._store.put(file.bucket, file.key, ObjectContent(content, encryption=encryption))

    def _show(self, file: OutgoingLogFile) -> None:
        if self._log_views is None:
            raise Unavailable(
                f"records that {file.log_group_arn} shows are not sent elsewhere",
                code="ServiceUnavailable",
            )
        self._log_views.delivered(
            file.log_group_arn,
            file.log_stream,
            oldest=_milliseconds(file.oldest, file.closed),
            newest=_milliseconds(file.newest, file.closed),
        )

    def _note(self, document: Document, file: OutgoingLogFile) -> None:
        now = self._clock.now()
        changes = [Change(OUTGOING_KIND, document.key, None, expected=document.version)]
        if file.log_group_arn:
            self._note_logs(file, now, changes)
            return
        if file.sns_topic_arn:
            told = Notification(
                trail_arn=file.trail_arn,
                region=file.region,
                topic_arn=file.sns_topic_arn,
                bucket=file.bucket,
                key=file.key,
            )
            changes.append(Change(NOTIFICATION_KIND, told.state_key, msgspec.json.encode(told)))
        if file.digested:
            delivered = DeliveredLogFile(
                trail_arn=file.trail_arn,
                account_id=file.account_id,
                region=file.region,
                bucket=file.bucket,
                key=file.key,
                closed=file.closed,
                delivered=now,
                sha256=file.sha256,
                oldest=file.oldest,
                newest=file.newest,
            )
            changes.append(
                Change(DELIVERED_KIND, delivered.state_key, msgspec.json.encode(delivered))
            )
        apply_with_status(
            self._state,
            (file.trail_arn, file.region),
            lambda status: msgspec.structs.replace(
                status,
                latest_delivery_time=now,
                latest_delivery_attempt_time=now,
                latest_delivery_attempt_succeeded=now,
                latest_delivery_error="",
            ),
            changes,
        )

    def _note_logs(self, file: OutgoingLogFile, now: datetime, changes: list[Change]) -> None:
        apply_with_status(
            self._state,
            (file.trail_arn, file.region),
            lambda status: msgspec.structs.replace(
                status, latest_logs_delivery_time=now, latest_logs_delivery_error=""
            ),
            changes,
        )

    def _failed(self, file: OutgoingLogFile, problem: Unavailable | IntegrityError) -> None:
        now = self._clock.now()
        last = self._pauses.get(_where(file))
        length = FIRST_PAUSE if last is None else min(last.length * 2, LONGEST_PAUSE)
        self._pauses[_where(file)] = _Pause(now + length, length)
        code = problem.code if isinstance(problem, Unavailable) else "InternalError"
        errors: dict[str, object] = (
            {"latest_logs_delivery_error": code}
            if file.log_group_arn
            else {"latest_delivery_attempt_time": now, "latest_delivery_error": code}
        )
        apply_with_status(
            self._state,
            (file.trail_arn, file.region),
            lambda status: msgspec.structs.replace(status, **errors),
            [],
        )
        _log.warning(
            "log_file_not_delivered",
            trail=file.trail_arn,
            key=file.key,
            problem=str(problem),
            again_in_seconds=length.total_seconds(),
        )


def _where(file: OutgoingLogFile) -> tuple[str, str]:
    """What a failure holds up: everything for the same bucket with the same key, or log group."""
    return (file.log_group_arn or file.bucket, file.kms_key_arn)


def _milliseconds(time: str, otherwise: datetime) -> int:
    """The time of a record, as far as it can be read."""
    try:
        read = parse_iso_seconds(time)
    except ValueError:
        read = otherwise
    return epoch_milliseconds(read)
