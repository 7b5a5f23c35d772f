"""How long events can be searched, by account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from opentrail.errors import InvalidInput

_SPAN = re.compile(r"(?:([0-9]{12})=)?(?:([1-9][0-9]{0,4})d|forever)")
"""Up to 273 years: there is a date so long ago."""


def parse_retention(texts: Sequence[str]) -> dict[str, timedelta | None]:
    """Spans by account, "" for accounts that are not named; None for good.

    Raises:
        InvalidInput: a text that is no span, or an account named twice.
    """
    spans: dict[str, timedelta | None] = {}
    for text in texts:
        found = _SPAN.fullmatch(text)
        if found is None:
            raise InvalidInput(
                f"event retention {text!r}: expected 1 to 99999 days as 90d, or forever, "
                "also of an account as 111122223333=90d"
            )
        account = found[1] or ""
        if account in spans:
            raise InvalidInput(f"event retention names {account or 'all accounts'} twice")
        spans[account] = None if found[2] is None else timedelta(days=int(found[2]))
    return spans
