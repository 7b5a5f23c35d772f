"""The gateway's outages and gaps as records of the installation's first account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opentrail.app.writing.settling import Settled
from opentrail.clock import Clock, iso_seconds
from opentrail.gateway.keeper import Outage
from opentrail.recorder.recorder import Recorder
from opentrail.recording import RecordFacts
from opentrail.recording.outages import GAP_NAME, OUTAGE_NAME, outage_record


class OutageRecords:
    """Makes them."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock

    def outage(self, outage: Outage) -> bytes:
        """The record of a time in which the journal could not be written."""
        details = {
            "began": iso_seconds(outage.began),
            "ended": iso_seconds(outage.ended),
            "refusedCalls": outage.refused,
            "lostCalls": outage.lost,
            "lateRecords": outage.late,
        }
        return self._record(OUTAGE_NAME, details, outage.ended)

    def gap(self, settled: Settled) -> bytes:
        """The record of what the run before left without outcome or record."""
        details = {
            "lostCalls": settled.lost,
            "unknownOutcomes": settled.unknown,
            "lateCalls": settled.late,
        }
        return self._record(GAP_NAME, details, self._clock.now())

    def missing(self, source: str, count: int) -> bytes:
        """The record of what a program numbered and did not send."""
        details = {"source": source, "missingRecords": count}
        return self._record(GAP_NAME, details, self._clock.now())

    def _record(self, name: str, details: Mapping[str, object], when: datetime) -> bytes:
        facts = RecordFacts(
            event_id=self._recorder.ids.event_id(), account_id=self._recorder.account
        )
        return outage_record(name, details, when=when, region=self._recorder.region, facts=facts)
