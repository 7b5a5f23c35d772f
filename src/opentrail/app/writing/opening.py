"""The one writer of the journal and all that belongs to it; opened after a start, settled first."""

from __future__ import annotations

from dataclasses import dataclass

from opentrail.app.door import settle_pending
from opentrail.app.wiring import Parts
from opentrail.app.writing.outages import OutageRecords
from opentrail.app.writing.settling import Settled, settle_calls
from opentrail.app.writing.trimming import JournalTrimmer
from opentrail.gateway import GroupCommit
from opentrail.gateway.keeper import Keeper
from opentrail.gateway.numbers import Numbers
from opentrail.recorder.recorder import Recorder
from opentrail.workers.rules import FOLLOWER as RULES


@dataclass(frozen=True, slots=True)
class Writing:
    """What the doors write records with.

    Attributes:
        settled: What the run before had left.
    """

    recorder: Recorder
    commit: GroupCommit
    keeper: Keeper
    outages: OutageRecords
    trimmer: JournalTrimmer
    settled: Settled


def open_writing(parts: Parts) -> Writing:
    """Open the journal and settle what the run before left.

    Raises:
        Unavailable: the journal can't be written.
    """
    journal = parts.open_journal()
    intents = parts.open_intents()
    second_disk = parts.second_disk()
    recorder = parts.recorder()
    outages = OutageRecords(recorder, parts.clock)
    settle_pending(parts.state, parts.journal_reader, journal)
    settled = settle_calls(parts.journal_reader, journal, intents, second_disk, outages.gap)
    commit = GroupCommit(journal, intents)
    keeper = Keeper(
        commit,
        Numbers(intents, parts.journal_reader.end()),
        clock=parts.clock,
        outage_record=outages.outage,
        second_disk=second_disk,
    )
    outbox = parts.outbox()
    followers = (
        parts.events().place,
        lambda: outbox.place(RULES),
        parts.findings().place,
        *parts.log_groups().places(),
    )
    trimmer = JournalTrimmer(journal, intents, parts.state, followers, clock=parts.clock)
    return Writing(recorder, commit, keeper, outages, trimmer, settled)
