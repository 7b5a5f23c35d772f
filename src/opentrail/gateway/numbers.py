"""The numbers of calls on their way: taken when forwarded, settled when in the journal."""

from __future__ import annotations

from collections import OrderedDict

from opentrail.ports.intents import IntentLog, Progress


class Numbers:
    """Gives each call its number and keeps the source's progress noted.

    Attributes:
        forwarded: Calls that took a number since the start, less those that were not forwarded
            after all.
        recorded: Of those, how many have their record in the journal.
    """

    def __init__(self, intents: IntentLog, journal_end: int) -> None:
        self._intents = intents
        self._next = intents.progress().next_number
        self._journal_end = journal_end
        self._open: OrderedDict[int, int] = OrderedDict()
        self.forwarded = 0
        self.recorded = 0

    @property
    def under_way(self) -> int:
        """Calls that are forwarded and not yet settled."""
        return len(self._open)

    def take(self) -> int:
        """The number of a call that is about to be forwarded."""
        number = self._next
        self._next += 1
        self.forwarded += 1
        self._open[number] = self._journal_end
        self._note()
        return number

    def recorded_until(self, number: int, journal_end: int) -> None:
        """The call's record is in the journal, and ends at the offset `journal_end`."""
        self._journal_end = max(self._journal_end, journal_end)
        if self._close(number):
            self.recorded += 1

    def lost(self, number: int) -> None:
        """The call will have no record."""
        self._close(number)

    def give_back(self, number: int) -> None:
        """The call was not forwarded after all."""
        if self._close(number):
            self.forwarded -= 1

    def _close(self, number: int) -> bool:
        if self._open.pop(number, None) is None:
            return False
        self._intents.forget(number)
        self._note()
        return True

    def _note(self) -> None:
        oldest = next(iter(self._open.items()), (self._next, self._journal_end))
        self._intents.note(Progress(oldest[0], oldest[1], self._next))
