"""Closed log files to their buckets: steps (5) and (6) of the delivery walk.

While a bucket takes nothing its files wait on the local disk, in order, and are tried again with
growing pauses; other buckets are not held up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.errors import IntegrityError, StateConflict, Unavailable
from opentrail.logfile.delivered import DELIVERED_KIND, DeliveredLogFile
from opentrail.logfile.outgoing import OUTGOING_KIND, OutgoingLogFile
from opentrail.ports.objects import ObjectContent, ObjectStore
from opentrail.ports.spool import Spool
from opentrail.ports.state import Change, Document, StateStore
from opentrail.trail.status import STATUS_KIND, TrailStatus

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
        self, *, state: StateStore, spool: Spool, store: ObjectStore, clock: Clock
    ) -> None:
        self._state = state
        self._spool = spool
        self._store = store
        self._clock = clock
        self._pauses: dict[str, _Pause] = {}

    def step(self) -> int:
        """Try every outgoing file whose bucket is not paused; the number delivered."""
        delivered = 0
        for document in self._state.list(OUTGOING_KIND):
            file = msgspec.json.decode(document.body, type=OutgoingLogFile)
            pause = self._pauses.get(file.bucket)
            if pause is not None and pause.until > self._clock.now():
                continue
            delivered += self._send(document, file)
        return delivered

    def _send(self, document: Document, file: OutgoingLogFile) -> int:
        try:
            content = ObjectContent(self._spool.read(file.spool))
            self._store.put(file.bucket, file.key, content)
        except (Unavailable, IntegrityError) as problem:
            self._failed(file, problem)
            return 0
        self._pauses.pop(file.bucket, None)
        self._note(document, file)
        self._spool.remove(file.spool)
        _log.info("log_file_delivered", trail=file.trail_arn, key=file.key, records=file.records)
        return 1

    def _note(self, document: Document, file: OutgoingLogFile) -> None:
        now = self._clock.now()
        changes = [Change(OUTGOING_KIND, document.key, None, expected=document.version)]
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
            file.trail_arn,
            lambda status: msgspec.structs.replace(
                status,
                latest_delivery_time=now,
                latest_delivery_attempt_time=now,
                latest_delivery_attempt_succeeded=now,
                latest_delivery_error="",
            ),
            changes,
        )

    def _failed(self, file: OutgoingLogFile, problem: Unavailable | IntegrityError) -> None:
        now = self._clock.now()
        last = self._pauses.get(file.bucket)
        length = FIRST_PAUSE if last is None else min(last.length * 2, LONGEST_PAUSE)
        self._pauses[file.bucket] = _Pause(now + length, length)
        code = problem.code if isinstance(problem, Unavailable) else "InternalError"
        apply_with_status(
            self._state,
            file.trail_arn,
            lambda status: msgspec.structs.replace(
                status, latest_delivery_attempt_time=now, latest_delivery_error=code
            ),
            [],
        )
        _log.warning(
            "log_file_not_delivered",
            trail=file.trail_arn,
            key=file.key,
            problem=str(problem),
            again_in_seconds=length.total_seconds(),
        )


def apply_with_status(
    state: StateStore,
    trail_arn: str,
    change: Callable[[TrailStatus], TrailStatus],
    others: list[Change],
) -> None:
    """Apply `others` and a changed TrailStatus in one step; other workers change it too."""
    while True:
        document = state.get(STATUS_KIND, trail_arn)
        status = (
            TrailStatus()
            if document is None
            else msgspec.json.decode(document.body, type=TrailStatus)
        )
        body = msgspec.json.encode(change(status))
        expected = 0 if document is None else document.version
        try:
            state.apply([*others, Change(STATUS_KIND, trail_arn, body, expected=expected)])
        except StateConflict:
            current = state.get(STATUS_KIND, trail_arn)
            if (0 if current is None else current.version) == expected:
                raise
        else:
            return
