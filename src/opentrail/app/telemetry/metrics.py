"""What the server counts, in Prometheus's text form.

Names end as Prometheus's own guide says: `_total` for counters, the unit before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from opentrail.app.telemetry.status import ServerStatus
from opentrail.gateway import Answer

PATH = "/-/metrics"

_COUNTERS = {
    "calls_forwarded": "Calls forwarded to services behind the endpoint.",
    "calls_recorded": "Forwarded calls whose record is in the journal.",
    "calls_refused": "Calls not forwarded because they could not be recorded.",
    "calls_lost": "Calls forwarded without a record (fail mode open, or found at the start).",
    "calls_undecoded": "Calls recorded without parameters because they could not be decoded.",
    "calls_failed": "Calls answered with an error.",
    "calls_outcome_unknown": "Calls under way when the recorder stopped, found at the start.",
    "records_taken_in": "Records that programs sent themselves.",
    "records_late": "Records that had to wait until the journal could be written again.",
    "journal_outages": "Times the journal could not be written.",
    "journal_syncs": "Syncs of journal and intents in the event loop.",
}
_GAUGES = {
    "calls_under_way": "Calls forwarded and not yet recorded.",
    "records_waiting": "Records in memory that wait for the journal.",
    "journal_failing": "1 while the journal can't be written.",
    "journal_bytes": "The journal's offset behind the last record.",
}


class _Collector:
    """Tells the status as metrics."""

    def __init__(self, status: ServerStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        values = {
            "calls_forwarded": self._status.forwarded,
            "calls_recorded": self._status.recorded,
            "calls_refused": self._status.refused,
            "calls_lost": self._status.lost,
            "calls_undecoded": self._status.undecoded,
            "calls_failed": self._status.failed,
            "calls_outcome_unknown": self._status.outcome_unknown,
            "records_taken_in": self._status.taken_in,
            "records_late": self._status.late,
            "journal_outages": self._status.outages,
            "journal_syncs": self._status.syncs,
            "calls_under_way": self._status.under_way,
            "records_waiting": self._status.waiting,
            "journal_failing": int(self._status.failing),
            "journal_bytes": self._status.journal_end,
        }
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"opentrail_{name}", text, value=values[name])
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"opentrail_{name}", text, value=values[name])


def metrics_answer(status: ServerStatus) -> Answer:
    """The answer to a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return Answer(200, (("Content-Type", CONTENT_TYPE_PLAIN_0_0_4),), generate_latest(registry))
