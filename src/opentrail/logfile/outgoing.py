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
        kms_key_arn: The key that encrypts it, "" for none.
        sns_topic_arn: Whom to tell when it is delivered, "" for nobody.
        log_group_arn: Not for a bucket but for this log group: its records are sent there, to
            `log_stream`.
        is_view: The log group shows the store of events: nothing waits on the disk, and nothing is
            sent.
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
    kms_key_arn: str = ""
    sns_topic_arn: str = ""
    log_group_arn: str = ""
    log_stream: str = ""
    is_view: bool = False

    @property
    def state_key(self) -> str:
        """Its document's key: by trail, then in the order of closing."""
        # What waits for a log group must not hold up a trail's digests.
        start = "log|" if self.log_group_arn else ""
        prefix = f"{start}{outgoing_prefix(self.trail_arn)}"
        return f"{prefix}{self.closed:%Y%m%dT%H%M%S.%f}|{self.spool}"


def outgoing_prefix(trail_arn: str) -> str:
    """The prefix of the documents of one trail."""
    return f"{trail_arn}|"


NOTIFICATION_KIND = "notification"
"""The state documents of Notification, keyed by trail ARN and the file's key."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A delivered log file that a topic is still to be told of."""

    trail_arn: str
    region: str
    topic_arn: str
    bucket: str
    key: str

    @property
    def state_key(self) -> str:
        """Its document's key."""
        return f"{self.trail_arn}|{self.region}|{self.bucket}|{self.key}"
