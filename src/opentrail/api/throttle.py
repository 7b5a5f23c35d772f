"""How many calls a second an account may make, as far as the quotas say."""

from __future__ import annotations

import threading
from datetime import datetime

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.trail.quotas import Quotas

MOST_BUCKETS = 10_000
"""Accounts, regions and operations remembered; forgetting one lets its next call through."""


class Throttle:
    """Token buckets of one second, for each account, region and operation."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], tuple[float, datetime]] = {}

    def take(self, operation: str, caller: Caller) -> None:
        """Nothing, if the call is within its rate.

        Raises:
            ApiError: ThrottlingException.
        """
        rate = self._quotas.calls_per_second(operation)
        if not rate:
            return
        key = (caller.account_id, caller.region, operation)
        with self._lock:
            left, since = self._buckets.get(key, (float(rate), caller.now))
            passed = max(0.0, (caller.now - since).total_seconds())
            left = min(float(rate), left + passed * rate)
            if left < 1:
                raise ApiError("ThrottlingException", "Rate exceeded")
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.clear()
            self._buckets[key] = (left - 1, caller.now)
