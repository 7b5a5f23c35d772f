"""An observed call as a CloudTrail record: who, what, to which resource, with what result."""

from opentrail.recording.batches import object_records
from opentrail.recording.classify import is_data
from opentrail.recording.compose import (
    Draft,
    RecordFacts,
    compose,
    compose_intent,
    compose_outcome,
    compose_undecoded,
)
from opentrail.recording.learned import (
    issues_credentials,
    learned_credentials,
    learned_principals,
    other_account,
)
from opentrail.recording.redact import Redaction

__all__ = [
    "Draft",
    "RecordFacts",
    "Redaction",
    "compose",
    "compose_intent",
    "compose_outcome",
    "compose_undecoded",
    "is_data",
    "issues_credentials",
    "learned_credentials",
    "learned_principals",
    "object_records",
    "other_account",
]
