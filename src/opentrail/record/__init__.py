"""CloudTrail record contents: the JSON object of one activity, as AWS defines it."""

from opentrail.record.contents import (
    Record,
    RecordHead,
    Resource,
    SessionContext,
    SessionIssuer,
    UserIdentity,
    read_record,
)

__all__ = [
    "Record",
    "RecordHead",
    "Resource",
    "SessionContext",
    "SessionIssuer",
    "UserIdentity",
    "read_record",
]
