"""Records of responses come from the outbox into the journal, whose one writer this process is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from opentrail.gateway import GroupCommit
from opentrail.ports.targets.outbox import Outbox

AT_ONCE = 500


class ResponseRecords:
    """To be called now and then; a record that a crash leaves half done is appended again."""

    def __init__(self, outbox: Outbox, commit: GroupCommit) -> None:
        self._outbox = outbox
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="responses")

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown(wait=True)

    async def take(self) -> None:
        """Append what waits; the outbox forgets it once it is durable."""
        loop = asyncio.get_running_loop()
        while True:
            waiting = await loop.run_in_executor(self._thread, self._outbox.responses, AT_ONCE)
            if not waiting:
                return
            await asyncio.gather(*(self._commit.appended(raw) for _, raw in waiting))
            await loop.run_in_executor(self._thread, self._outbox.recorded, waiting[-1][0])
