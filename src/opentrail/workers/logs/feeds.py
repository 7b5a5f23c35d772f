"""Which log groups show which stretch of the store of events.

Records come into the store in the order of the journal, and trails change at places of the journal.
So the store is filled up to such a place and no further; then its sequence is where a group begins,
or ceases, to show what a trail takes. After a crash the same is found again: the store remembers
its place, and the spans say what was noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import structlog

from opentrail.errors import StateConflict
from opentrail.logs.group import LOG_GROUP_KIND
from opentrail.logs.names import InvalidLogName, parse_group_arn
from opentrail.ports.journal import JournalReader
from opentrail.ports.state import Change, StateStore
from opentrail.trail.feeds import FEED_KIND, FeedSpan, feeding, turned
from opentrail.trail.timeline import Timeline
from opentrail.trail.trail import Trail
from opentrail.workers.following import logging_trails, read_timelines, settled_end

_log = structlog.get_logger()


class FeedKeeper:
    """Keeps the spans of all groups in step with the store."""

    def __init__(
        self, journal: JournalReader, state: StateStore, sequence_end: Callable[[], int]
    ) -> None:
        self._journal = journal
        self._state = state
        self._sequence_end = sequence_end
        self._lasting: dict[str, dict[str, FeedSpan]] = {}
        for document in state.list(FEED_KIND):
            span = msgspec.json.decode(document.body, type=FeedSpan)
            if span.sequence_before is None:
                self._lasting.setdefault(span.group_arn, {})[span.state_key] = span

    def turn(self, place: int) -> int:
        """Note what is shown of the records from `place` on, which are not in the store yet.

        Returns:
            The offset up to which (exclusive) that holds.
        """
        end = settled_end(self._journal, self._state)
        timelines = read_timelines(self._state)
        self._keep(logging_trails(timelines, place))
        return min([end, *_turns(timelines, place)])

    def _keep(self, trails: list[Trail]) -> None:
        wanted = {arn: some for arn, some in feeding(trails).items() if self._exists(arn)}
        for arn in wanted.keys() | self._lasting.keys():
            known = self._known(arn)
            ended, begun = turned(known, wanted.get(arn, ()), arn, self._sequence_end())
            if ended or begun:
                self._note(arn, ended, begun)

    def _exists(self, arn: str) -> bool:
        try:
            key = parse_group_arn(arn).state_key
        except InvalidLogName:
            return False
        return self._state.get(LOG_GROUP_KIND, key) is not None

    def _known(self, arn: str) -> list[FeedSpan]:
        """The group's spans that go on; a group that was deleted meanwhile has none left."""
        lasting = self._lasting.get(arn, {})
        kept = {
            key: span
            for key, span in lasting.items()
            if self._state.get(FEED_KIND, key) is not None
        }
        self._lasting[arn] = kept
        return list(kept.values())

    def _note(self, arn: str, ended: list[FeedSpan], begun: list[FeedSpan]) -> None:
        changes = []
        for span in ended:
            document = self._state.get(FEED_KIND, span.state_key)
            if document is None:
                continue
            empty = span.sequence_from == span.sequence_before
            body = None if empty else msgspec.json.encode(span)
            changes.append(Change(FEED_KIND, span.state_key, body, expected=document.version))
        # A span that ends where it began gives its key to the next one.
        named = {change.key: change for change in changes}
        for span in begun:
            before = named.pop(span.state_key, None)
            expected = 0 if before is None else before.expected
            body = msgspec.json.encode(span)
            named[span.state_key] = Change(FEED_KIND, span.state_key, body, expected=expected)
        try:
            self._state.apply(list(named.values()))
        except StateConflict:
            # The group was deleted just now: the next step sees that.
            _log.info("log_feed_changed_meanwhile", group=arn)
            return
        lasting = self._lasting.setdefault(arn, {})
        for span in ended:
            lasting.pop(span.state_key, None)
        lasting |= {span.state_key: span for span in begun}
        if not lasting:
            self._lasting.pop(arn)


def _turns(timelines: Mapping[str, Timeline], place: int) -> list[int]:
    found = (timeline.next_turn(place) for timeline in timelines.values())
    return [turn for turn in found if turn is not None]
