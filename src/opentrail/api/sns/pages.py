"""Pages of a hundred; a token names the last one shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from opentrail.api.sns.backends import Parameters, invalid

SIZE = 100


def page(
    name: str, keyed: Sequence[tuple[str, dict[str, Any]]], parameters: Parameters
) -> dict[str, Any]:
    """The members of an answer.

    Args:
        keyed: (key, what is shown), ordered by key.

    Raises:
        ApiError: a token that was never given.
    """
    token = parameters.get("NextToken")
    if token:
        last = _read(token)
        keyed = [one for one in keyed if one[0] > last]
    shown = keyed[:SIZE]
    found: dict[str, Any] = {name: [one for _, one in shown]}
    if len(shown) < len(keyed):
        found["NextToken"] = base64.urlsafe_b64encode(shown[-1][0].encode()).decode()
    return found


def _read(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise invalid("NextToken") from None
