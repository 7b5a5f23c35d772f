"""How often one endpoint is asked whether it wants to subscribe: anybody may name anybody's."""

from __future__ import annotations

import threading
from datetime import datetime

from opentrail.api.errors import ApiError

MOST_ASKED = 20
"""Questions that an account may have sent to one endpoint in an hour, whatever its topics."""

_SECONDS = 3600.0
_MOST_ENDPOINTS = 100_000
"""Remembered; the one that was asked the longest ago is forgotten first."""


class Asking:
    """Counts of this process: one that starts anew begins at nothing. Safe for threads.

    Accounts are counted apart, so that none keeps another's subscribers from being asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[tuple[str, str], tuple[float, datetime]] = {}

    def take(self, account_id: str, endpoint: str, now: datetime) -> None:
        """Nothing, if one more question may be sent.

        Args:
            endpoint: A URL or an address, in capitals or not: few mailboxes tell them apart.

        Raises:
            ApiError: ThrottlingException.
        """
        key = (account_id, endpoint.lower())
        with self._lock:
            left, since = self._left.pop(key, (float(MOST_ASKED), now))
            passed = max(0.0, (now - since).total_seconds())
            left = min(float(MOST_ASKED), left + passed * MOST_ASKED / _SECONDS)
            self._left[key] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _MOST_ENDPOINTS:
                del self._left[next(iter(self._left))]
        if left < 1:
            raise ApiError(
                "ThrottlingException",
                f"Rate exceeded: the endpoint was asked {MOST_ASKED} times within an hour",
            )
