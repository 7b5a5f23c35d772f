"""Which series somebody wants Insights of: those of trails that log and have Insight selectors."""

from __future__ import annotations

from opentrail.insights.counts import SeriesKey
from opentrail.ports.state import StateStore
from opentrail.workers.following import read_timelines

_LATEST = 2**62


class Wanted:
    """The Insight selectors of all trails, as they are now."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._asked: frozenset[tuple[str, str | None, str, str]] = frozenset()

    def refresh(self) -> bool:
        """Read them; whether they have changed."""
        trails = (timeline.at(_LATEST) for timeline in read_timelines(self._state).values())
        asked = frozenset(
            (
                account,
                None if trail.is_multi_region_trail else trail.home_region,
                one.type,
                category,
            )
            for trail in trails
            if trail is not None and trail.is_logging
            for one in trail.insight_selectors
            for category in one.categories
            for account in trail.accounts
        )
        changed = asked != self._asked
        self._asked = asked
        return changed

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, SeriesKey):
            return False
        what = (key.insight_type, key.category)
        return (key.account_id, None, *what) in self._asked or (
            key.account_id,
            key.region,
            *what,
        ) in self._asked
