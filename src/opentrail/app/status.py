"""How the running server is, written beside its data for `opentrail status`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

STATUS_FILE = "status.json"


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The server's own account of itself.

    Attributes:
        calls: Calls recorded since the start; `undecoded` and `failed` are among them.
        journal_end: The journal's offset behind the last record.
    """

    process: int
    started: datetime
    written: datetime
    endpoint: str
    calls: int
    undecoded: int
    failed: int
    journal_end: int


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
