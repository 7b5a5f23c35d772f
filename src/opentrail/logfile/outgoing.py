"""What a closed log file is remembered by until it lies in its bucket."""

from __future__ import annotations

from datetime import datetime

import msgspec

OUTGOING_KIND = "outgoing"
"""The state documents of OutgoingLogFile."""


class OutgoingLogFile(msgspec.Struct, frozen=True, kw_only=True):
    """A log file whose bytes wait on the local disk.

    Attributes:
        closed: When its last record was taken; the time in its name; aware UTC.
        digested: Whether a digest is to list it (the trail validates log files).
        spool: The name of the local file with the gzip bytes.
    """

    trail_arn: str
    account_id: str
    region: str
    bucket: str
    key: str
    closed: datetime
    sha256: str
    oldest: str
    newest: str
    records: int
    digested: bool
    spool: str

    @property
    def state_key(self) -> str:
        """Its document's key: by trail, then in the order of closing."""
        return f"{outgoing_prefix(self.trail_arn)}{self.closed:%Y%m%dT%H%M%S.%f}|{self.spool}"


def outgoing_prefix(trail_arn: str) -> str:
    """The prefix of the documents of one trail."""
    return f"{trail_arn}|"
