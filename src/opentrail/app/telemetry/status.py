"""How the running server is, written beside its data for `opentrail status`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

STATUS_FILE = "status.json"


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The server's own account of itself; counts are since its start.

    Attributes:
        calls: Calls for which a record was made; `undecoded` and `failed` are among them.
        forwarded: Calls forwarded to services behind the endpoint.
        recorded: Of those, how many have their record in the journal.
        under_way: Of those, how many are not yet answered and recorded.
        refused: Calls not forwarded because they could not be recorded.
        lost: Calls forwarded without a record; those of the run before that were found missing
            at the start, and those that programs numbered and did not send, are among them.
        outcome_unknown: Calls under way when the run before ended, recorded at the start.
        taken_in: Records that programs sent themselves.
        late: Records that had to wait for the journal.
        waiting: Records that wait in memory now.
        outages: Times the journal could not be written.
        failing: Whether it can't be written now.
        syncs: Syncs made.
        upstreams: The services behind the endpoint, as `s3=URL`.
        journal_end: The journal's offset behind the last record.
    """

    process: int
    started: datetime
    written: datetime
    endpoint: str
    calls: int
    undecoded: int
    failed: int
    forwarded: int = 0
    recorded: int = 0
    under_way: int = 0
    refused: int = 0
    lost: int = 0
    outcome_unknown: int = 0
    taken_in: int = 0
    late: int = 0
    waiting: int = 0
    outages: int = 0
    failing: bool = False
    syncs: int = 0
    upstreams: tuple[str, ...] = ()
    journal_end: int

    @property
    def complete(self) -> bool:
        """Whether every forwarded call is recorded, or on its way to be."""
        accounted = self.forwarded == self.recorded + self.under_way
        return accounted and not (self.lost or self.outcome_unknown or self.failing)


def write_status(data: Path, status: ServerStatus) -> None:
    """Replace the status file."""
    aside = data / f"{STATUS_FILE}.part"
    aside.write_bytes(msgspec.json.encode(status))
    aside.replace(data / STATUS_FILE)


def read_status(data: Path) -> ServerStatus | None:
    """The last status written, None if there is none."""
    try:
        return msgspec.json.decode((data / STATUS_FILE).read_bytes(), type=ServerStatus)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def is_running(status: ServerStatus) -> bool:
    """Whether the process that wrote the status is still there."""
    try:
        os.kill(status.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
