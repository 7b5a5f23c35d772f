"""The server's account of itself: the status file and the metrics."""

from __future__ import annotations

import os

import structlog

from opentrail.app.intake import Intake
from opentrail.app.telemetry.metrics import metrics_answer
from opentrail.app.telemetry.status import ServerStatus, write_status
from opentrail.app.wiring import Parts
from opentrail.app.writing.opening import Writing
from opentrail.aws.observed import ObservedRequest
from opentrail.gateway import Answer

_log = structlog.get_logger()


class Reporter:
    """Tells how the server is.

    Attributes:
        endpoint: Where it listens; known a little later than all the rest.
        upstreams: What stands behind it, as `s3=URL`.
    """

    def __init__(self, parts: Parts, writing: Writing, intake: Intake) -> None:
        self._parts = parts
        self._intake = intake
        self._writing = writing
        self._started = parts.clock.now()
        self._unwritten = False
        self.endpoint = ""
        self.upstreams: tuple[str, ...] = ()

    def status(self) -> ServerStatus:
        """How the server is now."""
        writing, keeper = self._writing, self._writing.keeper
        counts, numbers = writing.recorder.counts, keeper.numbers
        return ServerStatus(
            process=os.getpid(),
            started=self._started,
            written=self._parts.clock.now(),
            endpoint=self.endpoint,
            calls=counts["calls"],
            undecoded=counts["undecoded"],
            failed=counts["failed"],
            forwarded=numbers.forwarded,
            recorded=numbers.recorded,
            under_way=numbers.under_way,
            refused=keeper.counts["refused"],
            lost=keeper.counts["lost"] + writing.settled.lost + self._intake.lost,
            taken_in=self._intake.taken,
            outcome_unknown=writing.settled.unknown,
            late=keeper.counts["late"],
            waiting=keeper.waiting,
            outages=keeper.counts["outages"],
            failing=keeper.failing,
            upstreams=self.upstreams,
            syncs=writing.commit.syncs,
            journal_end=self._parts.journal_reader.end(),
        )

    def write(self) -> None:
        """Replace the status file; a disk that is full must not end the server."""
        try:
            write_status(self._parts.settings.data, self.status())
            self._unwritten = False
        except OSError as problem:
            if not self._unwritten:
                _log.error("status_not_written", problem=str(problem))
            self._unwritten = True

    async def metrics(self, request: ObservedRequest) -> Answer:  # noqa: ARG002 - a LocalDoor
        """A LocalDoor that answers a scrape."""
        return metrics_answer(self.status())
