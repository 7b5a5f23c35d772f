"""Whose call is begun next, when more wait than one turn of the event loop should take.

Each caller (access key) has a row of its own, and rows are served in turn: one who floods waits
behind his own calls, not everybody behind his.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

AT_ONCE = 16
"""Calls begun in one turn of the loop: a millisecond or so, and enough to share a sync."""


class Turns:
    """Begins calls, a few in each turn of the loop."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._left = at_once
        self._scheduled = False
        self._rows: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    def wait(self, caller: str, begin: Callable[[], None]) -> None:
        """Call `begin` now or when it is the caller's turn."""
        if not self._scheduled:
            self._scheduled = True
            self._left = self._at_once
            asyncio.get_running_loop().call_soon(self._turn)
        if self._left > 0 and not self._rows:
            self._left -= 1
            begin()
        else:
            self._rows.setdefault(caller, deque()).append(begin)

    def _turn(self) -> None:
        if not self._rows:
            self._scheduled = False
            return
        asyncio.get_running_loop().call_soon(self._turn)
        self._left = self._at_once
        while self._rows and self._left > 0:
            caller, row = self._rows.popitem(last=False)
            self._left -= 1
            row.popleft()()
            if row:
                self._rows[caller] = row
