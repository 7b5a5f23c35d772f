"""Records that workers make come into the journal, whose one writer this process is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from opentrail.gateway import GroupCommit

AT_ONCE = 500


class WaitingRecords:
    """To be called now and then; a record that a crash leaves half done is appended again."""

    def __init__(
        self,
        waiting: Callable[[int], Sequence[tuple[int, bytes]]],
        appended: Callable[[int], None],
        commit: GroupCommit,
    ) -> None:
        """Records of one worker.

        Args:
            waiting: The first of them, with their numbers; at most so many.
            appended: To be told that all up to a number are durable.
        """
        self._waiting = waiting
        self._appended = appended
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown(wait=True)

    async def take(self) -> None:
        """Append what waits; the worker forgets it once it is durable."""
        loop = asyncio.get_running_loop()
        while True:
            waiting = await loop.run_in_executor(self._thread, self._waiting, AT_ONCE)
            if not waiting:
                return
            await asyncio.gather(*(self._commit.appended(raw) for _, raw in waiting))
            await loop.run_in_executor(self._thread, self._appended, waiting[-1][0])
