"""The journal is trimmed up to what the slowest of its readers needs."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from opentrail.adapters.intents import MemoryIntents
from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.state import MemoryStateStore
from opentrail.app.writing.trimming import JournalTrimmer
from opentrail.clock import ManualClock
from opentrail.ports.intents import Progress
from opentrail.ports.state import Change
from opentrail.trail.timeline import PENDING_KIND, PendingCall
from opentrail.workers.delivery import FOLLOWER
from opentrail.workers.following import place_change

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Trimmed(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self.before: list[int] = []

    def trim(self, before: int) -> int:
        self.before.append(before)
        return 0


@pytest.mark.parametrize(
    ("delivery", "events", "rules", "intents", "pending", "needed"),
    [(50, 40, 60, 60, None, 40), (50, 90, 60, 60, None, 50), (50, 90, 60, 30, None, 30),
     (50, 90, 60, 60, 20, 20), (50, None, 60, 60, None, 0), (None, 90, 60, 60, None, 0),
     (50, 90, 45, 60, None, 45), (50, 90, None, 60, None, 0)],
)  # fmt: skip
def test_the_slowest_reader_decides(
    delivery: int | None,
    events: int | None,
    rules: int | None,
    intents: int,
    pending: int | None,
    needed: int,
) -> None:
    state, log, journal, clock = MemoryStateStore(), MemoryIntents(), Trimmed(), ManualClock(NOW)
    log.note(Progress(journal_offset=intents))
    if delivery is not None:
        state.apply([place_change(FOLLOWER, delivery)])
    if pending is not None:
        call = PendingCall(
            event_id="e", record=b"{}", not_before=pending, own_record_before=False, turns=()
        )
        state.apply([Change(PENDING_KIND, "e", msgspec.json.encode(call))])
    trimmer = JournalTrimmer(journal, log, state, (lambda: events, lambda: rules), clock)

    trimmer.step()
    trimmer.step()
    clock.advance(timedelta(minutes=1))
    trimmer.step()

    assert journal.before == [needed, needed]
