"""Baselines from counted days: what of, and when.

A series is learnt once a day, at a minute of the first hour (UTC) that its key decides: up to the
midnight before. So at any minute it is settled which baseline holds, and a process that starts then
works out the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, MOST_DAYS, Baseline, Sensitivity, learn
from opentrail.insights.cleaning import cleaned
from opentrail.insights.counts import SeriesKey
from opentrail.insights.season import weekday_of

NEWS_DAYS = 14
"""Of an account known this long, an API never seen in a region is news, also where the region was
never used."""

_PHASES = 60


class Past(Protocol):
    """What was counted, and what was told of it."""

    def counts(self, key: SeriesKey, start: int, end: int) -> Sequence[tuple[int, int]]:
        """Minutes since the epoch in [start, end) and their calls."""
        ...

    def alerts(self, *, since: int, key: SeriesKey, limit: int = 1000) -> Sequence[Alert]:
        """Those of a series that were seen at `since` or later, or are not over."""
        ...


class Learning:
    """Knows since when accounts and regions are counted."""

    def __init__(self, past: Past, sensitivity: Sensitivity) -> None:
        self._past = past
        self._sensitivity = sensitivity
        self._since: dict[tuple[str, str], int] = {}
        self._accounts: dict[str, int] = {}

    def start(self, first: Mapping[SeriesKey, int]) -> None:
        """Know these series' first calls, and nothing else."""
        self._since, self._accounts = {}, {}
        for key, minute in first.items():
            self.known(key, minute)

    def known(self, key: SeriesKey, minute: int) -> None:
        """The account and region of a series had calls at this minute."""
        place = (key.account_id, key.region)
        self._since[place] = min(minute, self._since.get(place, minute))
        account = key.account_id
        self._accounts[account] = min(minute, self._accounts.get(account, minute))

    def is_news(self, key: SeriesKey, first: int, minute: int) -> bool:
        """Whether a series that began at `first` is to be told of, and was not yet."""
        since = self._accounts.get(key.account_id, first)
        is_new = first >= last_learnt_day(key, minute) * DAY
        return (
            is_new
            and first - since >= NEWS_DAYS * DAY
            and not self._past.alerts(since=first, key=key, limit=1)
        )

    def baseline(self, key: SeriesKey, first_call: int, minute: int) -> Baseline | None:
        """What holds for a series at this minute; None if it is too young to have any."""
        day = last_learnt_day(key, minute)
        since = self._since.get((key.account_id, key.region))
        if since is None or first_call >= day * DAY:
            return None
        first = max(day - MOST_DAYS, -(-since // DAY))
        if day - first < 1:
            return None
        counted = np.zeros((day - first) * DAY, np.int64)
        for at, count in self._past.counts(key, first * DAY, day * DAY):
            counted[at - first * DAY] = count
        alerts = self._past.alerts(since=(first - 1) * DAY, key=key)
        ordinary = cleaned(counted, first, [one for one in alerts if one.since < day * DAY])
        return learn(ordinary, weekday_of(first), self._sensitivity)


def learning_minute(key: SeriesKey) -> int:
    """The minute of the day at which a series is learnt."""
    return zlib.crc32("\x1f".join(key).encode()) % _PHASES


def last_learnt_day(key: SeriesKey, minute: int) -> int:
    """The day (since the epoch) before which a series' baseline ends, at this minute."""
    return (minute - learning_minute(key)) // DAY
