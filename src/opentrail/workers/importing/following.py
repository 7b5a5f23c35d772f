"""An import that goes on: the source is listed again and again, and a queue tells in between.

A message is deleted when its objects are noted in the ledger. What a queue never told, or told of
objects that could not be read, the next listing finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from opentrail.clock import Clock
from opentrail.errors import Unavailable
from opentrail.imports.notices import read_notice
from opentrail.imports.report import ImportReport
from opentrail.ports.sources import Message, MessageQueue, Source, SourceObject
from opentrail.workers.importing.planning import Decision, Planned
from opentrail.workers.imports import Importer

LONGEST_POLL_SECONDS = 20
"""The longest that SQS lets a receiver wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How to go on.

    Attributes:
        importer: A new one for each pass.
        buckets: The sources in a bucket, by its name.
        interval: From one listing to the next.
        pause: Waits so many seconds; True when it is time to stop.
        tell: Takes the report of each pass that found something.
        trouble: Takes what went wrong; it is tried again.
    """

    importer: Callable[[], Importer]
    sources: Sequence[Source]
    buckets: Mapping[str, Sequence[Source]]
    queue: MessageQueue | None
    interval: timedelta
    clock: Clock
    pause: Callable[[float], bool]
    tell: Callable[[ImportReport], None]
    trouble: Callable[[Unavailable], None]

    def run(self) -> None:
        """Until it is time to stop."""
        while True:
            self._tried(self.step)
            again = self.clock.now() + self.interval
            while (left := (again - self.clock.now()).total_seconds()) > 0:
                if self.queue is None or not self._tried(
                    lambda: self.take_messages(max(1, int(left)))
                ):
                    if self.pause(min(left, 1.0) if self.queue else left):
                        return
                elif self.pause(0):
                    return

    def step(self) -> None:
        """One pass over the sources."""
        importer = self.importer()
        plans = [(source, importer.plan(source)) for source in self.sources]
        if any(_has_work(one) for _, plan in plans for one in plan):
            self.tell(importer.run(plans))

    def take_messages(self, wait_seconds: int) -> None:
        """Import what some messages tell of, then delete them."""
        assert self.queue is not None
        messages = self.queue.receive(min(wait_seconds, LONGEST_POLL_SECONDS))
        notices = [(one, read_notice(one.body)) for one in messages]
        wanted: dict[str, dict[str, SourceObject]] = {}
        for _, notice in notices:
            for bucket, key in notice.objects:
                for source in self.buckets.get(bucket, ()):
                    found = source.find(key)
                    if found is not None:
                        wanted.setdefault(source.name, {})[key] = found
        failed = self._import(wanted)
        done = [
            one
            for one, notice in notices
            if notice.known and not failed & {key for _, key in notice.objects}
        ]
        self._delete(done)

    def _import(self, wanted: Mapping[str, Mapping[str, SourceObject]]) -> frozenset[str]:
        importer = self.importer()
        plans = [
            (source, importer.plan_some(source, tuple(wanted[source.name].values())))
            for source in self.sources
            if source.name in wanted
        ]
        if any(one.decision is Decision.READ for _, plan in plans for one in plan):
            self.tell(importer.run(plans))
        return importer.failed_keys

    def _delete(self, messages: Sequence[Message]) -> None:
        if messages and self.queue is not None:
            self.queue.delete(messages)

    def _tried(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except Unavailable as problem:
            self.trouble(problem)
            return False
        return True


def _has_work(one: Planned) -> bool:
    return one.decision is Decision.READ or (
        one.decision is Decision.UNCHANGED and bool(one.reason)
    )
