"""Keeping records, and what becomes of calls while the journal can't be written.

After a failed append nothing more is tried until a probe succeeds. Meanwhile a `closed` call is
refused before it is forwarded; a `spool` call's record waits on a second disk or in memory; an
`open` call's record is lost. Records of calls that were under way when the journal failed wait in
memory whatever their mode is: they were executed. The probe appends what waits, and behind it a
record of the outage that says how many calls were refused, lost and late.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from opentrail.clock import Clock
from opentrail.errors import Unavailable
from opentrail.gateway.commit import GroupCommit, Outcome
from opentrail.gateway.numbers import Numbers
from opentrail.gateway.policy import FailMode

MEMORY_BYTES = 64 * 1024 * 1024
"""What may wait in memory before calls in mode `spool` are refused too."""

PROBE_RECORDS = 500
"""Appended at once when the journal is back."""

_log = structlog.get_logger()

Told = Callable[[Exception | None], None]
"""None when the call may be acknowledged, or why it may not."""


def _told_by_the_last(_outcome: Outcome) -> None:
    """Records that are appended together share their outcome."""


class SecondDisk(Protocol):
    """Records that wait elsewhere while the journal can't be written."""

    def put(self, raws: Sequence[bytes], number: int) -> bool:
        """Durable on return; False if there is no room or the disk fails too."""
        ...

    def take(self, limit: int) -> list[tuple[bytes, int]]:
        """About `limit` of the oldest records, all of a call together; they stay until `taken`."""
        ...

    def taken(self, count: int) -> None:
        """The oldest `count` records are in the journal."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which the journal could not be written.

    Attributes:
        began: Of the first failure.
        ended: When the journal was written again.
        refused: Calls that were not forwarded.
        lost: Calls that were forwarded and have no record.
        late: Records that waited.
    """

    began: datetime
    ended: datetime
    refused: int
    lost: int
    late: int


class Keeper:
    """Keeps the records of the gateway's calls.

    Attributes:
        counts: `refused`, `lost` and `late` since the start, and `outages`.
    """

    def __init__(
        self,
        commit: GroupCommit,
        numbers: Numbers,
        *,
        clock: Clock,
        outage_record: Callable[[Outage], bytes],
        second_disk: SecondDisk | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._commit = commit
        self.numbers = numbers
        self._clock = clock
        self._outage_record = outage_record
        self._second = second_disk
        self._memory_limit = memory_bytes
        self._memory: deque[tuple[bytes, int]] = deque()
        self._memory_bytes = 0
        self._failing_since: datetime | None = None
        self._probing = False
        self._during: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    @property
    def failing(self) -> bool:
        """Whether the journal can't be written now."""
        return self._failing_since is not None

    @property
    def waiting(self) -> int:
        """Records that wait in memory."""
        return len(self._memory)

    def may_forward(self, mode: FailMode) -> bool:
        """Whether a call in `mode` may go on; one that may not is counted as refused."""
        if not self.failing or mode is FailMode.OPEN:
            return True
        if mode is FailMode.SPOOL and self._memory_bytes < self._memory_limit:
            return True
        self._count("refused", 1)
        return False

    def take_number(self, mode: FailMode) -> int:
        """The number of a call that is about to be forwarded."""
        return self.numbers.take(noted=mode is FailMode.CLOSED)

    def intend(self, raw: bytes, number: int, told: Told) -> None:
        """Tell when the call may be forwarded; if it may not, its number is given back."""

        def done(outcome: Outcome) -> None:
            if isinstance(outcome, Exception):
                self.numbers.give_back(number)
                self._failed(outcome)
                self._count("refused", 1)
                told(outcome)
            else:
                told(None)

        self._commit.intend(raw, number, done)

    def keep(self, raws: Sequence[bytes], number: int, mode: FailMode, told: Told) -> None:
        """Keep the records of a call that ended.

        Args:
            number: 0 if the call was never forwarded.
        """
        if self.failing:
            told(self._keep_aside(raws, number, mode))
            return

        def done(outcome: Outcome) -> None:
            if isinstance(outcome, Exception):
                self._failed(outcome)
                told(self._keep_aside(raws, number, mode))
            else:
                self.numbers.recorded_until(number, outcome[1])
                told(None)

        self._commit.append_all(raws, done, number)

    def probe(self) -> None:
        """If the journal failed, try again; to be called now and then."""
        since = self._failing_since
        if since is None or self._probing:
            return
        self._probing = True
        from_disk = self._on_disk(PROBE_RECORDS)
        batch = from_disk or self._in_memory(PROBE_RECORDS)
        if batch:
            self._append_late(batch, from_disk=bool(from_disk))
        else:
            self._append_outage(since)

    def _append_late(self, batch: list[tuple[bytes, int]], *, from_disk: bool) -> None:
        *others, (last, last_number) = batch
        for raw, number in others:
            self._commit.append(raw, _told_by_the_last, number)

        def done(outcome: Outcome) -> None:
            self._probing = False
            if isinstance(outcome, Exception):
                return
            for _, number in batch:
                self.numbers.recorded_until(number, outcome[1])
            self._gone(batch, from_disk=from_disk)
            self.probe()

        # Records that wait in one row are written in one piece: they share their outcome.
        self._commit.append(last, done, last_number)

    def _gone(self, batch: Sequence[tuple[bytes, int]], *, from_disk: bool) -> None:
        self._count("late", len(batch))
        if from_disk and self._second is not None:
            self._second.taken(len(batch))
            return
        for _ in batch:
            raw, _number = self._memory.popleft()
            self._memory_bytes -= len(raw)

    def _append_outage(self, since: datetime) -> None:
        told = Counter(self._during)
        outage = Outage(
            began=since,
            ended=self._clock.now(),
            refused=told["refused"],
            lost=told["lost"],
            late=told["late"],
        )

        def done(outcome: Outcome) -> None:
            self._probing = False
            if isinstance(outcome, Exception):
                return
            self._during -= told
            if self._memory or self._during["lost"] or self._on_disk(1):
                return  # more came while the outage was being told; it goes on
            self._failing_since = None
            self._during.clear()
            _log.warning("journal_is_back", **told)

        self._commit.append(self._outage_record(outage), done)

    def _in_memory(self, limit: int) -> list[tuple[bytes, int]]:
        """About `limit` records; those of one call stay together."""
        found: list[tuple[bytes, int]] = []
        for one in self._memory:
            if len(found) >= limit and one[1] != found[-1][1]:
                break
            found.append(one)
        return found

    def _on_disk(self, limit: int) -> list[tuple[bytes, int]]:
        return [] if self._second is None else self._second.take(limit)

    def _keep_aside(self, raws: Sequence[bytes], number: int, mode: FailMode) -> Exception | None:
        """What the caller is to be told about a call whose record can't be in the journal."""
        if mode is FailMode.OPEN:
            self._count("lost", 1)
            self.numbers.lost(number)
            return None
        if mode is FailMode.SPOOL and self._second is not None and self._second.put(raws, number):
            return None
        self._memory.extend((raw, number) for raw in raws)
        self._memory_bytes += sum(map(len, raws))
        return None if mode is FailMode.SPOOL else Unavailable("the journal can't be written")

    def _failed(self, failure: Exception) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            self.counts["outages"] += 1
            _log.error("journal_failed", problem=str(failure))

    def _count(self, what: str, number: int) -> None:
        self._during[what] += number
        self.counts[what] += number
