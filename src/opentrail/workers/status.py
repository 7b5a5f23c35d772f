"""Keeping a trail's status while several workers change it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from opentrail.errors import StateConflict
from opentrail.ports.state import Change, StateStore
from opentrail.trail.status import STATUS_KIND, TrailStatus, status_key


def apply_with_status(
    state: StateStore,
    place: tuple[str, str],
    change: Callable[[TrailStatus], TrailStatus],
    others: list[Change],
) -> None:
    """Apply `others` and a changed TrailStatus in one step; other workers change it too.

    `place` is the trail's ARN and the region that its files are of.
    """
    key = status_key(*place)
    while True:
        document = state.get(STATUS_KIND, key)
        status = (
            TrailStatus()
            if document is None
            else msgspec.json.decode(document.body, type=TrailStatus)
        )
        body = msgspec.json.encode(change(status))
        expected = 0 if document is None else document.version
        try:
            state.apply([*others, Change(STATUS_KIND, key, body, expected=expected)])
        except StateConflict:
            current = state.get(STATUS_KIND, key)
            if (0 if current is None else current.version) == expected:
                raise
        else:
            return
