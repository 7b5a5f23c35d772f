"""Whose turn it is: no target that hangs, is slow or fails keeps another from its turn.

Each target of an account is a lane. A lane has a few tries at once. One that fails again and again
is left alone for a while, longer each time, and then asked by a single try. And lanes that are
slow, or not known yet, never take all the tries there are: those that answered quickly keep some
for themselves. Nor does one account take all that is left for slow ones: the more it has, the more
stay free for others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from opentrail.ports.targets.outbox import account_of

AT_ONCE = 32
OF_A_LANE = 8
OF_A_SLOW_LANE = 4
NOT_QUICK = AT_ONCE * 3 // 4
"""Tries under way at lanes that are not known to be quick, at the most."""

SHARE = 2
"""An account has one more of these only while it has less than so many times what is free: the
first one comes to 16 of 24, the next ones to 6 and 2."""

QUICK_MILLISECONDS = 1000
FAILURES = 5
"""In a row, after which a lane is left alone."""

FIRST_PAUSE = 5_000
LONGEST_PAUSE = 300_000
MOST_LANES = 10_000
"""Remembered; one that is forgotten is not known to be quick."""


@dataclass(slots=True)
class _Lane:
    under_way: int = 0
    begun: int = 0
    failures: int = 0
    resting_until: int = 0
    quick: bool = False


_UNKNOWN = _Lane()


class Lanes:
    """Counts; not safe for threads by itself. Times are epoch milliseconds."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._under_way = 0
        self._not_quick = Counter[str]()
        self._begun = 0

    @property
    def under_way(self) -> int:
        """Tries under way."""
        return self._under_way

    @property
    def room(self) -> int:
        """How many more may begin."""
        return AT_ONCE - self._under_way

    def in_turn(self, names: Iterable[str], now: int) -> list[str]:
        """Of these lanes those in which a try may begin, the longest passed over first."""
        found = []
        for name in names:
            known = self._lanes.get(name, _UNKNOWN)
            if _has_turn(known, now) and (known.quick or self._has_share(account_of(name))):
                found.append((known.under_way, known.begun, name))
        return [name for _, _, name in sorted(found, key=lambda one: one[:2])]

    def begin(self, name: str, now: int) -> bool:
        """Whether a try may begin now; if so, it has."""
        known = self._lanes.get(name) or _Lane()
        if not self.room or not _has_turn(known, now):
            return False
        account = account_of(name)
        if not known.quick and not self._has_share(account):
            return False
        self._lanes[name] = known
        self._begun += 1
        known.begun = self._begun
        known.under_way += 1
        self._under_way += 1
        self._not_quick[account] += not known.quick
        return True

    def end(self, name: str, *, answered: bool, took: int, now: int) -> None:
        """A try that had begun is over.

        Args:
            answered: Whether the target did, be it with a refusal.
            took: Milliseconds.
        """
        known, account = self._lanes[name], account_of(name)
        self._under_way -= 1
        self._not_quick[account] -= not known.quick
        known.under_way -= 1
        # The others under way there are counted as the lane is from now on.
        was, known.quick = known.quick, answered and took <= QUICK_MILLISECONDS
        self._not_quick[account] += known.under_way * (was - known.quick)
        if not self._not_quick[account]:
            del self._not_quick[account]
        if answered:
            known.failures = known.resting_until = 0
        else:
            known.failures += 1
            known.resting_until = now + _pause(known.failures)
        if len(self._lanes) > MOST_LANES:
            self._forget()

    def _has_share(self, account: str) -> bool:
        return self._not_quick[account] < SHARE * (NOT_QUICK - self._not_quick.total())

    def _forget(self) -> None:
        self._lanes = {
            name: one for name, one in self._lanes.items() if one.under_way or one.resting_until
        }


def _has_turn(lane: _Lane, now: int) -> bool:
    if lane.failures:
        return lane.under_way == 0 and lane.resting_until <= now
    return lane.under_way < (OF_A_LANE if lane.quick else OF_A_SLOW_LANE)


def _pause(failures: int) -> int:
    if failures < FAILURES:
        return 0
    return min(LONGEST_PAUSE, FIRST_PAUSE << min(failures - FAILURES, 10))
