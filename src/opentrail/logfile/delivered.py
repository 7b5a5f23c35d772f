"""What a delivered log file is remembered by until a digest file has listed it."""

from __future__ import annotations

from datetime import datetime

import msgspec

DELIVERED_KIND = "log_file"
"""The state documents of log files that no digest lists yet."""


class DeliveredLogFile(msgspec.Struct, frozen=True, kw_only=True):
    """A log file that lies in its bucket.

    Attributes:
        closed: When its last record was taken: the time in its name, with seconds; aware UTC.
        sha256: Lower-case hex over the uncompressed bytes.
        oldest: The oldest `eventTime` inside, as the record spells it.
        newest: The newest `eventTime` inside.
    """

    trail_arn: str
    account_id: str
    region: str
    bucket: str
    key: str
    closed: datetime
    delivered: datetime
    sha256: str
    oldest: str
    newest: str

    @property
    def state_key(self) -> str:
        """Its document's key: trail, account and region first, then time."""
        return f"{delivered_prefix(self.trail_arn, self.account_id, self.region)}{self.key}"


def delivered_prefix(trail_arn: str, account_id: str, region: str) -> str:
    """The prefix of the documents of one digest chain."""
    return f"{trail_arn}|{account_id}|{region}|"
