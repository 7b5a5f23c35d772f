"""What is done about the signature of a call that passes by."""

from __future__ import annotations

from enum import StrEnum

CHECKED_BODY_BYTES = 64 * 1024 * 1024
"""A body up to this length is waited for, where its hash is needed before it may be forwarded."""


class SignatureCheck(StrEnum):
    """`off`: nobody looks. `note`: a wrong one is told in the record. `refuse`: it stops here."""

    OFF = "off"
    NOTE = "note"
    REFUSE = "refuse"
