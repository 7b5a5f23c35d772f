"""Existing CloudTrail logs: what a source's objects are, and the records in them."""

from opentrail.imports.found import (
    LIMITS,
    SKIPPED_FORMS,
    Form,
    Limits,
    Quarantined,
    ReadObject,
)
from opentrail.imports.keys import KeyFacts, KeyKind, read_key, reading_order, skip_reason
from opentrail.imports.reading import read_pieces

__all__ = [
    "LIMITS",
    "SKIPPED_FORMS",
    "Form",
    "KeyFacts",
    "KeyKind",
    "Limits",
    "Quarantined",
    "ReadObject",
    "read_key",
    "read_pieces",
    "reading_order",
    "skip_reason",
]
