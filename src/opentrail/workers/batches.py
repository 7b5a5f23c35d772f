"""Records that wait for their log file to be closed, in memory; the journal still has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from opentrail.logfile.name import FOLDER, FOLDERS
from opentrail.record import Record
from opentrail.trail.trail import Trail

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Files are closed early when this much waits, so that a backlog does not fill the memory."""


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What one log file holds: one trail's records of one account, region and folder."""

    trail_arn: str
    account_id: str
    region: str
    folder: str = FOLDER


@dataclass(slots=True)
class Batch:
    """Records of one file or more, as the trail was when it took them."""

    trail: Trail
    records: list[Record] = field(default_factory=list)


class Batches:
    """All open batches."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self._open: dict[BatchKey, Batch] = {}

    def add(self, trail: Trail, record: Record) -> None:
        """`record` is taken by `trail`."""
        head = record.head
        account = head.recipient_account_id or trail.account_id
        folder = FOLDERS.get(head.event_category or "", FOLDER)
        key = BatchKey(trail.arn, account, head.aws_region, folder)
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = Batch(trail)
        batch.records.append(record)
        self.waiting_bytes += len(record.raw)

    def take(self) -> list[tuple[BatchKey, Batch]]:
        """Everything; nothing is left."""
        taken = sorted(self._open.items(), key=lambda item: str(item[0]))
        self._open = {}
        self.waiting_bytes = 0
        return taken

    def __len__(self) -> int:
        return len(self._open)
