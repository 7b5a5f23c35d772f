"""The numbers of calls on their way: taken when forwarded, given back or settled afterwards."""

from __future__ import annotations

from collections import OrderedDict

from opentrail.ports.intents import UNNOTED, IntentLog, Progress


class _Row:
    """One row of numbers (see ports.intents): the next one, and those that are open."""

    def __init__(self, following: int) -> None:
        self.following = following
        self.open: OrderedDict[int, int] = OrderedDict()

    def take(self, journal_end: int) -> int:
        number = self.following
        self.following += 1
        self.open[number] = journal_end
        return number

    def oldest(self) -> tuple[int, int] | None:
        """The oldest open number and the journal's end when it was taken."""
        return next(iter(self.open.items()), None)


class Numbers:
    """Gives each call its number and keeps the source's progress noted.

    Attributes:
        forwarded: Calls that took a number since the start, less those given back.
        recorded: Of those, how many have their record in the journal.
    """

    def __init__(self, intents: IntentLog, journal_end: int) -> None:
        self._intents = intents
        self._journal_end = journal_end
        progress = intents.progress()
        self._noted = _Row(progress.next_number)
        self._unnoted = _Row(progress.unnoted_next)
        self.forwarded = 0
        self.recorded = 0

    @property
    def under_way(self) -> int:
        """Calls that are forwarded and not yet settled."""
        return len(self._noted.open) + len(self._unnoted.open)

    def take(self, *, noted: bool) -> int:
        """The number of a call that is about to be forwarded.

        Args:
            noted: Whether an intent is kept of it first.
        """
        self.forwarded += 1
        number = (self._noted if noted else self._unnoted).take(self._journal_end)
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
        row = self._unnoted if number > UNNOTED else self._noted
        if row.open.pop(number, None) is None:
            return False
        if row is self._noted:
            self._intents.forget(number)
        self._note()
        return True

    def _note(self) -> None:
        noted, unnoted = self._noted, self._unnoted
        first, second = noted.oldest(), unnoted.oldest()
        ends = (
            first[1] if first else self._journal_end,
            second[1] if second else self._journal_end,
        )
        self._intents.note(
            Progress(
                first[0] if first else noted.following,
                noted.following,
                second[0] if second else unnoted.following,
                unnoted.following,
                min(ends),
            )
        )
