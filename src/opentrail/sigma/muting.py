"""Findings that nobody wants to be told of: of a rule, or of records that pass a filter."""

from __future__ import annotations

import msgspec

MUTE_KIND = "finding_mute"
"""State documents of mutes, keyed by their ids."""

EVERY_RULE = "*"


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """What is muted. Findings are kept all the same, and say why nobody was told.

    Attributes:
        rule_id: EVERY_RULE for all.
        where: A filter (docs/reference/filter-language.md) that the record which led to the finding
            must pass; "" for all. A finding that is made when a time is over has no such record.
        until: Epoch seconds, exclusive; 0 for good.
        reason: Shown with the findings.
    """

    id: str
    rule_id: str
    where: str = ""
    until: int = 0
    reason: str = "muted"
    created: int = 0
