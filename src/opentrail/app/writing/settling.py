"""After a start: every call that was forwarded before it has a record, or the gap has one.

(1) Records that waited on the second disk are appended. (2) A call with an intent and without a
record gets the intent's record, which says that the outcome is unknown. (3) Calls that were
forwarded without intent and have no record are counted, and a record says how many are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from opentrail.gateway.keeper import SecondDisk
from opentrail.ports.intents import UNNOTED, IntentLog, Progress
from opentrail.ports.journal import JournalDamaged, JournalReader, JournalWriter

READ_BYTES = 4 * 1024 * 1024
BATCH = 500

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found.

    Attributes:
        late: Calls whose records were taken from the second disk.
        unknown: Calls recorded with an unknown outcome.
        lost: Forwarded calls without any record.
    """

    late: int
    unknown: int
    lost: int


def settle_calls(
    reader: JournalReader,
    writer: JournalWriter,
    intents: IntentLog,
    second_disk: SecondDisk | None,
    gap_record: Callable[[Settled], bytes],
) -> Settled:
    """Settle what the last run left; to be called before the first call is taken.

    Raises:
        Unavailable: the journal can't be written.
    """
    progress = intents.progress()
    recorded = _numbers_from(reader, progress.journal_offset)
    late: set[int] = set()
    if second_disk is not None:
        late = _append_late(second_disk, writer, progress, recorded)
        recorded |= late
    open_ = {
        one.number: one.raw
        for one in intents.read()
        if one.number >= progress.settled and one.number not in recorded
    }
    _append_all(writer, sorted(open_.items()))
    lost = sum(
        number not in recorded for number in range(progress.unnoted_settled, progress.unnoted_next)
    )
    settled = Settled(len(late), len(open_), lost)
    if lost or open_:
        writer.append([gap_record(settled)])
    if settled != Settled(0, 0, 0):
        _log.warning("calls_settled", late=len(late), outcome_unknown=len(open_), lost=lost)
    # After a loss of power the progress may be older than the numbers that are in use.
    noted = [number for number in recorded | open_.keys() if number < UNNOTED]
    following = max(progress.next_number, max(noted, default=0) + 1)
    unnoted = max(progress.unnoted_next, max(recorded, default=0) + 1)
    intents.note(Progress(following, following, unnoted, unnoted, reader.end()))
    return settled


def _numbers_from(reader: JournalReader, offset: int) -> set[int]:
    """The numbers of the entries at `offset` and behind."""
    found: set[int] = set()
    offset = max(offset, reader.first())
    while True:
        try:
            entries = reader.read(offset, READ_BYTES)
        except JournalDamaged as damage:
            offset = damage.resume_offset
            continue
        if not entries:
            return found
        found.update(entry.number for entry in entries if entry.number)
        offset = entries[-1].next_offset


def _append_late(
    second_disk: SecondDisk, writer: JournalWriter, progress: Progress, recorded: set[int]
) -> set[int]:
    """Append what waits and is not in the journal yet; the numbers of its calls."""
    late: set[int] = set()
    while batch := second_disk.take(BATCH):
        new = [
            (number, raw)
            for raw, number in batch
            if number >= progress.unnoted_settled and number not in recorded
        ]
        _append_all(writer, new)
        second_disk.taken(len(batch))
        late.update(number for number, _raw in new)
    return late


def _append_all(writer: JournalWriter, numbered: list[tuple[int, bytes]]) -> None:
    for start in range(0, len(numbered), BATCH):
        part = numbered[start : start + BATCH]
        writer.append([raw for _, raw in part], [number for number, _ in part])
